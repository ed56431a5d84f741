"""The kinds of value that settings take, each with the sentence that says what it must look like.

A sentence never repeats what was given where that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import time, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

import commands
from commands.base import actions
from commands.kit.folders import folder
from commands.kit.meant import nearest
from commands.kit.words import parse_size, parse_span

EVERYONE = "everyone"
"""Stands for every member of the workspace in a grant."""

SLACK_API = "https://slack.com/api/"

SLASH = "/checkpoint"
"""What people type where the settings say nothing else."""


@dataclass(frozen=True, slots=True)
class Hours:
    """A stretch of every day, which may go over midnight: `22:00-05:00`."""

    begin: time
    end: time

    def __contains__(self, at: time) -> bool:
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end

    def __str__(self) -> str:
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"


def problem(sentence: str) -> PydanticCustomError:
    """An error whose text is `sentence` as it stands: `must be between 1 and 65535`."""
    return PydanticCustomError("problem", "{sentence}", {"sentence": sentence})


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean hosts?`, or nothing when nothing is near."""
    near = nearest(word, known, most=1)
    return f"; did you mean {near[0]}?" if near else ""


def _known_action(value: str) -> str:
    commands.load()  # a verb is known when its command is
    known = sorted({"view", *(action.right for action in actions().values())})
    if value not in known:
        raise problem(f"there is no action {value}{did_you_mean(value, known)}; there are {', '.join(known)}")
    return value


ActionName = Annotated[str, AfterValidator(_known_action)]
"""What a role may hold: `view`, or what a verb asks for."""


def _matching(pattern: str, sentence: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if compiled.fullmatch(value):
            return value
        raise problem(f"{value!r} {sentence}")

    return AfterValidator(check)


def _whole_number(least: int, most: int) -> Callable[[object], int]:
    def check(value: object) -> int:
        if isinstance(value, bool) or not re.fullmatch(r"-?[0-9]{1,9}", str(value)):
            raise problem("must be a whole number")
        if not least <= int(str(value)) <= most:
            raise problem(f"must be between {least} and {most}")
        return int(str(value))

    return check


def _span(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise problem("must be a span of time, such as 30m, 24h or 7d")
    try:
        return parse_span(value)
    except ValueError as error:
        raise problem(str(error)) from None


def _folder(value: str) -> str:
    try:
        return folder(value)
    except ValueError as error:
        raise problem(f"{value!r}: {error}") from None


def _size(value: object) -> int:
    try:
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else parse_size(str(value))
    except ValueError as error:
        raise problem(str(error)) from None


def _whole_hours(value: timedelta) -> timedelta:
    hour, day = timedelta(hours=1), timedelta(days=1)
    if value % hour or (value > day and value % day):
        raise problem("must be whole hours up to a day, or whole days, such as 6h or 2d")
    return value


def _time_of_day(value: object) -> time:
    if isinstance(value, time):
        return value
    match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", str(value))
    if not match:
        raise problem('must be a time of day from "00:00" to "23:59"')
    return time(int(match[1]), int(match[2]))


def _hours(value: object) -> Hours:
    if isinstance(value, Hours):
        return value
    match = re.fullmatch(r"\s*(\S+?)\s*(?:-|–|to)\s*(\S+)\s*", str(value))
    if not match:
        raise problem('must be hours of the day, such as "22:00-05:00"')
    begin, end = _time_of_day(match[1]), _time_of_day(match[2])
    if begin == end:
        raise problem("must begin and end at different times")
    return Hours(begin, end)


def _time_zone(value: object) -> ZoneInfo:
    if isinstance(value, ZoneInfo):
        return value
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError):  # unknown, no path inside the database, or a folder of it
        near = did_you_mean(str(value), available_timezones())
        raise problem(f"{value!r} is not a time zone, such as Europe/Paris or UTC{near}") from None


def _pattern(value: str) -> str:
    if not value.strip() or value != value.strip():
        raise problem("must be a name or a pattern such as web*, without spaces around it")
    if "[" in value and not re.search(r"\[!?[^]]+\]|\[!?\][^]]*\]", value):
        raise problem(f"{value!r} has a [ without a ]; for the character itself write [[]")
    return value


def _address(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        if re.fullmatch(r"[\w.-]{1,253}", value):
            return value
    raise problem("must be a host name or an IP address alone; ssl and port are settings of their own")


def _existing_file(value: Path) -> Path:
    path = value.expanduser()
    if not path.is_file():
        raise problem(f"there is no file {value}")
    return path


def _api_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.username or parts.password:
        raise problem("must not hold a user name or password")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))):
        raise problem("must begin with https:// (plain http:// only for a server on this machine)")
    return value if value.endswith("/") else f"{value}/"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _not_empty(values: tuple[object, ...]) -> tuple[object, ...]:
    if not values:
        raise problem("must not be empty")
    return values


VERIFIED = "verify-full"
ELSEWHERE = ("host", "hostaddr", "service", "port")
"""Parameters by which libpq goes to another server than the one that stands before them."""


LEAST_KEY = 32
"""Characters. `openssl rand -base64 32` gives 44."""


def _site_key(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < LEAST_KEY:
        raise problem(f"must have {LEAST_KEY} characters or more, such as openssl rand -base64 32 gives")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    given = value.get_secret_value()
    if given.startswith("sqlite:///"):
        return value
    return SecretStr(postgresql_url(given))


def is_jobs_file(url: str, data_dir: Path) -> bool:
    """Whether jobs that are kept there are in the jobs.db of the data folder, as they are where nothing is given. What
    stands there else is left over."""
    if not url:
        return True
    file = url.partition("?")[0].removeprefix("sqlite:///")
    return url.startswith("sqlite:///") and Path(file).absolute() == (data_dir / "jobs.db").absolute()


def postgresql_url(given: str) -> str:
    """The URL with all that it takes to be sure of the server: over a network, its certificate is checked against the
    system's authorities, or against those of the URL's `sslrootcert`. A sentence holds no part of what was given."""
    parts = urlsplit(given)
    if parts.scheme not in ("postgresql", "postgresql+psycopg"):
        raise problem("must begin with postgresql:// or sqlite:///")
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    try:
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or "," in parts.netloc or len(parts.path) < 2:
        raise problem("must name one server and a database, such as postgresql://user@db.example.net/checkpointbot")
    if found := [name for name in ELSEWHERE if name in query]:
        raise problem(f"must name the server before the database, and no {found[0]} behind it")
    if _is_loopback(host):
        return given
    if query.setdefault("sslmode", VERIFIED) != VERIFIED:
        raise problem(f"must check who the server is: sslmode={VERIFIED}, or no sslmode at all, which means that")
    query.setdefault("sslrootcert", "system")
    return urlunsplit(parts._replace(query=urlencode(query)))


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host.strip("[]") or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise problem("must be an address and a port, such as 127.0.0.1:9464")
    return value


def _stream(value: str) -> str:
    """Where the chain can be streamed to. What is no address is a file."""
    if value == "stdout":
        return value
    if "://" not in value:
        if not Path(value).is_absolute():
            raise problem("must be https://…, syslog+tls://…, the whole path of a file, or stdout")
        return value
    parts = urlsplit(value)
    if parts.scheme in ("http", "syslog"):
        right = {"http": "https", "syslog": "syslog+tls"}[parts.scheme]
        raise problem(f"must be encrypted on its way: {right}://…")
    if parts.scheme not in ("https", "syslog+tls") or not parts.hostname:
        raise problem("must be https://…, syslog+tls://…, the whole path of a file, or stdout")
    if parts.username or parts.password:
        raise problem("must not hold a user name or password: audit.token is for that")
    if parts.scheme == "syslog+tls" and (parts.path.strip("/") or parts.query):
        raise problem("must be syslog+tls:// with a host and a port, such as syslog+tls://logs.example.net:6514")
    try:
        _ = parts.port
    except ValueError:
        raise problem("must have a port between 1 and 65535") from None
    return value


def is_site(value: str) -> bool:
    return re.fullmatch(_SITE, value) is not None


def is_channel(value: str) -> bool:
    return re.fullmatch(_CHANNEL, value) is not None


def _head_place(value: str) -> str:
    if value in ("digest", "none") or is_channel(value) or Path(value).is_absolute():
        return value
    raise problem(f"{value!r} is neither digest, none, a channel id (C0123ABCD), nor the whole path of a file")


_T = TypeVar("_T")
_MEMBER = r"[UW][A-Z0-9]{1,20}"
_GROUP = r"S[A-Z0-9]{1,20}"
_CHANNEL = r"[CG][A-Z0-9]{1,20}"

_SITE = r"[a-z0-9][a-z0-9-]{0,29}"

CheckpointCount = Annotated[int, BeforeValidator(_whole_number(1, 49))]
Count = Annotated[int, BeforeValidator(_whole_number(1, 50))]
Quantity = Annotated[int, BeforeValidator(_whole_number(1, 1_000_000))]
Size = Annotated[int, BeforeValidator(_size)]
Port = Annotated[int, BeforeValidator(_whole_number(1, 65535))]
Span = Annotated[timedelta, BeforeValidator(_span)]
SpanOrNone = Annotated[
    timedelta | None, BeforeValidator(lambda value: None if value in (None, "none") else _span(value))
]
"""An empty value is the default, so that no span at all has a word: `none`."""
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
HoursOfTheDay = Annotated[Hours, PlainValidator(_hours)]
TimeZone = Annotated[ZoneInfo, BeforeValidator(_time_zone)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Address = Annotated[str, AfterValidator(_address)]
ExistingFile = Annotated[Path, AfterValidator(_existing_file)]
ApiUrl = Annotated[str, AfterValidator(_api_url)]
Listen = Annotated[str, AfterValidator(_listen)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
PostgresUrl = Annotated[SecretStr, AfterValidator(lambda value: SecretStr(postgresql_url(value.get_secret_value())))]
SiteKey = Annotated[SecretStr, AfterValidator(_site_key)]
SiteName = Annotated[str, _matching(_SITE, "is no name of a site: small letters, digits and hyphens, 30 at the most")]
OneOrMore = Annotated[tuple[_T, ...], AfterValidator(_not_empty)]
Secret = Annotated[SecretStr, Field(min_length=1)]
HostName = Annotated[
    str, _matching(r"[^\s,/\\]{1,63}", "must be 1 to 63 characters without spaces, commas and slashes")
]
HostFolder = Annotated[str, AfterValidator(_folder)]
RoleName = Annotated[str, _matching(r"[\w-]{1,63}", "must be a word of letters, digits, - and _")]
ScheduleName = Annotated[str, _matching(r"\w[\w .-]{0,39}", "must be up to 40 letters, digits, blanks, and -, _ and .")]
UserId = Annotated[str, _matching(_MEMBER, "is not a user id (U024BE7LH)")]
WholeHours = Annotated[timedelta, BeforeValidator(_span), AfterValidator(_whole_hours)]
SetName = Annotated[
    str,
    _matching(r"[\w.-]{1,63}", "must be a word of letters, digits, -, _ and ., without the @"),
    AfterValidator(str.casefold),
]
Someone = Annotated[
    str,
    _matching(
        f"{_MEMBER}|{_GROUP}|{EVERYONE}",
        f"is neither a user id (U024BE7LH), a user group id (S0615G0KT) nor {EVERYONE}",
    ),
]
ChannelId = Annotated[str, _matching(_CHANNEL, "is not a channel id (C0123ABCD)")]
Stream = Annotated[str, AfterValidator(_stream)]
HeadPlace = Annotated[str, AfterValidator(_head_place)]
SlashCommand = Annotated[
    str, _matching(r"/[a-z0-9_-]{1,31}", "must be a / and up to 31 small letters, digits, - and _, such as /checkpoint")
]
Label = Annotated[
    str, _matching(r"[\w .()-]{0,40}", "must be up to 40 letters, digits, blanks, and -, _, . and brackets")
]

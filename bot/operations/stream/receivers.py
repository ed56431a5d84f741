"""Who can take the stream: a file, standard output, HTTPS with CloudEvents, and syslog (RFC 5424) over TLS (RFC 5425).

Each takes events in order and says which ones it has. Certificates are always checked.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import stat
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPSConnection
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import requests
from requests.auth import _basic_auth_str
from requests.utils import select_proxy

from backends.base.system_store import SystemStore
from bot.ledger import Link
from bot.operations.stream.cloudevents import CONTENT_TYPE, written
from bot.settings import AuditSettings

CONNECTING, ANSWERING = 10.0, 30.0
"""Seconds that a receiver gets to be reached, and to answer."""
SYSLOG_PORT = 6514
SYSLOG_PRIORITY = 13 * 8 + 6
"""Facility log audit, severity informational."""
NO_END = "it does not answer the end of a connection (rsyslog: use the driver ossl, not gtls)"
"""As a server, rsyslog's driver gtls sends no close_notify (gtlsEndSess in its runtime/nsd_gtls.c)."""


class NotTaken(Exception):
    """The receiver has not taken an event, or cannot be reached. Its text says why, and holds no secret."""

    def __init__(self, why: str, *, not_before: float = 0.0) -> None:
        """`not_before` are the seconds that the receiver wants to be left alone for."""
        super().__init__(why)
        self.not_before = not_before


class Receiver(Protocol):
    """Somebody who takes the stream."""

    @property
    def at_once(self) -> bool:
        """It has taken all that it was handed over before it gives the first back."""

    @property
    def target(self) -> str:
        """Its address without what may be secret: by it the ledger knows how far it has come."""

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        """Hand events over in their order, and give each back once it is certain that it was taken. Raises `NotTaken`
        for the first that was not."""

    def look(self) -> None:
        """Whether it can be reached, without sending anything. Raises `NotTaken`."""


def receiver_of(settings: AuditSettings, machine: str = "") -> Receiver | None:
    """The receiver of the settings; None where there is none. `machine` is the name of this one, when left out its
    own."""
    machine = machine or socket.gethostname() or "unknown"
    stream, ca_bundle = settings.stream, settings.ca_bundle
    if stream is None:
        return None
    if stream == "stdout":
        return StandardOutput(machine)
    if stream.startswith("https://"):
        return Https(stream, machine, settings.token.get_secret_value() if settings.token else "", ca_bundle)
    if stream.startswith("syslog+tls://"):
        parts = urlsplit(stream)
        return Syslog(parts.hostname or "", parts.port or SYSLOG_PORT, machine, ca_bundle)
    return File(Path(stream), machine)


# ---------------------------------------------------------------- on this machine


@dataclass(frozen=True, slots=True)
class File:
    """A file that is only ever added to. It is opened anew each time, so that it may be moved away and kept."""

    path: Path
    machine: str
    at_once: bool = True

    @property
    def target(self) -> str:
        return str(self.path)

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        text = "".join(f"{written(link, self.machine)}\n" for link in links).encode("ascii")
        try:
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            with os.fdopen(descriptor, "r+b", buffering=0) as file:
                _write_all(file.fileno(), self._ending_a_torn_line(file.fileno()) + text)
                os.fsync(file.fileno())
        except OSError as error:
            raise NotTaken(f"it cannot be written: {error.strerror}") from error
        yield from links

    @staticmethod
    def _ending_a_torn_line(descriptor: int) -> bytes:
        """A crash may have left half a line: it is ended, and whoever reads passes over it."""
        size = os.lseek(descriptor, 0, os.SEEK_END)
        if not size:
            return b""
        os.lseek(descriptor, size - 1, os.SEEK_SET)
        return b"" if os.read(descriptor, 1) == b"\n" else b"\n"

    def look(self) -> None:
        there = self.path if self.path.exists() else self.path.parent
        if self.path.is_dir() or not there.exists():
            raise NotTaken("it is a folder" if self.path.is_dir() else f"there is no folder {there}")
        if not os.access(there, os.W_OK):
            raise NotTaken("this account may not write there")


@dataclass(slots=True)
class StandardOutput:
    """A line each, for whoever started the bot. It goes past Python's own buffer: that is locked as long as nobody
    reads, and who else writes to it would wait too."""

    machine: str
    target: str = "stdout"
    at_once: bool = True
    _may_be_torn: bool = True
    """Half a line may stand there: of a bot before this one, or since it failed."""

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        text = "".join(f"{written(link, self.machine)}\n" for link in links).encode("ascii")
        begin, self._may_be_torn = b"\n" if self._may_be_torn else b"", True
        try:
            descriptor = sys.stdout.fileno()
            _write_all(descriptor, begin + text)
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.fsync(descriptor)
        except (OSError, ValueError) as error:
            raise NotTaken(f"standard output cannot be written: {error}") from error
        self._may_be_torn = False
        yield from links

    def look(self) -> None:
        """It is there."""


def _write_all(descriptor: int, text: bytes) -> None:
    """However little is taken at a time."""
    while text:
        text = text[os.write(descriptor, text) :]


# ---------------------------------------------------------------- over the network


@dataclass(frozen=True, slots=True)
class Https:
    """One event a request, in structured mode. Any answer of 200 to 299 says that it was taken."""

    url: str
    machine: str
    token: str = field(default="", repr=False)
    ca_bundle: Path | None = None
    answering: float = ANSWERING
    at_once: bool = False

    @property
    def target(self) -> str:
        parts = urlsplit(self.url)
        return f"https://{parts.netloc}{parts.path}"

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        with requests.Session() as session:
            if self.ca_bundle is None:
                session.mount("https://", SystemStore())
            for link in links:
                self._post(session, written(link, self.machine))
                yield link

    def _post(self, session: requests.Session, text: str) -> None:
        headers = {"Content-Type": CONTENT_TYPE, **({"Authorization": f"Bearer {self.token}"} if self.token else {})}
        try:
            answer = session.post(
                self.url,
                data=text.encode("ascii"),
                headers=headers,
                timeout=(CONNECTING, self.answering),
                verify=str(self.ca_bundle) if self.ca_bundle else True,
                allow_redirects=False,  # the token is for this address alone
                auth=_nothing_more,
            )
        except (requests.RequestException, OSError) as error:
            raise NotTaken(_why(error)) from error
        if not 200 <= answer.status_code < 300:
            said, wait = f"it answers {answer.status_code} {answer.reason or ''}", answer.headers.get("Retry-After", "")
            raise NotTaken(said.rstrip(), not_before=_seconds(wait))

    def look(self) -> None:
        """By the same proxy and against the same certificates as `send`."""
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or 443
        with requests.Session() as session:
            proxies = session.merge_environment_settings(self.url, {}, False, None, None)["proxies"]
        proxy = select_proxy(self.url, proxies)
        if proxy is None:
            with _greeted(host, port, self.ca_bundle):
                pass
        else:
            _greet_through(proxy, host, port, self.ca_bundle)


def _seconds(retry_after: str) -> float:
    """From now on: what is said is seconds or a date (RFC 9110, 10.2.3). None for what is neither."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _greet_through(proxy: str, host: str, port: int, ca_bundle: Path | None) -> None:
    """The same through a proxy, which is asked for a tunnel."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http":
        raise NotTaken(f"whether it is reached by a proxy of the kind {parts.scheme} is seen when something is sent")
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
        connection = HTTPSConnection(parts.hostname or "", parts.port or 80, timeout=CONNECTING, context=context)
        connection.set_tunnel(host, port, _authorisation(parts.username, parts.password))
        with closing(connection):
            connection.connect()
    except (OSError, ValueError) as error:
        raise NotTaken(f"{_why(error)} (by the proxy {parts.hostname})") from error


def _authorisation(user: str | None, password: str | None) -> dict[str, str]:
    return {} if user is None else {"Proxy-Authorization": _basic_auth_str(unquote(user), unquote(password or ""))}


def _nothing_more(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without this, requests would take a password from a .netrc in place of the token."""
    return request


@dataclass(frozen=True, slots=True)
class Syslog:
    """A connection for what is new. Syslog has no answers: that all was read is certain once the receiver has answered
    the end of the connection, as RFC 5425 (4.4) has it do."""

    host: str
    port: int
    machine: str
    ca_bundle: Path | None = None
    answering: float = ANSWERING
    at_once: bool = True

    @property
    def target(self) -> str:
        return f"syslog+tls://{self.host}:{self.port}"

    def send(self, links: Sequence[Link]) -> Generator[Link]:
        with _greeted(self.host, self.port, self.ca_bundle) as connection:
            try:
                connection.settimeout(self.answering)
                for link in links:
                    text = self._message(link)
                    connection.sendall(f"{len(text)} ".encode() + text)
                connection.unwrap()
            except (OSError, ValueError) as error:
                raise NotTaken(f"it has not confirmed that it read everything: {_why(error)}") from error
        yield from links

    def _message(self, link: Link) -> bytes:
        machine = re.sub(r"[^!-~]", "-", self.machine)[:255]
        kind = re.sub(r"[^!-~]", "-", link.event)[:32]
        header = f"<{SYSLOG_PRIORITY}>1 {link.at} {machine} checkpointbot - {kind} -"
        return f"{header} {written(link, self.machine)}".encode("ascii")

    def look(self) -> None:
        """Also whether it answers the end of a connection: else the same events would be sent again for ever."""
        with _greeted(self.host, self.port, self.ca_bundle) as connection:
            try:
                connection.settimeout(self.answering)
                connection.unwrap()
            except (OSError, ValueError) as error:
                raise NotTaken(NO_END) from error


def _greeted(host: str, port: int, ca_bundle: Path | None) -> ssl.SSLSocket:
    """A connection to a receiver whose certificate was checked."""
    plain: socket.socket | None = None
    try:
        context = ssl.create_default_context(cafile=ca_bundle)
        plain = socket.create_connection((host, port), timeout=CONNECTING)
        return context.wrap_socket(plain, server_hostname=host)
    except (OSError, ValueError) as error:
        if plain is not None:
            with suppress(OSError):
                plain.close()
        raise NotTaken(_why(error)) from error


def _why(error: Exception) -> str:
    """The cause of it in words, and without the address, which may hold a token."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"its certificate does not hold: {seen.verify_message}"
        inner = next((one for one in seen.args if isinstance(one, BaseException)), None)
        reason = getattr(seen, "reason", None)
        seen = inner or (reason if isinstance(reason, BaseException) else None) or seen.__cause__ or seen.__context__
    if isinstance(error, TimeoutError | requests.Timeout):
        return "it does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "it cannot be reached, or broke off"
    return str(getattr(error, "strerror", None) or error or type(error).__name__)

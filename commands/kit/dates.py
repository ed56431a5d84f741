"""How long something is wanted, as people say it: `7d`, `2 weeks`, `until friday 18:00`, `tomorrow`, `31.12.`.

Since when something is asked for is said in the same words: `7d`, `yesterday`, `since friday`.

A small grammar of its own, so that each text has one meaning or none. What may mean two things is refused with both.
A day without a time of day is meant to its end, and from its beginning where it is one since when.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from commands.kit.words import parse_span

EXAMPLES = "type for example 30m, 24h, 7d or 2w, or until friday 18:00, tomorrow, 31.12. or 2026-12-31"
PAST_EXAMPLES = "type for example 24h, 7d or 2w, or yesterday, friday 18:00, 31.12. or 2026-12-31"
LONGEST = timedelta(days=3650)
END_OF_DAY = time(23, 59)

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_WEEKDAY = r"mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
_MONTH = "|".join(f"{one[:3]}(?:{one[3:]})?" for one in _MONTHS) + "|sept"
_LEAD = re.compile(r"\A(?:(?:until|till|for|on|by) )+")
_SINCE = re.compile(r"\A(?:(?:since|from|after|on|at) )+")
_UNIT = re.compile(r"(\d{1,6}) ?(?:(s)ec(?:ond)?s?|(m)in(?:ute)?s?|(h)(?:ou)?rs?|(d)ays?|(w)eeks?|([smhdw]))", re.ASCII)
_CLOCK = r"(?:at )?(?:(?P<hour>\d{1,2}):(?P<minute>\d{2})|(?P<short>\d{1,2})(?::(?P<past>\d{2}))? ?(?P<half>am|pm)"
_CLOCK += r"|(?P<word>noon|midnight))"
_DAY = (
    rf"(?P<near>today|tomorrow|yesterday)|(?P<next>next )?(?P<weekday>{_WEEKDAY})"
    r"|(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})?"
    r"|(?P<iso>\d{4}-\d{2}-\d{2})"
    rf"|(?P<day2>\d{{1,2}})\.? (?P<name2>{_MONTH})(?:,? (?P<year2>\d{{4}}))?"
    rf"|(?P<name3>{_MONTH}) (?P<day3>\d{{1,2}})(?:,? (?P<year3>\d{{4}}))?"
    r"|(?P<slash>\d{1,2}/\d{1,2}(?:/\d{2,4})?)"
)
_MOMENT = re.compile(rf"(?:(?:{_DAY})(?:,? {_CLOCK})?|{_CLOCK.replace('?P<', '?P<only_')})", re.ASCII)
_COMPOUND = re.compile(r"(?:\d{1,6}[smhdw])+", re.ASCII | re.IGNORECASE)
_EXACT = re.compile(r"(\d{4}-\d{2}-\d{2})[t ](\d{2}:\d{2}) ?(?:z|utc)", re.ASCII)
_MOST_WORDS = 6


@dataclass(frozen=True, slots=True)
class Period:
    """How long something is wanted."""

    span: timedelta
    """From now on; `timedelta.max` is forever."""
    until: datetime | None = None
    """The moment, where one was named instead of a span; in the person's zone."""

    @property
    def forever(self) -> bool:
        return self.span == timedelta.max


FOREVER = Period(timedelta.max)


def parse(text: str, now: datetime, zone: tzinfo) -> Period:
    """What a person in `zone` means by it now. Raises ValueError, with a sentence that says what to type instead."""
    said = " ".join(text.casefold().split())
    plain = _LEAD.sub("", said, count=1)
    if plain in ("forever", "ever"):
        return FOREVER
    if span := _UNIT.fullmatch(plain):
        return Period(parse_span(f"{span[1]}{next(unit for unit in span.groups()[1:] if unit)}"))
    if exact := _EXACT.fullmatch(plain):
        return _to(datetime.combine(_day(exact[1], text), time.fromisoformat(exact[2]), UTC), now, text)
    if found := _MOMENT.fullmatch(plain):
        return _to(_moment(found, now.astimezone(zone), zone, text), now, text)
    try:
        return Period(parse_span(plain))
    except ValueError as error:
        if re.match(r"(\d{1,6} ?[smhdw] ?)+\Z", plain, re.ASCII):
            raise
        raise ValueError(f"{text!r} is neither a span of time nor a date: {EXAMPLES}") from error


def since(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The moment that a person in `zone` means now by a span that is over, or by a date that has been. Raises
    ValueError, with a sentence that says what to type instead."""
    plain = _SINCE.sub("", " ".join(text.casefold().split()), count=1).removesuffix(" ago")
    if span := _UNIT.fullmatch(plain):
        return now - parse_span(f"{span[1]}{next(unit for unit in span.groups()[1:] if unit)}")
    if exact := _EXACT.fullmatch(plain):
        return _been(datetime.combine(_day(exact[1], text), time.fromisoformat(exact[2]), UTC), now, text)
    if found := _MOMENT.fullmatch(plain):
        here, part = now.astimezone(zone), found.groupdict()
        only = _clock(part, "only_", text)
        at = only or _clock(part, "", text) or time()
        day = here.date() if only is not None else _last(part, here, text)
        return _been(_local(day, at, zone, text), now, text)
    try:
        return now - parse_span(plain)
    except ValueError as error:
        raise ValueError(f"{text!r} is neither a span of time nor a date: {PAST_EXAMPLES}") from error


def count_words(words: Sequence[str]) -> int:
    """How many of the first words are one span or one date together; none when the first says neither."""
    for count in range(min(_MOST_WORDS, len(words)), 0, -1):
        said = " ".join(" ".join(words[:count]).casefold().split())
        plain = _SINCE.sub("", _LEAD.sub("", said, count=1), count=1)
        if plain in ("forever", "ever") or any(one.fullmatch(plain) for one in (_UNIT, _EXACT, _MOMENT)):
            return count
    return int(bool(words) and _COMPOUND.fullmatch(words[0]) is not None)


def zone_of(name: str) -> ZoneInfo:
    """The zone of that name in the database, and UTC for none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def say_moment(at: datetime) -> str:
    """The exact time, in its own zone and in UTC: `Friday 2026-12-04 18:00 (Europe/Berlin), 17:00 UTC`."""
    utc = at.astimezone(UTC)
    day = f"{_DAYS[at.weekday()].capitalize()} {at:%Y-%m-%d %H:%M}"
    if at.utcoffset() == timedelta(0):
        return f"{day} UTC"
    there = f"{utc:%H:%M}" if at.date() == utc.date() else f"{utc:%Y-%m-%d %H:%M}"
    return f"{day} ({at.tzinfo}), {there} UTC"


def _to(at: datetime, now: datetime, text: str) -> Period:
    span = at.astimezone(UTC) - now
    if span <= timedelta(0):
        raise ValueError(f"{text!r} is over: that was {say_moment(at)}; type a later time")
    if span > LONGEST:
        raise ValueError(f"{text!r} is more than ten years away: type an earlier date, or forever where allowed")
    return Period(span, at)


def _been(at: datetime, now: datetime, text: str) -> datetime:
    if at > now:
        raise ValueError(f"{text!r} is to come: that is {say_moment(at)}; type an earlier time")
    return at.astimezone(UTC)


def _last(part: dict[str, str | None], here: datetime, text: str) -> date:
    """The last such day, which may be today."""
    today = here.date()
    if part["near"]:
        return today + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[str(part["near"])])
    if (weekday := part["weekday"]) and not part["next"]:
        return today - timedelta(days=(today.weekday() - _number(weekday)) % 7)
    if part["iso"] or part["slash"] or part["weekday"]:
        return _date(part, here, None, text)
    month, day, year = _written(part)
    if year:
        return _day(f"{year}-{month:02}-{day:02}", text)
    for past in range(today.year, today.year - 9, -1):  # a leap day may be eight years ago
        with suppress(ValueError):
            if (found := date(past, month, day)) <= today:
                return found
    raise ValueError(f"{text!r} is no day of the calendar: {PAST_EXAMPLES}")


def _moment(found: re.Match[str], here: datetime, zone: tzinfo, text: str) -> datetime:
    """`here` is the present moment in the person's zone."""
    part = found.groupdict()
    at = _clock(part, "", text)
    if (only := _clock(part, "only_", text)) is not None:
        moment = _local(here.date(), only, zone, text)
        if moment <= here:
            raise ValueError(f"{only:%H:%M} is over today: type tomorrow {only:%H:%M}")
        return moment
    return _local(_date(part, here, at, text), at or END_OF_DAY, zone, text)


def _date(part: dict[str, str | None], here: datetime, at: time | None, text: str) -> date:
    today = here.date()
    if part["near"]:
        return today + timedelta(days={"yesterday": -1, "today": 0, "tomorrow": 1}[str(part["near"])])
    if weekday := part["weekday"]:
        return _weekday(weekday, here, at, next_one=bool(part["next"]))
    if part["iso"]:
        return _day(str(part["iso"]), text)
    if part["slash"]:
        raise ValueError(f"{text!r} may be read in two ways: type the day first with dots, 31.12., or 2026-12-31")
    month, day, year = _written(part)
    if year:
        return _day(f"{year}-{month:02}-{day:02}", text)
    return _of_this_year_or_the_next(month, day, today, text)


def _written(part: dict[str, str | None]) -> tuple[int, int, str | None]:
    """Month, day and year, where one is said: `31.12.`, `31 dec`, `dec 31, 2027`."""
    day = part["day"] or part["day2"] or part["day3"]
    name = part["name2"] or part["name3"]
    month = next(n for n, one in enumerate(_MONTHS, 1) if one[:3] == name[:3]) if name else int(part["month"] or 0)
    return month, int(day or 0), part["year"] or part["year2"] or part["year3"]


def _number(weekday: str) -> int:
    """From 0 for Monday."""
    return next(n for n, one in enumerate(_DAYS) if one[:3] == weekday[:3])


def _weekday(word: str, here: datetime, at: time | None, *, next_one: bool) -> date:
    """The coming one. `next`, and the day that it is today while that time is to come, may mean two days."""
    today = here.date()
    ahead = (_number(word) - today.weekday()) % 7
    if not ahead and at is not None and at <= here.time():
        ahead = 7
    first = today + timedelta(days=ahead)
    if ahead and not next_one:
        return first
    clock = f" {at:%H:%M}" if at else ""
    either = (f"today{clock}" if not ahead else f"{first}{clock}", f"{first + timedelta(days=7)}{clock}")
    said = f"next {word}" if next_one else word
    raise ValueError(f"{said!r} may be two days: type {either[0]} or {either[1]}")


def _of_this_year_or_the_next(month: int, day: int, today: date, text: str) -> date:
    """The next one, unless the last one was nearer: then it may be a slip."""
    found = []
    for year in range(today.year, today.year + 9):  # a leap day may be eight years away
        try:
            found.append(date(year, month, day))
        except ValueError:
            continue
    if not found:
        raise ValueError(f"{text!r} is no day of the calendar: {EXAMPLES}")
    if found[0] >= today:
        return found[0]
    coming = found[1]
    if today - found[0] < coming - today:
        raise ValueError(f"{text!r} is over this year: type {coming} if you mean the next one")
    return coming


def _day(iso: str, text: str) -> date:
    try:
        return date.fromisoformat(iso)
    except ValueError:
        raise ValueError(f"{text!r} is no day of the calendar: {EXAMPLES}") from None


def _clock(part: dict[str, str | None], prefix: str, text: str) -> time | None:
    """The time of day, None where none is said."""
    hour, minute = part[f"{prefix}hour"], part[f"{prefix}minute"]
    try:
        if hour is not None:
            return time(int(hour), int(minute or 0))
        if word := part[f"{prefix}word"]:
            if word == "midnight":
                raise ValueError(f"{text!r} may be the day's beginning or its end: type a time such as 23:59 or 00:30")
            return time(12)
        if short := part[f"{prefix}short"]:
            if not 1 <= int(short) <= 12:
                raise ValueError("no such hour")
            return time(int(short) % 12 + 12 * (part[f"{prefix}half"] == "pm"), int(part[f"{prefix}past"] or 0))
    except ValueError as error:
        if "may be" in str(error):
            raise
        raise ValueError(f"{text!r} has no time of day that there is: type for example 18:00 or 6pm") from None
    return None


def _local(day: date, at: time, zone: tzinfo, text: str) -> datetime:
    """The moment at which clocks there show that. One that comes twice, when they are put back, is the later one."""
    try:
        moment = datetime.combine(day, at, zone).replace(fold=1)
        if moment.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None):
            raise ValueError(f"clocks are put forward over {text!r}, so there is no such time: type an hour later")
    except OverflowError:
        raise ValueError(f"{text!r} is no day of the calendar: {EXAMPLES}") from None
    return moment

"""How spans, sizes, times and names are typed and read: `7d`, `1.5 GB`, `3 days`, `web01 and web02`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from commands.base.names import command, is_marked, name

__all__ = ["name"]

NOTHING_CHANGED = "Nothing was changed."

ASK_FOR_A_GRANT = "The settings name whom to ask for a grant."

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"(?:(\d{1,6})\s*([smhdw])\s*)+", re.IGNORECASE)
_SIZES = ("KB", "MB", "GB", "TB")
_SIZE = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)\s*(KB|MB|GB|TB)", re.IGNORECASE)
_PART = re.compile(r"(\d{1,6})\s*([smhdw])", re.IGNORECASE)


def parse_span(text: str) -> timedelta:
    """A span such as `10m`, `24h`, `7d`, `2w` or `1d12h`.

    Raises ValueError, with a sentence that says what to type instead.
    """
    if not _SPAN.fullmatch(text.strip()):
        raise ValueError(f"{text!r} is not a span of time: type for example 30m, 24h, 7d or 2w")
    seconds = sum(int(number) * _UNITS[unit.lower()] for number, unit in _PART.findall(text))
    if seconds == 0:
        raise ValueError("a span of time must be longer than nothing: type for example 30m, 24h, 7d or 2w")
    if seconds > 3650 * 86400:
        raise ValueError(f"{text!r} is longer than ten years: type a shorter span, or forever where that is allowed")
    return timedelta(seconds=seconds)


def say_span(span: timedelta) -> str:
    """The largest unit that says enough: `3 days`, `1 hour`, `just now` below a minute."""
    seconds = max(0, int(span.total_seconds()))
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


def say_size(size: int) -> str:
    """Bytes in powers of 1024 with the names that Windows shows: `512 MB`, `1.5 GB`."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(value) < 1024 or unit == "TB":
            return f"{value:.0f} {unit}" if unit in ("B", "KB") or abs(value) >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    raise AssertionError("the loop ends with TB")


def parse_size(text: str) -> int:
    """A size such as `500GB` or `1.5 TB` in bytes, in the powers of 1024 that it is shown in.

    Raises ValueError, with a sentence that says what to type instead.
    """
    found = _SIZE.fullmatch(text.strip())
    size = round(float(found[1]) * 1024 ** (1 + _SIZES.index(found[2].upper()))) if found else 0
    if size <= 0:
        raise ValueError(f"{text!r} is not a size: type for example 500MB, 200GB or 1.5TB")
    return size


def short_id(guid: str) -> str:
    """The first eight characters of a GUID, which people type to tell two of one name apart."""
    return guid[:8]


def say_time(at: datetime) -> str:
    """A time to the minute, in UTC: `2026-11-22 14:05 UTC`."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def say_count(count: int, noun: str) -> str:
    """`1 checkpoint`, `3 checkpoints`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def say_names(names: Sequence[str], *, most: int = 12) -> str:
    """`web01`, `web01 and web02`, `web01, web02 and 7 more`: each kept apart from the words around it."""
    shown = [one if is_marked(one) else name(one) for one in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def which_role(roles: Sequence[str], *, would: str = "allow it") -> str:
    """Which of the settings' roles would do what no grant does."""
    if not roles:
        return f"No role of the settings would {would}."
    said = " or ".join([", ".join(map(name, roles[:-1])), name(roles[-1])] if len(roles) > 1 else [name(roles[0])])
    return f"The role {said} would {would}."


def with_unchanged(sentence: str, unchanged: bool) -> str:
    """The sentence, and where it is known that nothing was changed, that too."""
    return f"{sentence} {NOTHING_CHANGED}" if unchanged else sentence


SAFETY = "safety "
"""What the name of every safety checkpoint begins with."""

_MOST_OF_A_NAME = 100
"""UTF-16 units of a checkpoint's name (Hyper-V's limit)."""


def safety_name(asked_at: datetime, checkpoint_name: str) -> str:
    """What the checkpoint is called that is taken before an apply: the same on every VM of a group. What is put back to
    is named where it fits, and where it is not a safety checkpoint itself."""
    name = f"{SAFETY}{asked_at:%Y-%m-%d %H:%M:%S}"
    longer = f"{name} before {checkpoint_name}"
    fits = len(longer.encode("utf-16-le", "surrogatepass")) // 2 <= _MOST_OF_A_NAME
    return longer if fits and not checkpoint_name.startswith(SAFETY) else name


def typed(*words: str) -> str:
    """What to type to say these words to the bot: `/checkpoint show web01 "before upgrade"`, kept apart from the words
    around it.

    A word with spaces or quotes in it is put in quotes; one that starts with a dash is kept from being an option.
    """
    dash = next((n for n, word in enumerate(words) if re.match(r"-(?!-[a-zA-Z])", word)), len(words))
    written = [_quoted(word) for word in words]
    written[dash:dash] = ["--"] if dash < len(words) else []
    return command(" ".join(["/checkpoint", *written]))


def _quoted(word: str) -> str:
    if word and not re.search(r"[\s\"'\u2018-\u201f]", word):
        return word
    return '"' + re.sub(r"([\"\u201c-\u201f])", r"\1\1", word) + '"'

"""ConvertTo-Json, as Windows PowerShell 5.1 writes it, and as PowerShell 7 does.

Source: Microsoft's reference of the cmdlet; 5.1 writes dates as `\\/Date(ms)\\/` in UTC and escapes `<`, `>`, `&` and
`'`; 7 writes ISO 8601 in the host's local time. In both, enums are numbers and a TimeSpan is an object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from uuid import UUID

from backends.simulator.model.enums import EnumValue
from backends.simulator.powershell.cmdlets.registry import whole_input
from backends.simulator.powershell.objects.base import HostObject, get_property, property_names, text_of
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance

DEFAULT_DEPTH = 2

SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
UNSAFE_5 = re.compile("[\x00-\x1f\"\\\\'<>&\x85\u2028\u2029]")
UNSAFE_7 = re.compile('[\x00-\x1f"\\\\]')


@whole_input("ConvertTo-Json")
def convert(call: Call, values: Iterator[object]) -> Iterator[object]:
    """One text for all objects: an array, or for a single one the object itself. No objects, no text."""
    given = [call.values["InputObject"]] if call.given("InputObject") else list(values)
    if not given:
        return
    windows = call.host.spec.powershell.startswith("5.")
    depth = call.number("Depth")
    writer = Writer(
        unsafe=UNSAFE_5 if windows else UNSAFE_7,
        date=_old_date if windows else _iso_date(call.host.spec.utc_offset),
        depth=DEFAULT_DEPTH if depth is None else depth,
        indent="" if call.flag("Compress") else " " * (4 if windows else 2),
        colon=":  " if windows else ": ",
    )
    yield writer.write(given[0] if len(given) == 1 else given, 0 if len(given) == 1 else -1)


@dataclass(frozen=True, slots=True)
class Writer:
    """One dialect of JSON. An empty `indent` compresses; what lies deeper than `depth` becomes text."""

    unsafe: re.Pattern[str]
    date: Callable[[datetime], str]
    depth: int
    indent: str
    colon: str

    def write(self, value: object, level: int) -> str:
        if isinstance(value, str | UUID):
            return self._text(str(value))
        if isinstance(value, datetime):
            return self.date(value)
        plain = _plain(value)
        return self._compound(value, level) if plain is None else plain

    def _compound(self, value: object, level: int) -> str:
        if level > self.depth:
            return self._text(text_of(value))
        if isinstance(value, list | tuple):
            return self._joined("[", [self.write(item, level + 1) for item in value], "]", level)
        colon = self.colon if self.indent else ":"
        entries = [
            f"{self._text(name)}{colon}{self.write(item, level + 1)}" for name, item in _properties(value).items()
        ]
        return self._joined("{", entries, "}", level)

    def _joined(self, opening: str, items: list[str], closing: str, level: int) -> str:
        if not self.indent or not items:
            return f"{opening}{','.join(items)}{closing}"
        outer = "\r\n" + self.indent * max(0, level)
        inner = outer + self.indent
        return f"{opening}{inner}{f',{inner}'.join(items)}{outer}{closing}"

    def _text(self, text: str) -> str:
        return f'"{self.unsafe.sub(_escaped, text)}"'


def _plain(value: object) -> str | None:
    """What is written without quotes: null, booleans, numbers, enums by their number."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case EnumValue():
            return str(value.number)
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
    return None


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    return SHORT.get(char) or f"\\u{ord(char):04x}"


def _old_date(value: datetime) -> str:
    return f'"\\/Date({int(value.timestamp() * 1000)})\\/"'


def _iso_date(utc_offset: int) -> Callable[[datetime], str]:
    zone = timezone(timedelta(minutes=utc_offset))

    def write(value: datetime) -> str:
        local = value.astimezone(zone)
        return f'"{local.isoformat()}"'

    return write


def _properties(value: object) -> Mapping[str, object]:
    if isinstance(value, timedelta):
        return _span(value)
    if isinstance(value, dict):
        return {str(key): item for key, item in value.items()}
    if isinstance(value, HostObject | Instance):
        return {name: get_property(value, name) for name in property_names(value)}
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _span(value: timedelta) -> Mapping[str, object]:
    seconds = value.total_seconds()
    ticks = value // timedelta(microseconds=1) * 10
    return {
        "Ticks": ticks,
        "Days": value.days,
        "Hours": value.seconds // 3600,
        "Milliseconds": value.microseconds // 1000,
        "Minutes": value.seconds // 60 % 60,
        "Seconds": value.seconds % 60,
        "TotalDays": seconds / 86400,
        "TotalHours": seconds / 3600,
        "TotalMilliseconds": seconds * 1000,
        "TotalMinutes": seconds / 60,
        "TotalSeconds": seconds,
    }

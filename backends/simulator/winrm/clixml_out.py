"""The values of the seam as CLIXML, the way PowerShell's remoting writes them (MS-PSRP 2.2.5).

Written by hand because a host answers with thousands of objects: it takes a fiftieth of what psrpcore takes for one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from xml.sax.saxutils import escape

from backends.simulator.shell import EnumValue, Instance

PROPERTY_BAG = "System.Management.Automation.PSCustomObject"
"""Objects with this type among their names carry extended properties; those of other types adapted ones."""
OBJECT = "System.Object"
"""What every object is in the end; clients look for it."""
ARRAY = ("System.Object[]", "System.Array", OBJECT)
HASHTABLE = ("System.Collections.Hashtable", OBJECT)
ENUM = ("System.Enum", "System.ValueType", OBJECT)

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\U00010000-\U0010ffff]|_(?=[xX])")


def serialize(value: object) -> bytes:
    """One value as a CLIXML document."""
    return "".join(_Writer().write(value, "", nested=False)).encode()


def escape_text(text: str) -> str:
    """Text as PowerShell writes it: `_x000A_` for what XML cannot carry and for each half of a surrogate pair."""
    return escape(text if _is_plain(text) else _UNSAFE.sub(_code_units, text))


def _is_plain(text: str) -> bool:
    """Nothing in it needs a code. Asked first, because megabytes of JSON are plain and the pattern is slow on them."""
    return text.isascii() and text.isprintable() and "_x" not in text and "_X" not in text


def _code_units(match: re.Match[str]) -> str:
    units = match.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[at : at + 2].hex().upper()}_" for at in range(0, len(units), 2))


class _Writer:
    """Writes one document: objects and lists of type names are numbered within it."""

    def __init__(self) -> None:
        self._objects = 0
        self._types: dict[tuple[str, ...], int] = {}

    def write(self, value: object, name: str, *, nested: bool) -> Iterator[str]:
        """The element for `value`; `name` is its attribute N, ready made. Nested objects are written as their text,
        because remoting goes one level deep."""
        if isinstance(value, EnumValue):
            inner = f"<ToString>{escape_text(value.name)}</ToString><I32>{value.number}</I32>"
            yield from self._object(name, (value.type_name, *ENUM), (inner,))
        elif isinstance(value, Instance):
            if nested and value.text is not None:
                yield f"<S{name}>{escape_text(value.text)}</S>"
            else:
                names = value.type_names if OBJECT in value.type_names else (*value.type_names, OBJECT)
                yield from self._object(name, names, self._instance(value))
        elif isinstance(value, Mapping):
            yield from self._object(name, HASHTABLE, self._entries(value))
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            yield from self._object(name, ARRAY, self._items(value))
        else:
            yield _primitive(value, name)

    def _object(self, name: str, type_names: tuple[str, ...], inner: Iterator[str] | tuple[str, ...]) -> Iterator[str]:
        yield f'<Obj{name} RefId="{self._objects}">{self._type_names(type_names)}'
        self._objects += 1
        yield from inner
        yield "</Obj>"

    def _type_names(self, names: tuple[str, ...]) -> str:
        if not names:
            return ""
        if names in self._types:
            return f'<TNRef RefId="{self._types[names]}"/>'
        number = self._types[names] = len(self._types)
        return f'<TN RefId="{number}">{"".join(f"<T>{escape_text(name)}</T>" for name in names)}</TN>'

    def _instance(self, value: Instance) -> Iterator[str]:
        if value.text is not None:
            yield f"<ToString>{escape_text(value.text)}</ToString>"
        tag = "MS" if PROPERTY_BAG in value.type_names else "Props"
        yield f"<{tag}>"
        for name, inner in value.properties.items():
            yield from self.write(inner, _named(name), nested=True)
        yield f"</{tag}>"

    def _items(self, values: Sequence[object]) -> Iterator[str]:
        yield "<LST>"
        for value in values:
            yield from self.write(value, "", nested=True)
        yield "</LST>"

    def _entries(self, values: Mapping[object, object]) -> Iterator[str]:
        yield "<DCT>"
        for key, value in values.items():
            yield "<En>"
            yield from self.write(key, ' N="Key"', nested=True)
            yield from self.write(value, ' N="Value"', nested=True)
            yield "</En>"
        yield "</DCT>"


def _named(name: str) -> str:
    quoted = escape_text(name).replace('"', "&quot;")
    return f' N="{quoted}"'


def _primitive(value: object, name: str) -> str:
    if value is None:
        return f"<Nil{name}/>"
    for kind in type(value).__mro__:
        if form := _FORMS.get(kind):
            tag, text = form(value)
            return f"<{tag}{name}>{text}</{tag}>"
    raise TypeError(f"{type(value).__name__} has no form in CLIXML")


def _integer_tag(value: int) -> str:
    if -(2**31) <= value < 2**31:
        return "I32"
    if -(2**63) <= value < 2**63:
        return "I64"
    return "U64"


def _double(value: float) -> str:
    return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), repr(value))


def _date(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _duration(value: timedelta) -> str:
    sign = "-" if value < timedelta() else ""
    value = abs(value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, whole = divmod(rest, 60)
    fraction = f".{value.microseconds:06}0" if value.microseconds else ""
    return f"{sign}P{value.days}DT{hours}H{minutes}M{whole}{fraction}S"


_FORMS: dict[type, Callable[[Any], tuple[str, str]]] = {
    bool: lambda value: ("B", "true" if value else "false"),
    int: lambda value: (_integer_tag(value), str(int(value))),
    str: lambda value: ("S", escape_text(value)),
    float: lambda value: ("Db", _double(value)),
    datetime: lambda value: ("DT", _date(value)),
    timedelta: lambda value: ("TS", _duration(value)),
    UUID: lambda value: ("G", str(value)),
    bytes: lambda value: ("BA", base64.b64encode(value).decode()),
}

"""Values on their way to a client, in the types that psrpcore writes as CLIXML (MS-PSRP 2.2.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache, singledispatch
from uuid import UUID

from psrpcore.types import (
    PSCryptoProvider,
    PSDouble,
    PSDuration,
    PSInt64,
    PSNoteProperty,
    PSObject,
    PSPropertyInfo,
    PSUInt64,
    serialize,
)

from backends.simulator.model.enums import EnumValue
from backends.simulator.powershell.shell import Instance

PROPERTY_BAG = "System.Management.Automation.PSCustomObject"
"""Objects with this type among their names carry extended properties; those of other types adapted ones."""
OBJECT = "System.Object"
"""What every object is in the end; clients look for it."""

_UNWRITABLE = re.compile("[\ud900-\udbff\ufffe\uffff]")
"""What XML cannot carry and psrpcore 0.3.1 leaves as it is."""


@singledispatch
def outgoing(value: object) -> object:
    """The value as psrpcore writes it. Objects inside it become their text if they have one, because remoting goes
    one level deep. Raises `TypeError` for what has no form in CLIXML."""
    raise TypeError(f"{type(value).__name__} has no form in CLIXML")


@outgoing.register(type(None))
@outgoing.register(bool)
@outgoing.register(bytes)
@outgoing.register(UUID)
def _as_it_is(value: object) -> object:
    return value


@outgoing.register
def text(value: str) -> str:
    """Text that psrpcore can write; what it cannot becomes U+FFFD."""
    return _UNWRITABLE.sub("\ufffd", str.__str__(value))


@outgoing.register
def _integer(value: int) -> int:
    if -(2**31) <= value < 2**31:
        return int(value)
    return PSInt64(value) if -(2**63) <= value < 2**63 else PSUInt64(value)


@outgoing.register
def _double(value: float) -> float:
    return PSDouble(value)


@outgoing.register
def _date(value: datetime) -> datetime:
    return value.astimezone(UTC)


@outgoing.register
def _span(value: timedelta) -> timedelta:
    """psrpcore 0.3.1 writes 10 whole seconds as 1, 20 as 2: such a span is sent a tick of 100 ns longer."""
    if value.microseconds or value.seconds % 60 == 0 or value.seconds % 10:
        return value
    return PSDuration(days=value.days, seconds=value.seconds, nanoseconds=100 if value > timedelta() else -100)


@outgoing.register
@cache
def _member(value: EnumValue) -> Enum:
    namespace, _, name = value.type_name.rpartition(".")
    kind: type[Enum] = Enum(name, {value.name: value.number}, module=namespace)  # type: ignore[misc]
    return kind[value.name]


@outgoing.register(Sequence)
def _list(values: Sequence[object]) -> list[object]:
    return [_nested(value) for value in values]


@outgoing.register(Mapping)
def _dict(values: Mapping[object, object]) -> dict[object, object]:
    return {_nested(key): _nested(value) for key, value in values.items()}


@outgoing.register
def _object(value: Instance) -> PSObject:
    made = PSObject()
    meta = made.PSObject
    meta.type_names = list(value.type_names if OBJECT in value.type_names else (*value.type_names, OBJECT))
    if value.text is not None:
        meta.to_string = to_string(value.text)
    named = ((name, _nested(inner)) for name, inner in value.properties.items())
    properties: list[PSPropertyInfo] = [PSNoteProperty(name, inner) for name, inner in named]
    if PROPERTY_BAG in value.type_names:
        meta.extended_properties = properties
    else:
        meta.adapted_properties = properties
    return made


def to_string(value: str) -> str:
    """Text for `PSObject.to_string`, the only text that psrpcore 0.3.1 does not escape itself."""
    return serialize(text(value), PSCryptoProvider()).text or ""


def _nested(value: object) -> object:
    return text(value.text) if isinstance(value, Instance) and value.text is not None else outgoing(value)

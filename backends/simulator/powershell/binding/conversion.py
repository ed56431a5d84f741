"""What a value becomes for a parameter's type, by PowerShell's rules of conversion."""

from __future__ import annotations

from uuid import UUID

from backends.simulator.model.enums import MEMBERS, EnumValue, parse_enum
from backends.simulator.powershell.objects.base import HostObject, text_of
from backends.simulator.powershell.shell import Instance

INTEGERS = {
    "int": (-(1 << 31), (1 << 31) - 1),
    "long": (-(1 << 63), (1 << 63) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint64": (0, (1 << 64) - 1),
}


class CannotConvert(ValueError):
    """The value does not become the type."""


def element_type(type_name: str) -> str:
    """The type without `System.Nullable[…]` and the brackets of an array."""
    return type_name.removesuffix("[]").removeprefix("System.Nullable[").removesuffix("]")


def is_array(type_name: str) -> bool:
    return type_name.endswith("[]")


def fits(value: object, type_name: str) -> bool:
    """Whether the value is of the type as it stands, so that no conversion is needed."""
    if is_array(type_name):
        items = value if isinstance(value, list | tuple) else [value]
        return all(_fits_one(item, element_type(type_name)) for item in items)
    return _fits_one(value, element_type(type_name))


def convert(value: object, type_name: str) -> object:
    """The value as a parameter of the type holds it; an array type takes a single value too.

    Raises `CannotConvert`.
    """
    kind = element_type(type_name)
    if not is_array(type_name):
        return _convert_one(_single(value, kind), kind)
    items = value if isinstance(value, list | tuple) else [value]
    return [_convert_one(item, kind) for item in items]


def _single(value: object, kind: str) -> object:
    """An array stands for a single value in two cases: a text, which it becomes joined by spaces, and anything."""
    if not isinstance(value, list | tuple) or kind in ("object", "psobject"):
        return value
    if kind == "string":
        return " ".join(text_of(item) for item in value)
    raise CannotConvert


PLAIN: dict[str, type] = {
    "string": str,
    "switch": bool,
    "bool": bool,
    "guid": UUID,
    "object": object,
    "psobject": object,
}


def _fits_one(value: object, kind: str) -> bool:
    if kind in PLAIN:
        return isinstance(value, PLAIN[kind])
    if kind in INTEGERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in MEMBERS:
        return isinstance(value, EnumValue) and value.type_name == kind
    return isinstance(value, HostObject) and kind in value.type_names


def _convert_one(value: object, kind: str) -> object:
    if _fits_one(value, kind):
        return value
    if kind == "string":
        return text_of(value)
    if kind in ("switch", "bool"):
        return _to_bool(value)
    if kind in INTEGERS:
        return _to_integer(value, *INTEGERS[kind])
    if kind == "guid":
        return _to_guid(value)
    found = parse_enum(kind, value) if kind in MEMBERS and isinstance(value, str | int | EnumValue) else None
    if found is None:
        raise CannotConvert
    return found


def _to_bool(value: object) -> bool:
    """Booleans and numbers only: a text is refused, `False` as well as `$false`."""
    if isinstance(value, int | float):
        return bool(value)
    raise CannotConvert


def _to_integer(value: object, low: int, high: int) -> int:
    if isinstance(value, EnumValue):
        return value.number
    if not isinstance(value, str | int | float) or isinstance(value, Instance):
        raise CannotConvert
    try:
        number = int(value, 0) if isinstance(value, str) else round(value)
    except ValueError as error:
        raise CannotConvert from error
    if not low <= number <= high:
        raise CannotConvert
    return number


def _to_guid(value: object) -> UUID:
    if not isinstance(value, str):
        raise CannotConvert
    try:
        return UUID(value.strip())
    except ValueError as error:
        raise CannotConvert from error

"""Select-Object: properties by name or pattern, one property's values, the first or last objects."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.cmdlets.registry import whole_input
from backends.simulator.powershell.cmdlets.targets import matching
from backends.simulator.powershell.objects.base import CUSTOM_OBJECT, HostObject, get_property, property_names, text_of
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance
from backends.simulator.powershell.wildcards import has_wildcards


@whole_input("Select-Object")
def select(call: Call, values: Iterator[object]) -> Iterator[object]:
    """A property that an object does not have is there and null, unless a pattern asked for it."""
    value = call.values.get("Property")
    patterns = tuple(str(item) for item in value) if isinstance(value, list) else ()
    excluded = tuple(call.texts("ExcludeProperty"))
    expand = call.text("ExpandProperty")
    for item in _range(call, values):
        if expand is not None:
            beside = _selected(item, patterns, excluded).properties if patterns else {}
            yield from (_with(value, beside) for value in _expanded(call, item, expand))
        elif patterns or excluded:
            yield _selected(item, patterns or ("*",), excluded)
        else:
            yield item


def _range(call: Call, values: Iterator[object]) -> Iterator[object]:
    first, last, skip = call.number("First"), call.number("Last"), call.number("Skip") or 0
    if last is not None and first is None:
        everything = list(values)
        return iter(everything[max(0, len(everything) - skip - last) : len(everything) - skip])
    return islice(values, skip, None if first is None else skip + first)


def _selected(item: object, patterns: tuple[str, ...], excluded: tuple[str, ...]) -> Instance:
    names = _columns(property_names(item), patterns, excluded)
    properties = {shown: get_property(item, name) if name else None for shown, name in names}
    return Instance((f"Selected.{_type_of(item)}", CUSTOM_OBJECT, "System.Object"), properties)


@cache
def _columns(
    known: tuple[str, ...], patterns: tuple[str, ...], excluded: tuple[str, ...]
) -> tuple[tuple[str, str | None], ...]:
    """Names of the new object, each with the property it comes from."""
    columns: dict[str, tuple[str, str | None]] = {}
    for pattern in patterns:
        hits: list[tuple[str, str | None]] = [(name, name) for name in known if matching(pattern, name)]
        if not hits and not has_wildcards(pattern):
            hits = [(pattern, None)]
        for shown, name in hits:
            if not any(matching(one, shown) for one in excluded):
                columns.setdefault(shown.casefold(), (shown, name))
    return tuple(columns.values())


def _expanded(call: Call, item: object, wanted: str) -> Iterator[object]:
    name = next((one for one in property_names(item) if one.casefold() == wanted.casefold()), None)
    if name is None:
        error = ShellError(
            "ExpandPropertyNotFound",
            Category.InvalidArgument,
            "property-not-found",
            exception_type="System.Management.Automation.PSArgumentException",
            name=wanted,
        )
        call.write_error(error.data(call.host.spec.language, call.name, call.stage.info.class_name))
        return
    value = get_property(item, name)
    if isinstance(value, list):
        yield from value
    else:
        yield value


def _with(value: object, beside: dict[str, object]) -> object:
    """An object that was a property, with the properties that were asked for of the object it stood in."""
    if not beside or not isinstance(value, HostObject | Instance):
        return value
    own = {name: get_property(value, name) for name in property_names(value)}
    return Instance(value.type_names, {**own, **beside}, text_of(value))


def _type_of(item: object) -> str:
    return item.type_names[0] if isinstance(item, HostObject | Instance) else "System.Object"

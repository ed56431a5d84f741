"""Checks of arrays and objects, to build a schema from, with Slack's wording for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bot.slack.render.limits.values import Check, Json, Problems


def array(item: Check, most: int | None = None, *, least: int = 1) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.at(pointer, "must provide an array")
            return
        if len(value) < least:
            problems.at(pointer, f"no less than {least} items allowed")
        if most is not None and len(value) > most:
            problems.at(pointer, f"no more than {most} items allowed")
        for position, one in enumerate(value):
            item(one, f"{pointer}/{position}", problems)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these fields and no others. A field that is null is there: Slack refuses it for its type."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.at(pointer, "must provide an object")
            return
        for name in required:
            if name not in value:
                problems.at(pointer, f"missing required field: {name}")
        for name, field in value.items():
            if name in known:
                known[name](field, f"{pointer}/{name}", problems)
            elif name != "type":
                problems.at(pointer, f"invalid additional property: {name}")

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which check it must pass."""

    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.at(pointer, "must provide an object")
        elif "type" not in value:
            problems.at(pointer, "missing required field: type")
        elif not isinstance(value["type"], str) or value["type"] not in kinds:
            problems.at(f"{pointer}/type", f"unsupported type: {value['type']}")
        else:
            kinds[value["type"]](value, pointer, problems)

    return check


def nullable(check: Check) -> Check:
    """What may be null."""

    def wrapped(value: object, pointer: str, problems: Problems) -> None:
        if value is not None:
            check(value, pointer, problems)

    return wrapped


def alternative(check: Check) -> Check:
    """A field with several schemas: Slack says first that none fitted, then why."""

    def wrapped(value: object, pointer: str, problems: Problems) -> None:
        found = Problems()
        check(value, pointer, found)
        if found:
            problems.at(pointer, "failed to match all allowed schemas")
            problems.extend(found)

    return wrapped


def both(first: Check, *then: Callable[[Json, str, Problems], None]) -> Check:
    """A check of the parts, and of the whole where the parts fit."""

    def check(value: object, pointer: str, problems: Problems) -> None:
        before = len(problems)
        first(value, pointer, problems)
        if len(problems) == before and isinstance(value, dict):
            for rule in then:
                rule(value, pointer, problems)

    return check


def exactly_one(*names: str) -> Callable[[Json, str, Problems], None]:
    """One of these fields is there, and only one."""
    listed = " or ".join(f"`{name}`" for name in names)

    def rule(value: Json, pointer: str, problems: Problems) -> None:
        given = [name for name in names if name in value]
        if not given:
            problems.at(pointer, f"must define either {listed}")
        elif len(given) > 1:
            problems.at(pointer, f"must define only one of {listed}")

    return rule


def any_of(*names: str) -> Callable[[Json, str, Problems], None]:
    """At least one of these fields is there."""
    listed = " or ".join(f"`{name}`" for name in names)

    def rule(value: Json, pointer: str, problems: Problems) -> None:
        if not any(name in value for name in names):
            problems.at(pointer, f"must define either {listed}")

    return rule


def objects(value: object) -> Iterator[Json]:
    """Every object inside `value`, outermost first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from objects(item)

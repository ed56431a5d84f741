"""Checks to build a schema from, with Slack's wording for what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.sandbox.shapes import Json

Check = Callable[[object, str, "Problems"], None]
"""Looks at a value, which stands at a JSON pointer, and adds what is wrong with it."""


class Problems(list[str]):
    """What is wrong, in the words of the Web API's `response_metadata.messages`."""

    def at(self, pointer: str, message: str) -> None:
        self.append(f"{message} [json-pointer:{pointer}]")


def string(longest: int | None = None, *, shortest: int = 1) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.at(pointer, "must provide a string")
        elif len(value) < shortest:
            problems.at(pointer, f"must be more than {shortest - 1} characters")
        elif longest is not None and len(value) > longest:
            problems.at(pointer, f"must be less than {longest + 1} characters")

    return check


def boolean(value: object, pointer: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.at(pointer, "must provide a boolean")


def integer(value: object, pointer: str, problems: Problems) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        problems.at(pointer, "must provide an integer")


def anything(value: object, pointer: str, problems: Problems) -> None:
    """Left unchecked: what the sandbox shows does not depend on it."""


def one_of(*allowed: str) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if value not in allowed:
            problems.at(pointer, "must be a valid enum value")

    return check


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
    """An object with these fields and no others. A field that is null counts as left out."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.at(pointer, "must provide an object")
            return
        given = {name: field for name, field in value.items() if field is not None}
        for name in required:
            if name not in given:
                problems.at(pointer, f"missing required field: {name}")
        for name, field in given.items():
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


def alternative(check: Check) -> Check:
    """A field with several schemas: Slack says first that none fitted, then why."""

    def wrapped(value: object, pointer: str, problems: Problems) -> None:
        found = Problems()
        check(value, pointer, found)
        if found:
            problems.at(pointer, "failed to match all allowed schemas")
            problems.extend(found)

    return wrapped


def both(first: Check, then: Callable[[Json, str, Problems], None]) -> Check:
    """A check of the parts, then one of the whole, where the value is an object at all."""

    def check(value: object, pointer: str, problems: Problems) -> None:
        first(value, pointer, problems)
        if isinstance(value, dict):
            then(value, pointer, problems)

    return check

"""Checks of single values: text, addresses, numbers, flags; and what a check adds to."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

Json = dict[str, Any]
"""An object as Slack's API has it. Its fields are checked where they are read."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit."""

    pointer: str
    """Where it stands, as a JSON pointer; empty for the whole."""
    message: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]" if self.pointer else self.message


class Problems(list[Problem]):
    """What is wrong, in the words of the Web API's `response_metadata.messages`."""

    def at(self, pointer: str, message: str) -> None:
        self.append(Problem(pointer, message))


Check = Callable[[object, str, Problems], None]
"""Looks at a value, which stands at a JSON pointer, and adds what is wrong with it."""


def string(longest: int | None = None, *, shortest: int = 1) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.at(pointer, "must provide a string")
        elif len(value) < shortest:
            problems.at(pointer, f"must be more than {shortest - 1} characters")
        elif longest is not None and len(value) > longest:
            problems.at(pointer, f"must be less than {longest + 1} characters")

    return check


def matching(pattern: str, message: str) -> Check:
    """Text of a form."""
    form = re.compile(pattern)

    def check(value: object, pointer: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.at(pointer, "must provide a string")
        elif not form.fullmatch(value):
            problems.at(pointer, message)

    return check


def url(longest: int = 3000, *, web: bool = True) -> Check:
    """An address; of the web unless told, since a button may also open another program (`slack://…`, `mailto:…`)."""

    def check(value: object, pointer: str, problems: Problems) -> None:
        before = len(problems)
        string(longest)(value, pointer, problems)
        if len(problems) == before and not _is_url(str(value), web=web):
            problems.at(pointer, "must be a valid url")

    return check


def boolean(value: object, pointer: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.at(pointer, "must provide a boolean")


def integer(least: int | None = None, most: int | None = None) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.at(pointer, "must provide an integer")
        else:
            _within(value, least, most, pointer, problems)

    return check


def number(least: float | None = None) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            problems.at(pointer, "must provide a number")
        else:
            _within(value, least, None, pointer, problems)

    return check


def anything(value: object, pointer: str, problems: Problems) -> None:
    """Left unchecked: no published rule says what fits."""


def one_of(*allowed: str) -> Check:
    def check(value: object, pointer: str, problems: Problems) -> None:
        if value not in allowed:
            problems.at(pointer, "must be a valid enum value")

    return check


def _within(value: float, least: float | None, most: float | None, pointer: str, problems: Problems) -> None:
    if least is not None and value < least:
        problems.at(pointer, f"must be greater than or equal to {least}")
    if most is not None and value > most:
        problems.at(pointer, f"must be less than or equal to {most}")


def _is_url(value: str, *, web: bool) -> bool:
    if re.search(r"\s", value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    if web or parts.scheme in ("http", "https"):
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    return bool(parts.scheme and (parts.netloc or parts.path))

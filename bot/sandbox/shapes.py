"""The one loose type of the sandbox: Slack's own JSON objects, kept as they come and go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]
"""An object as Slack's API has it. Its fields are checked where they are read, by `schema`."""


def objects(value: object) -> Iterator[Json]:
    """Every object inside `value`, outermost first."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from objects(item)

"""The names inside sentences, found again by whoever shows them. `backends.base.names` makes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from backends.base.names import COMMAND, END, NAME, command, name, unmarked

__all__ = ["Run", "command", "is_marked", "name", "runs", "unmarked"]

_MARKS = re.compile(f"[{NAME}{COMMAND}{END}]")
_RUN = re.compile(f"([{NAME}{COMMAND}])([^{NAME}{COMMAND}{END}]*)(?:{END}|\\Z)")

Run = Literal["name", "command", ""]


def is_marked(text: str) -> bool:
    """Whether names in it are kept apart already."""
    return _MARKS.search(text) is not None


def runs(text: str) -> Iterator[tuple[str, Run]]:
    """The pieces of a sentence in their order, and what each of them is: a name, a command, or plain words."""
    at = 0
    for found in _RUN.finditer(text):
        if words := unmarked(text[at : found.start()]):
            yield words, ""
        if found[2]:
            yield found[2], "name" if found[1] == NAME else "command"
        at = found.end()
    if words := unmarked(text[at:]):
        yield words, ""

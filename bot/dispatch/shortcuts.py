"""What shortcuts stand for: each opens a form. The manifest has the same ones."""

from __future__ import annotations

from collections.abc import Mapping

from bot.dispatch import grammar
from bot.dispatch.requests import Summoned
from commands.base import UsageError
from commands.kit.words import typed

SHORTCUTS: Mapping[str, str] = {"take_checkpoint": "create", "take_checkpoint_of_message": "create"}
"""The form that each opens."""

MOST_OF_A_NOTE = 1000
"""Characters of a message that become a note: what a form brings back has 3,000 at the most."""


def form_of(request: Summoned) -> tuple[str, Mapping[str, str]]:
    """The form, and what it is opened with: of a message its text, as the note. Raises `UsageError`."""
    kind = SHORTCUTS.get(request.shortcut)
    if kind is None:
        raise UsageError("I do not know this shortcut.", f"Type {typed('help')} to see what I can do.")
    note = grammar.unescaped(request.text)[:MOST_OF_A_NOTE].strip()
    return kind, {"note": note} if note else {}

"""Forms, for people who do not type: each becomes the words of a typed command, or an answer to a waiting card.

To add one: a `Kind` in a module of its own, given by `kinds`. `Forms.open` puts it in front of somebody.
"""

from collections.abc import Callable
from datetime import tzinfo

from bot.dispatch.forms.base import ABOUT, Answers, Each, Kind, Mistake, checkpoints_of
from bot.dispatch.forms.checkpoint import forms_of_checkpoints
from bot.dispatch.forms.code import CODE
from bot.dispatch.forms.create import CreateForm
from bot.dispatch.forms.desk import Forms, NotOpened
from bot.dispatch.forms.mine import MINE
from bot.dispatch.forms.refuse import RefuseForm


def kinds(zone: tzinfo, refused: Callable[[str], str]) -> tuple[Kind, ...]:
    """All of them. `zone` is where days end, and `refused` says what somebody refuses, by the change's id."""
    return (CreateForm(zone), *forms_of_checkpoints(zone), CODE, MINE, RefuseForm(refused))


OPENS = {f"form-{kind}": kind for kind in ("create", "apply", "delete", "keep", "claim")}
"""Buttons that open a form. All but the first are about the checkpoint that is their value, or about those that were
chosen beside them."""

__all__ = [
    "ABOUT",
    "CODE",
    "MINE",
    "OPENS",
    "Answers",
    "Each",
    "Forms",
    "Kind",
    "Mistake",
    "NotOpened",
    "checkpoints_of",
    "kinds",
]

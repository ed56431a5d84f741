"""What a person may do, as far as help and suggestions go by it. Whether something is done is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from commands.base import Context, actions

FOR_ALL = frozenset({"help", "whoami"})
"""Commands for everybody who is let in."""

CHANGE = "change"
"""Stands for any right but `view`: whoever may change anything may freeze everything."""

OnlyWith = Callable[[str], bool]
"""Whether a right is held."""


class Needing(click.Option):
    """An option that needs a right of its own, beside that of its command."""

    def __init__(self, *args: Any, right: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.right = right


def of(command: click.Command) -> str:
    """The right that a command needs: its verb's, and `view` for a question. Empty for what is for everybody."""
    name = str(command.name)
    if name in FOR_ALL:
        return ""
    if name == "freeze":
        return CHANGE
    gives = str(getattr(command.callback, "__annotations__", {}).get("return", ""))
    return "view" if "Reply" in gives or name not in actions() else actions()[name].right


def holds(context: Context, right: str) -> bool:
    """Whether a grant gives them that here, on whatever VMs."""
    if right == CHANGE:
        return any(set(grant.actions) - {"view"} for grant in context.grants)
    return not right or any(right in grant.actions for grant in context.grants)


def may_use(context: Context, command: click.Command) -> bool:
    return holds(context, of(command))


def hidden(command: click.Command, has: OnlyWith) -> tuple[Needing, ...]:
    """The options that need a right which is not held."""
    return tuple(one for one in command.params if isinstance(one, Needing) and not has(one.right))

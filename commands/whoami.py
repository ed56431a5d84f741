"""`/checkpoint whoami`: who the bot takes you for, and what you may do here."""

from __future__ import annotations

from collections.abc import Iterator

import click

from commands.base import Context, Footnote, Grant, Heading, Paragraph, Part, Reply, Table
from commands.kit.options import share_option
from commands.kit.telling import frozen
from commands.kit.words import ASK_FOR_A_GRANT


@click.command(epilog="whoami")
@share_option
@click.pass_obj
def command(context: Context, share: bool) -> Reply:
    """Who the bot takes you for, what you may do, and which grant gives it."""
    person = context.person
    parts: list[Part] = [Heading(f"{person.name} ({person.id})"), *frozen(context)]
    parts.append(Paragraph(f"User groups: {', '.join(sorted(person.groups)) or 'none'}."))
    if context.grants:
        rows = tuple(_row(context, grant) for grant in context.grants)
        parts.append(Table(("Grant", "Role", "Given to", "Actions", "VMs", "Channels"), rows))
        parts.append(Table(("Action", "VMs", "By grant"), tuple(_actions(context))))
        parts.append(Footnote("Grants are numbered as they stand in the settings."))
    else:
        here = " here" if context.elsewhere else ""
        who = "" if context.ask else " Ask whoever keeps the bot's settings."
        parts.append(Paragraph(f"No grant covers you{here}, so you may do nothing.{who}"))
        parts += [Paragraph(ASK_FOR_A_GRANT, to=context.ask)] if context.ask else []
    if context.elsewhere:
        where = sorted({channel for grant in context.elsewhere for channel in grant.channels})
        parts.append(Footnote(f"You have further grants that hold in other channels only: {', '.join(where)}."))
    return Reply(tuple(parts), shared=share)


def _row(context: Context, grant: Grant) -> tuple[str, ...]:
    given = "you" if grant.to == context.person.id else grant.to
    channels = ", ".join(grant.channels) or "every channel"
    return str(grant.number), grant.role, given, ", ".join(grant.actions), ", ".join(grant.vms), channels


def _actions(context: Context) -> Iterator[tuple[str, ...]]:
    """For each action the VMs that it may be done to, and by which grants."""
    for action in dict.fromkeys(action for grant in context.grants for action in grant.actions):
        giving = [grant for grant in context.grants if action in grant.actions]
        vms = dict.fromkeys(pattern for grant in giving for pattern in grant.vms)
        yield action, ", ".join(vms), ", ".join(f"{grant.number} ({grant.role})" for grant in giving)

"""`/checkpoint whoami`: who the bot takes you for, and what you may do here."""

from __future__ import annotations

import click

from commands.base import Context, Grant, Heading, Paragraph, Part, Reply, Table
from commands.kit.options import share_option


@click.command(epilog="whoami")
@share_option
@click.pass_obj
def command(context: Context, share: bool) -> Reply:
    """Who the bot takes you for, and what you may do."""
    person = context.person
    parts: list[Part] = [Heading(f"{person.name} ({person.id})")]
    parts.append(Paragraph(f"User groups: {', '.join(sorted(person.groups)) or 'none'}."))
    if context.grants:
        parts.append(Table(("Role", "Actions", "VMs", "Channels"), tuple(_row(grant) for grant in context.grants)))
    else:
        parts.append(Paragraph("No grant covers you, so you may do nothing. Ask whoever keeps the bot's settings."))
    return Reply(tuple(parts), shared=share)


def _row(grant: Grant) -> tuple[str, ...]:
    return grant.role, ", ".join(grant.actions), ", ".join(grant.vms), ", ".join(grant.channels) or "every channel"

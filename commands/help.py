"""`/checkpoint help`: what can be typed."""

from __future__ import annotations

from dataclasses import replace

import click

from commands.base import Footnote, Heading, Paragraph, Reply, Table, UsageError
from commands.kit import manual
from commands.kit.meant import nearest
from commands.kit.options import share_option
from commands.kit.words import name, typed


@click.command(epilog="help\nhelp create")
@click.argument("topic", metavar="[<command>]", required=False)
@share_option
@click.pass_context
def command(ctx: click.Context, topic: str | None, share: bool) -> Reply:
    """All commands, or one of them with its options and examples."""
    parent = ctx.find_root()
    group = parent.command
    if not isinstance(group, click.Group):
        raise TypeError("help is a command of a group")
    return replace(_one(group, topic, parent) if topic else _all(group), shared=share)


def _one(group: click.Group, topic: str, parent: click.Context) -> Reply:
    asked = group.get_command(parent, topic)
    if asked is None:
        near = nearest(topic.casefold(), group.commands, most=1)
        hint = f"Did you mean {typed('help', near[0])}?" if near else f"All commands: {typed('help')}."
        raise UsageError(f"There is no command called {name(topic)}.", hint)
    return manual.describe(asked, parent)


def _all(group: click.Group) -> Reply:
    rows = tuple((str(one.name), manual.summary(one)) for _, one in sorted(group.commands.items()))
    return Reply(
        (
            Heading("Checkpoint Bot"),
            Paragraph("/checkpoint web01 before-upgrade takes a checkpoint of web01. The other commands:"),
            Table(("Command", "What it does"), rows),
            Footnote(
                "A VM is named by its name, its short id, several with commas (web01,web02) or a pattern (web*); a "
                f"checkpoint by its name or its short id. {typed('help', 'create')} shows one command with examples."
            ),
        )
    )

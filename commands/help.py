"""`/checkpoint help`: what can be typed, by the one who asks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import click

from commands.base import Context, Footnote, Heading, Paragraph, Part, Reply, Slip, Table, UsageError
from commands.kit import manual, rights
from commands.kit.meant import nearest
from commands.kit.options import share_option
from commands.kit.telling import frozen
from commands.kit.words import ASK_FOR_A_GRANT, name, say_count, typed, which_role


@click.command(epilog="help\nhelp create")
@click.argument("topic", metavar="[<command>]", required=False)
@share_option
@click.pass_context
def command(ctx: click.Context, topic: str | None, share: bool) -> Reply:
    """The commands that you may use, or one of them with its options and examples."""
    parent = ctx.find_root()
    group = parent.command
    context: Context = ctx.obj
    if not isinstance(group, click.Group):
        raise TypeError("help is a command of a group")
    return replace(_one(group, topic, parent, context) if topic else _all(group, context), shared=share)


def _one(group: click.Group, topic: str, parent: click.Context, context: Context) -> Reply:
    asked = group.get_command(parent, topic)
    if asked is None:
        known = [one.name for one in group.commands.values() if one.name and rights.may_use(context, one)]
        near = nearest(topic.casefold(), known, most=1)
        hint = f"Did you mean {typed('help', near[0])}?" if near else f"All commands: {typed('help')}."
        unknown = UsageError(f"There is no command called {name(topic)}.", hint)
        unknown.slips = (Slip(topic, near),) if near else ()
        raise unknown
    if rights.may_use(context, asked):
        return manual.describe(asked, parent, partial(rights.holds, context))
    parts: list[Part] = [
        Heading(typed(str(asked.name))),
        Paragraph(manual.summary(asked)),
        Paragraph(f"No grant lets you do that here. {which_role(context.roles_with(rights.of(asked)))}"),
    ]
    return Reply((*parts, *([Paragraph(ASK_FOR_A_GRANT, to=context.ask)] if context.ask else [])))


def _all(group: click.Group, context: Context) -> Reply:
    every = [one for _, one in sorted(group.commands.items())]
    mine = [one for one in every if rights.may_use(context, one)]
    rows = tuple((str(one.name), manual.summary(one)) for one in mine)
    creates = any(one.name == "create" for one in mine)
    begin = f"{typed('web01', 'before-upgrade')} takes a checkpoint of web01. The other commands:"
    parts: list[Part] = [
        Heading("Checkpoint Bot"),
        *frozen(context),
        Paragraph(begin if creates else "What you may do here:"),
        Table(("Command", "What it does"), rows),
        Footnote(
            "A VM is named by its name, its short id, several with commas (web01,web02) or a pattern (web*); a "
            f"checkpoint by its name or its short id. {typed('help', str(mine[-1].name))} shows one command with "
            "examples."
        ),
    ]
    if less := len(every) - len(mine):
        more = (
            f"{say_count(less, 'further command')} need{'s' if less == 1 else ''} a right that no grant gives you here"
        )
        parts.append(Footnote(f"{more}: {typed('whoami')} shows what you have."))
    return Reply(tuple(parts))

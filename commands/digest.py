"""`/checkpoint digest`: the daily message of this channel, made now."""

from __future__ import annotations

from dataclasses import replace

import click

from backends.base import Checkpoint, VMInventory
from commands.base import Button, CheckpointNote, Context, Footnote, Heading, Pick, Reply, say
from commands.kit.kinds import UNKNOWN
from commands.kit.options import share_option
from commands.kit.telling import age, is_stale, keep_buttons, written
from commands.kit.words import say_count, typed

MOST_SHOWN, MOST_CHOSEN = 100, 10
"""Slack shows a hundred in a menu. Each that is chosen is a change with a message of its own, so these are fewer."""


@click.command(epilog="digest\ndigest --share\ndigest --mine")
@click.option("--mine", is_flag=True, help="Your own stale checkpoints, to choose several of. You alone see it.")
@share_option
@click.pass_obj
def command(context: Context, mine: bool, share: bool) -> Reply:
    """The digest of this channel, made now: stale checkpoints, and what else needs a look."""
    if mine:
        return _mine(context)
    return replace(context.digest(), shared=share)


def _mine(context: Context) -> Reply:
    seen = context.fleet.all(disks=True)
    notes = context.record.checkpoints.notes([c.id for one in seen for c in one.checkpoints])
    found = [(one, c) for one in seen for c in one.checkpoints if _is_mine(context, c, notes.get(c.id, UNKNOWN))]
    if not found:
        return say("Nothing of yours is stale, as far as I see.")
    found.sort(key=lambda pair: (-(pair[0].growth_since(pair[1].id) or 0), pair[1].created))
    options = tuple((_option(context, one, c), c.id) for one, c in found[:MOST_SHOWN])
    buttons = (*keep_buttons("", context.policy.keep_longest), Button("Delete", "delete", "", "danger"))
    more = f"The first {MOST_SHOWN} are shown. " if len(found) > MOST_SHOWN else ""
    return Reply(
        (
            Heading(f"Yours: {say_count(len(found), 'stale checkpoint')}"),
            Pick(f"Choose up to {min(MOST_CHOSEN, len(options))}, the largest first", options, buttons, MOST_CHOSEN),
            Footnote(
                f"{more}Each becomes a change of its own, and a delete asks first. All: {typed('list', '--stale')}"
            ),
        )
    )


def _is_mine(context: Context, one: Checkpoint, note: CheckpointNote) -> bool:
    return note.owner == context.person.id and is_stale(one, note, context.policy, context.now)


def _option(context: Context, seen: VMInventory, one: Checkpoint) -> str:
    facts = (age(one, context.now), written(seen, one))
    return f"{seen.vm.name}: {one.name} ({', '.join(fact for fact in facts if fact)})"

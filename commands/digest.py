"""`/checkpoint digest`: the daily message of this channel, made now."""

from __future__ import annotations

from dataclasses import replace

import click

from commands.base import Context, Footnote, Heading, Pick, Reply, say
from commands.kit import mine as mine_of
from commands.kit.mine import MOST_CHOSEN, MOST_SHOWN
from commands.kit.options import share_option
from commands.kit.words import say_count, typed


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
    found = mine_of.stale(context)
    if not found:
        return say(mine_of.NONE)
    options = tuple((mine_of.label(context, *one), one[1].id) for one in found[:MOST_SHOWN])
    more = f"The first {MOST_SHOWN} are shown. " if len(found) > MOST_SHOWN else ""
    return Reply(
        (
            Heading(f"Yours: {say_count(len(found), 'stale checkpoint')}"),
            Pick(
                f"Choose up to {min(MOST_CHOSEN, len(options))}, the largest first",
                options,
                mine_of.actions(context),
                MOST_CHOSEN,
            ),
            Footnote(
                f"{more}Each becomes a change of its own, and a delete asks first. All: {typed('list', '--stale')}"
            ),
        )
    )

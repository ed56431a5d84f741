"""`/checkpoint freeze`: stop everything but questions, until two people lift it."""

from __future__ import annotations

import click

from commands.base import Context, FreezePlan, UsageError
from commands.kit.words import typed

MOST = 500
"""Characters of a reason."""


@click.command(epilog="freeze\nfreeze somebody deletes our checkpoints\nfreeze --lift")
@click.argument("words", metavar="[<reason>]", nargs=-1)
@click.option("--lift", is_flag=True, help="Let everything go on: the first proposes it, and a second person does it.")
@click.pass_obj
def command(context: Context, words: tuple[str, ...], lift: bool) -> FreezePlan:  # noqa: ARG001 - it is the same for all
    """Stop everything but questions, at once.

    For whoever may change anything at all. What is under way on a host ends; what waits for its turn is cancelled, the
    rest of a group that has begun too, and nothing new is taken up, by people or by the clock, schedules and expiry
    included. The digest's channels are told, and it holds over a restart. Two different people who may change something
    lift it: the first with `/checkpoint freeze --lift`, the second with the same, or with the button, within half an
    hour.
    """
    reason = " ".join(words).strip()
    if lift and reason:
        raise UsageError("To lift a freeze takes no reason.", f"Type {typed('freeze', '--lift')}.")
    if len(reason) > MOST:
        raise UsageError(f"A reason has at most {MOST} characters.", f"Type {typed('freeze')} and a shorter one.")
    return FreezePlan("lift" if lift else "freeze", reason)

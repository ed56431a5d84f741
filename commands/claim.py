"""`/checkpoint claim web01 before-upgrade`: take over a checkpoint that nobody looks after."""

from __future__ import annotations

import click

from commands.base import CheckpointNote, Claim, Context, Plan, Target, UsageError, is_person, name
from commands.kit import refusals
from commands.kit.finding import one_checkpoint
from commands.kit.kinds import UNKNOWN
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.telling import about, called, known


@click.command(epilog="claim web01 before-upgrade\nclaim web01 1a2b3c4d")
@vm_argument
@checkpoint_argument
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str) -> Plan:
    """Take over a checkpoint: from now on it is yours. The bot asks first where it is somebody else's.

    What is claimed is deleted by nobody but people: the clock leaves it alone. Who may say how long checkpoints of a VM
    are kept may claim them.
    """
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.managed(seen, found, "claim")
    note = known(context, [found]).get(found.id, UNKNOWN)
    if note.owner == context.person.id:
        raise UsageError(f"{name(found.name)} of {name(seen.vm.name)} is yours already.")
    others = note.owner is not None and not note.left
    against = (f"{name(found.name)} of {name(seen.vm.name)} is {name(called(note))}'s.",) if others else ()
    return Plan(
        Claim(),
        (Target.of(seen, found),),
        f"claim {name(found.name)} of {name(seen.vm.name)}",
        consequences=(*about(context, seen, found), f"It is {name(context.person.name)}'s from now on."),
        cautions=against,
        ask=others,
        keepers=_owner(note) if others else (),
    )


def _owner(note: CheckpointNote) -> tuple[str, ...]:
    """The user id of whose it is; nobody else can be told."""
    return (note.owner,) if note.owner and is_person(note.owner) else ()

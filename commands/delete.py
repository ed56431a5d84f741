"""`/checkpoint delete web01 before-upgrade`: remove a checkpoint, or a whole branch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from backends.base import Checkpoint, VMInventory
from commands.base import CheckpointNote, Context, Delete, Plan, Target, name
from commands.kit import refusals
from commands.kit.finding import Found
from commands.kit.group import Group
from commands.kit.kinds import UNKNOWN
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.telling import (
    few,
    how_long,
    is_kept,
    is_owned_by,
    keeper,
    keepers,
    lines,
    merging,
    owner,
    present,
    titles,
)
from commands.kit.words import say_count, say_names, say_size

ALIASES = ("remove",)

Going = tuple[VMInventory, Checkpoint, CheckpointNote]
"""A checkpoint that goes, with its VM and with what is known of it."""

MOST_LOOKED_AT = 5
"""VMs whose volumes are asked for."""


@click.command(
    epilog="delete web01 before-upgrade\ndelete web01 before-upgrade --subtree\ndelete web01,web02 before-upgrade"
)
@vm_argument
@checkpoint_argument
@click.option("--subtree", is_flag=True, help="All checkpoints under it too.")
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, subtree: bool) -> Plan:
    """Remove a checkpoint. The VM stays as it is now.

    Hyper-V then merges its disks in the background, which takes time and space; the bot says when that is over.
    """
    group = Group(context, "delete", vm, disks=True)
    found = group.checkpoints(checkpoint, lambda one: _refuse(one, subtree))
    vms, shown = [seen.vm for seen, _ in found], titles(context, [one for _, one in found])
    branch, going = " and all under it" if subtree else "", _going(context, found, subtree)
    return Plan(
        Delete(subtree),
        tuple(Target.of(*one) for one in found),
        f"delete {name(found[0][1].name)}{branch} of {few(vms)}",
        consequences=(
            *present(vms),
            _loss(found, shown),
            *_under(found, subtree),
            "What is there now stays as it is, and nothing is turned off. Merging the disks goes on afterwards, and "
            "takes time and space.",
        ),
        cautions=(*_no_room(context, found), *_wanted(context, going), *merging(vms)),
        keepers=keepers(context.person, (note for _, _, note in going if is_kept(note, context.now))),
        grave=bool(tuple(_no_room(context, found))),
        each=lines(vms, shown),
    )


def _refuse(found: Found, subtree: bool) -> None:
    seen, checkpoint = found
    for one in seen.subtree(checkpoint.id) if subtree else (checkpoint,):
        refusals.managed(seen, one, "delete")
    refusals.busy(seen.vm, "delete a checkpoint")


def _loss(found: Sequence[Found], shown: Sequence[str]) -> str:
    if len(found) > 1:
        return f"{name(found[0][1].name)} of each of them cannot be had back."
    return f"{shown[0]} of {name(found[0][0].vm.name)} cannot be had back."


def _under(found: Sequence[Found], subtree: bool) -> Iterator[str]:
    """What becomes of the checkpoints under them."""
    under = [one for seen, checkpoint in found for one in seen.subtree(checkpoint.id)[1:]]
    top = "it" if len(found) == 1 else "them"
    if under and subtree:
        names = say_names([one.name for one in under])
        yield f"Nor can the {say_count(len(under), 'checkpoint')} under {top}: {names}."
    elif under:
        yield f"The {say_count(len(under), 'checkpoint')} under {top} will still be there."


def _no_room(context: Context, found: Sequence[Found]) -> Iterator[str]:
    """Where the merge may need more than its volume has: what was written since goes into the file below it."""
    for seen, checkpoint in found[:MOST_LOOKED_AT]:
        size = seen.growth_since(checkpoint.id)
        volumes = context.fleet.volumes_of(seen.vm) if size else None
        free = min((volume.free for volume in volumes), default=None) if volumes else None
        if size and free is not None and free < size:
            room = f"Up to {say_size(size)} may be needed to merge the disks of {name(seen.vm.name)}"
            yield f"{room}, and their volume has {say_size(free)} free. A merge that does not fit can stop the VM."


def _going(context: Context, found: Sequence[Found], subtree: bool) -> tuple[Going, ...]:
    """Every checkpoint that goes."""
    ones = [(seen, one) for seen, top in found for one in (seen.subtree(top.id) if subtree else (top,))]
    notes = context.record.checkpoints.notes([one.id for _, one in ones])
    return tuple((seen, one, notes.get(one.id, UNKNOWN)) for seen, one in ones)


def _wanted(context: Context, going: Sequence[Going]) -> Iterator[str]:
    """Those that somebody else took, and until when somebody else wants them: a sentence for each person. What is one's
    own is no caution."""
    taken: dict[str, list[str]] = {}
    wanted: dict[tuple[str, str], list[str]] = {}
    for seen, one, note in going:
        said = f"{name(one.name)} of {name(seen.vm.name)}"
        if not is_owned_by(context.person, note):
            taken.setdefault(owner(note), []).append(said)
        if is_kept(note, context.now) and note.keeper != context.person.id:
            wanted.setdefault((keeper(note), how_long(note)), []).append(said)
    for who, which in taken.items():
        yield f"{say_names(which)} {'was' if len(which) == 1 else 'were'} taken by {name(who)}."
    for (who, until), which in wanted.items():
        yield f"{name(who)} wants {say_names(which)} {until}."

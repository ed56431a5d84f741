"""`/checkpoint delete web01 before-upgrade`: remove a checkpoint, or a whole branch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import click

from backends.base import Checkpoint, VMInventory
from commands.base import CheckpointNote, Context, Delete, Plan, Target, name
from commands.kit import refusals, room
from commands.kit.finding import Found
from commands.kit.group import Group
from commands.kit.kinds import UNKNOWN, lingers
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
"""VMs of a host whose volumes are asked for: those with the largest merges."""


@click.command(
    epilog="delete web01 before-upgrade\ndelete web01 before-upgrade --subtree\ndelete web01,web02 before-upgrade"
)
@vm_argument
@checkpoint_argument
@click.option("--subtree", is_flag=True, help="All checkpoints under it too.")
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, subtree: bool) -> Plan:
    """Remove a checkpoint. The VM stays as it is now.

    Hyper-V then merges its disks in the background, which takes time and space; the bot says when that is over. Of
    several VMs those with the smallest merge come first.
    """
    group = Group(context, "delete", vm, disks=True)
    now = context.now
    found = sorted(
        group.checkpoints(checkpoint, lambda one: _refuse(one, subtree, now)),
        key=lambda one: room.cost(one[0], _ids(one[0], one[1], subtree)),
    )
    tight, backups = tuple(_no_room(context, found, subtree)), tuple(_backups(found))
    vms, shown = [seen.vm for seen, _ in found], titles(context, [one for _, one in found])
    branch, going = " and all under it" if subtree else "", _going(context, found, subtree)
    loss = _loss(found, shown)
    return Plan(
        Delete(subtree),
        tuple(Target.of(*one) for one in found),
        f"delete {name(found[0][1].name)}{branch} of {few(vms)}",
        consequences=(
            *present(vms),
            loss,
            *_under(found, subtree),
            "What is there now stays as it is, and nothing is turned off. Merging the disks goes on afterwards, and "
            "takes time and space.",
        ),
        cautions=(*backups, *tight, *_wanted(context, going), *merging(vms)),
        keepers=keepers(context.person, (note for _, _, note in going if is_kept(note, context.now))),
        loss=loss,
        grave=bool(tight or backups),
        ask=bool(backups),
        each=lines(vms, shown),
    )


def _refuse(found: Found, subtree: bool, now: datetime) -> None:
    seen, checkpoint = found
    refusals.busy(seen.vm, "delete a checkpoint")
    if subtree or not lingers(checkpoint, now):
        for one in seen.subtree(checkpoint.id) if subtree else (checkpoint,):
            refusals.managed(seen, one, "delete")


def _backups(found: Sequence[Found]) -> Iterator[str]:
    """Recovery points of backups that seem dead: how to be sure that they are."""
    points = [(seen, one) for seen, one in found if one.managed_by is not None]
    for seen, one in points:
        yield (
            f"{name(one.name)} of {name(seen.vm.name)} is a backup's recovery point, and goes by itself when that "
            f"backup is done. Be sure that none runs: the backup product shows no job of {name(seen.vm.name)}, not one "
            "that waits or tries again, and has been asked to clean up by itself."
        )


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


def _no_room(context: Context, found: Sequence[Found], subtree: bool) -> Iterator[str]:
    """Where the merges may need more than a volume has: what was written since goes into the file below it."""
    grown = {seen.vm.id: room.growth(seen, _ids(seen, one, subtree)) or {} for seen, one in found}
    for host in dict.fromkeys(seen.vm.host for seen, _ in found):
        vms = [seen.vm for seen, _ in found if seen.vm.host == host and grown[seen.vm.id]]
        volumes = {one for vm in vms[-MOST_LOOKED_AT:] for one in context.fleet.volumes_of(vm) or ()}
        for need in room.needs((one for vm in vms for one in grown[vm.id].items()), volumes):
            if not need.fits:
                which = say_names([vm.name for vm in vms if room.needs(grown[vm.id].items(), [need.volume])])
                yield (
                    f"Up to {say_size(need.size)} may be needed on {name(need.volume.path)} of {name(host)} to merge "
                    f"the disks of {which}, and it has {say_size(need.volume.free)} free. A merge that does not fit "
                    "can stop every VM there."
                )


def _ids(seen: VMInventory, top: Checkpoint, subtree: bool) -> list[str]:
    return [one.id for one in (seen.subtree(top.id) if subtree else (top,))]


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

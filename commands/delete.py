"""`/checkpoint delete web01 before-upgrade`: remove a checkpoint, or a whole branch of them."""

from __future__ import annotations

import click

from commands import refusals
from commands.base import Context, Delete, Plan, Target
from commands.finding import Found, checkpoints
from commands.options import checkpoint_argument, vm_argument
from commands.telling import UNKNOWN, is_kept, is_owned_by, kept, owner, title
from commands.words import say_count, say_names


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
    found = checkpoints(context, vm, checkpoint)
    for one in found:
        _refuse(one, subtree)
    branch = " and all under it" if subtree else ""
    return Plan(
        Delete(subtree),
        tuple(Target.of(*one) for one in found),
        f"delete {found[0][1].name}{branch} of {say_names([seen.vm.name for seen, _ in found])}",
        consequences=tuple(line for one in found for line in _consequences(context, one, subtree)),
        cautions=tuple(line for one in found for line in _cautions(context, one, subtree)),
    )


def _refuse(found: Found, subtree: bool) -> None:
    seen, checkpoint = found
    for one in seen.subtree(checkpoint.id) if subtree else (checkpoint,):
        refusals.managed(seen, one, "delete")
    refusals.busy(seen.vm, "delete a checkpoint")


def _consequences(context: Context, found: Found, subtree: bool) -> list[str]:
    seen, checkpoint = found
    vm, under = seen.vm.name, seen.subtree(checkpoint.id)[1:]
    lines = [f"{title(checkpoint, context.now)} of {vm} cannot be had back."]
    if under and subtree:
        names = say_names([one.name for one in under])
        lines.append(f"Nor can the {say_count(len(under), 'checkpoint')} under it: {names}.")
    elif under:
        lines.append(f"{vm} keeps the {say_count(len(under), 'checkpoint')} under it.")
    lines.append(f"{vm} itself stays as it is now. Merging its disks goes on afterwards, and takes time and space.")
    return lines


def _cautions(context: Context, found: Found, subtree: bool) -> list[str]:
    seen, checkpoint = found
    going = seen.subtree(checkpoint.id) if subtree else (checkpoint,)
    notes = context.record.notes([one.id for one in going])
    lines = []
    for one in going:
        note = notes.get(one.id, UNKNOWN)
        if not is_owned_by(context.person, note):
            lines.append(f"{one.name} of {seen.vm.name} was taken by {owner(note)}.")
        if is_kept(note, context.now):
            lines.append(f"Somebody wants {one.name} of {seen.vm.name}: {kept(note)}.")
    if seen.vm.merging:
        lines.append(f"Disks of {seen.vm.name} are being merged already: this waits its turn.")
    return lines

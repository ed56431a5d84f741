"""`/checkpoint delete web01 before-upgrade`: remove a checkpoint, or a whole branch of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from commands.base import Context, Delete, Plan, Target
from commands.kit import refusals
from commands.kit.finding import Found, checkpoints
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.telling import UNKNOWN, few, is_kept, is_owned_by, kept, lines, merging, owner, present, titles
from commands.kit.words import say_count, say_names


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
    vms, shown = [seen.vm for seen, _ in found], titles(context, [one for _, one in found])
    branch = " and all under it" if subtree else ""
    return Plan(
        Delete(subtree),
        tuple(Target.of(*one) for one in found),
        f"delete {found[0][1].name}{branch} of {few(vms)}",
        consequences=(
            *present(vms),
            _loss(found, shown),
            *_under(found, subtree),
            "What is there now stays as it is, and nothing is turned off. Merging the disks goes on afterwards, and "
            "takes time and space.",
        ),
        cautions=(*_wanted(context, found, subtree), *merging(vms)),
        each=lines(vms, shown),
    )


def _refuse(found: Found, subtree: bool) -> None:
    seen, checkpoint = found
    for one in seen.subtree(checkpoint.id) if subtree else (checkpoint,):
        refusals.managed(seen, one, "delete")
    refusals.busy(seen.vm, "delete a checkpoint")


def _loss(found: Sequence[Found], shown: Sequence[str]) -> str:
    if len(found) > 1:
        return f"{found[0][1].name} of each of them cannot be had back."
    return f"{shown[0]} of {found[0][0].vm.name} cannot be had back."


def _under(found: Sequence[Found], subtree: bool) -> Iterator[str]:
    """What becomes of the checkpoints under them."""
    under = [one for seen, checkpoint in found for one in seen.subtree(checkpoint.id)[1:]]
    top = "it" if len(found) == 1 else "them"
    if under and subtree:
        names = say_names([one.name for one in under])
        yield f"Nor can the {say_count(len(under), 'checkpoint')} under {top}: {names}."
    elif under:
        yield f"The {say_count(len(under), 'checkpoint')} under {top} will still be there."


def _wanted(context: Context, found: Sequence[Found], subtree: bool) -> Iterator[str]:
    """Whose they are, and until when somebody wants them."""
    going = [(seen, one) for seen, top in found for one in (seen.subtree(top.id) if subtree else (top,))]
    notes = context.record.checkpoints.notes([one.id for _, one in going])
    taken: dict[str, list[str]] = {}
    wanted: list[str] = []
    for seen, one in going:
        note, name = notes.get(one.id, UNKNOWN), f"{one.name} of {seen.vm.name}"
        if not is_owned_by(context.person, note):
            taken.setdefault(owner(note), []).append(name)
        if is_kept(note, context.now):
            wanted.append(f"{name} ({kept(note)})")
    for who, names in taken.items():
        yield f"{say_names(names)} {'was' if len(names) == 1 else 'were'} taken by {who}."
    if wanted:
        yield f"Somebody wants {say_names(wanted)}."

"""`/checkpoint show web01 before-upgrade`: everything that is known of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

import click

from commands.base import CheckpointNote, Context, Heading, Reply, Table, name
from commands.kit import forecast
from commands.kit.finding import Found, one_checkpoint
from commands.kit.options import checkpoint_argument, share_option, vm_argument
from commands.kit.telling import UNKNOWN, age, how_long, is_stale, keeper, kind, owner, written
from commands.kit.words import say_names, say_time

_MEANING = {
    "production": "production: the guest settled its disks first",
    "standard": "standard: disks and memory",
    "kind unknown": "unknown: without memory, so a production one, or one of a VM that was off",
    "broken": "broken: Hyper-V reports it as missing",
    "automatic": "automatic: Hyper-V took it at start and drops it at stop",
    "recovery point": "recovery point: it belongs to a backup",
    "replica": "replica: it belongs to Hyper-V Replica",
}


@click.command(epilog="show web01 before-upgrade\nshow web01 1a2b3c4d --share")
@vm_argument
@checkpoint_argument
@share_option
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, share: bool) -> Reply:
    """Everything that is known of a checkpoint: when and by whom it was taken, its kind, how long it is kept."""
    found = one_checkpoint(context, vm, checkpoint, disks=True)
    note = context.record.checkpoints.notes([found[1].id]).get(found[1].id, UNKNOWN)
    rows = tuple((name, value) for name, value in _facts(context, found, note) if value)
    return Reply(
        (Heading(f"{name(found[1].name)} of {name(found[0].vm.name)}"), Table(("What", "Value"), rows)), shared=share
    )


def _facts(context: Context, found: Found, note: CheckpointNote) -> Iterator[tuple[str, str]]:
    seen, one = found
    stale = ", stale" if is_stale(one, note, context.policy, context.now) else ""
    yield "VM", f"{name(seen.vm.name)} on {name(seen.vm.host)}, {seen.vm.state.label}"
    yield "Id", one.id
    yield "Taken", f"{say_time(one.created)}, {age(one, context.now)} ago{stale}"
    yield "Kind", _MEANING.get(kind(one, note), kind(one, note))
    yield "Owner", owner(note)
    yield "Why", note.reason or ("the bot took it before an apply" if note.safety else "")
    yield "Kept", how_long(note) + (f", by {keeper(note)}" if how_long(note) and note.keeper != note.owner else "")
    parent = seen.checkpoint(one.parent_id) if one.parent_id else None
    yield "Follows", parent.name if parent else ""
    yield "Followed by", say_names([child.name for child in seen.children(one.id)])
    yield "Here", f"{name(seen.vm.name)} runs from this one" if seen.vm.current_id == one.id else ""
    yield "Written since", written(seen, one)
    rate = context.growth.of_vms([seen.vm.id]).get(seen.vm.id)
    yield "Written a day", f"about {forecast.a_day(rate)}" if rate else ""
    yield "Room", " ".join(forecast.volumes(context, [seen.vm]))

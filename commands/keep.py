"""`/checkpoint keep web01 before-upgrade 7d`: say how long a checkpoint is wanted."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

from backends.base import Checkpoint
from commands.base import Context, Keep, Plan, Target, name
from commands.kit import refusals
from commands.kit.finding import one_checkpoint
from commands.kit.options import checkpoint_argument, span, vm_argument
from commands.kit.telling import UNKNOWN, about, how_long, is_kept, is_owned_by, owner
from commands.kit.words import say_time


def _span_or_forever(ctx: click.Context, param: click.Parameter, value: str) -> timedelta | None:
    return None if value.strip().casefold() == "forever" else span(ctx, param, value)


@click.command(epilog="keep web01 before-upgrade 7d\nkeep web01 golden forever")
@vm_argument
@checkpoint_argument
@click.argument("period", metavar="<7d|forever>", callback=_span_or_forever)
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, period: timedelta | None) -> Plan:
    """Say how long a checkpoint is wanted, from now on. Until then the digest leaves it alone; after that it may go."""
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.managed(seen, found, "keep")
    until = None if period is None else context.now + period
    when = "forever" if until is None else f"until {say_time(until)}"
    against = _against(context, seen.vm.name, found, until)
    return Plan(
        Keep(until),
        (Target.of(seen, found),),
        f"keep {name(found.name)} of {name(seen.vm.name)} {when}",
        consequences=about(context, seen, found),
        cautions=against,
        ask=bool(against),
        tell=_keeper(context, found) if against else "",
    )


def _against(context: Context, vm: str, one: Checkpoint, until: datetime | None) -> tuple[str, ...]:
    """Somebody else wants it for longer than that."""
    note = context.record.checkpoints.notes([one.id]).get(one.id, UNKNOWN)
    longer = until is not None and (note.pinned or (note.keep_until is not None and note.keep_until > until))
    if not longer or not is_kept(note, context.now) or is_owned_by(context.person, note):
        return ()
    return (f"{name(owner(note))} wants {name(one.name)} of {name(vm)} {how_long(note)}: this is shorter.",)


def _keeper(context: Context, one: Checkpoint) -> str:
    """The user id of who wants it; a schedule has none."""
    who = context.record.checkpoints.notes([one.id]).get(one.id, UNKNOWN).owner or ""
    return who if re.fullmatch(r"[UW][A-Z0-9]{1,20}", who) else ""

"""`/checkpoint keep web01 before-upgrade 7d`: say how long a checkpoint is wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from backends.base import Checkpoint
from commands.base import CheckpointNote, Context, Keep, Plan, Target, name
from commands.kit import refusals
from commands.kit.dates import Period, say_moment
from commands.kit.finding import one_checkpoint
from commands.kit.kinds import UNKNOWN
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.options import period as as_period
from commands.kit.telling import about, how_long, is_kept, keeper, keepers
from commands.kit.words import say_time


@click.command(
    epilog="keep web01 before-upgrade 7d\nkeep web01 before-upgrade until friday 18:00\nkeep web01 golden forever"
)
@vm_argument
@checkpoint_argument
@click.argument("period", metavar="<7d|until friday 18:00|forever>", callback=as_period)
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, period: Period) -> Plan:
    """Say how long a checkpoint is wanted, from now on. Until then the digest leaves it alone; after that it may go.

    What you took with the bot, and nobody else claims or keeps, is deleted for you then. You are told before.
    """
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.managed(seen, found, "keep")
    refusals.too_long(period.span, context.policy)
    until = None if period.forever else (period.until or context.now + period.span).astimezone(UTC)
    when = "forever" if until is None else f"until {say_time(until)}"
    note = context.record.checkpoints.notes([found.id]).get(found.id, UNKNOWN)
    against = _is_against(context, note, until)
    return Plan(
        Keep(until),
        (Target.of(seen, found),),
        f"keep {name(found.name)} of {name(seen.vm.name)} {when}",
        consequences=(
            *about(context, seen, found),
            *([f"It is kept until {say_moment(period.until)}."] if period.until else ()),
        ),
        cautions=(_caution(seen.vm.name, found, note),) if against else (),
        ask=against,
        keepers=keepers(context.person, [note]) if against else (),
    )


def _is_against(context: Context, note: CheckpointNote, until: datetime | None) -> bool:
    """Somebody else wants it for longer than that."""
    if until is None or not is_kept(note, context.now) or note.keeper == context.person.id:
        return False
    return note.pinned or (note.keep_until is not None and note.keep_until > until)


def _caution(vm: str, one: Checkpoint, note: CheckpointNote) -> str:
    return f"{name(keeper(note))} wants {name(one.name)} of {name(vm)} {how_long(note)}: this is shorter."

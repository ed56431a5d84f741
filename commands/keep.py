"""`/checkpoint keep web01 before-upgrade 7d`: say how long a checkpoint is wanted."""

from __future__ import annotations

from datetime import timedelta

import click

from commands.base import Context, Keep, Plan, Target
from commands.kit import refusals
from commands.kit.finding import one_checkpoint
from commands.kit.options import checkpoint_argument, span, vm_argument
from commands.kit.telling import about
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
    return Plan(
        Keep(until),
        (Target.of(seen, found),),
        f"keep {found.name} of {seen.vm.name} {when}",
        consequences=about(context, seen, found),
    )

"""`/checkpoint show web01 before-upgrade`: everything that is known of a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator

import click

from commands.base import Actions, CheckpointNote, Context, Heading, Reply, Table, name
from commands.kit import consequences, forecast, soundness
from commands.kit.finding import Found, one_checkpoint
from commands.kit.kinds import MEANING, UNKNOWN, kind_of, meaning_of_type
from commands.kit.options import checkpoint_argument, share_option, vm_argument
from commands.kit.telling import age, claim_button, how_long, is_stale, is_unclaimed, keeper, known, owner, written
from commands.kit.words import say_names, say_span, say_time


@click.command(epilog="show web01 before-upgrade\nshow web01 1a2b3c4d --share")
@vm_argument
@checkpoint_argument
@share_option
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, share: bool) -> Reply:
    """Everything that is known of a checkpoint: when and by whom it was taken, its kind, how long it is kept."""
    found = one_checkpoint(context, vm, checkpoint, disks=True)
    note = known(context, [found[1]]).get(found[1].id, UNKNOWN)
    rows = tuple((name, value) for name, value in _facts(context, found, note) if value)
    claim = (Actions((claim_button(found[1]),)),) if is_unclaimed(found[1], note) else ()
    heading = Heading(f"{name(found[1].name)} of {name(found[0].vm.name)}")
    return Reply((heading, Table(("What", "Value"), rows), *claim), shared=share)


def _facts(context: Context, found: Found, note: CheckpointNote) -> Iterator[tuple[str, str]]:
    seen, one = found
    stale = ", stale" if is_stale(one, note, context.policy, context.now) else ""
    yield "VM", f"{name(seen.vm.name)} on {name(seen.vm.host)}, {seen.vm.state.label}"
    health = context.health.kept([seen.vm])[seen.vm.id]
    if health.at is not None:
        why = " ".join(reason.sentence for reason in health.why)
        judged = f"{say_span(context.now - health.at)} ago"
        yield "Health", f"{soundness.line(health)}, as it was judged {judged}. {why}".strip()
    yield "Id", one.id
    yield "Taken", f"{say_time(one.created)}, {age(one, context.now)} ago{stale}"
    yield "Kind", MEANING[kind_of(one, note)]
    yield "Type", meaning_of_type(one, note)
    yield "Owner", f"it belongs to {one.managed_by}" if one.managed_by else owner(note)
    yield "Schedule", note.schedule
    yield "Why", note.reason or ("the bot took it before an apply" if note.safety else "")
    yield "Kept", how_long(note) + (f", by {keeper(note)}" if how_long(note) and note.keeper != note.owner else "")
    parent = seen.checkpoint(one.parent_id) if one.parent_id else None
    yield "Follows", parent.name if parent else ""
    yield "Followed by", say_names([child.name for child in seen.children(one.id)])
    yield "Here", f"{name(seen.vm.name)} runs from this one" if seen.vm.current_id == one.id else ""
    yield "Written since", written(seen, one)
    rate = context.growth.of_vms([seen.vm.id]).get(seen.vm.id)
    yield "Written a day", f"about {forecast.a_day(rate)}" if rate else ""
    yield "Meanwhile", " ".join(consequences.while_it_stands(seen, one, context.policy, context.now))
    yield "Room", " ".join(forecast.volumes(context, [seen.vm]))

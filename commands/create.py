"""`/checkpoint web01 before-upgrade`: take a checkpoint of one VM or of several."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC
from itertools import count

import click

from backends.base import MAX_NAME, CheckpointType, VMInventory, VMState
from commands.base import Context, Create, Plan, Policy, Target, UsageError
from commands.base.names import name as called
from commands.kit import consequences, forecast, quota, refusals
from commands.kit.dates import Period, say_moment
from commands.kit.finding import plain
from commands.kit.group import Group
from commands.kit.options import is_control, new_name, period, vm_argument
from commands.kit.telling import few, lines, merging, present
from commands.kit.words import say_names, say_span, typed

ALIASES = ("snapshot", "take")

_TYPES = {None: None, "production": CheckpointType.PRODUCTION, "standard": CheckpointType.STANDARD}


@click.command(
    epilog="web01 before-upgrade\n"
    "create web01,web02 before-upgrade --keep 7d --note 'kernel 6.12'\n"
    "create web01 before-upgrade --keep until friday 18:00\n"
    "create dev* --type standard"
)
@vm_argument
@click.argument("name", metavar="[<name>]", required=False, callback=new_name)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["production", "standard"], case_sensitive=False),
    help="Production lets the guest settle its disks; standard keeps its memory. Else the VM's setting counts.",
)
@click.option(
    "--keep",
    metavar="<7d|until friday 18:00|forever>",
    callback=period,
    help="How long it is kept, after which the bot deletes it for you. Else the settings say.",
)
@click.option("--note", metavar='"why"', default="", help="Why it was taken, for the ledger.")
@click.pass_obj
def command(context: Context, *, vm: str, name: str | None, kind: str | None, keep: Period | None, note: str) -> Plan:
    """Take a checkpoint of a VM, or of several: web01,web02 or web*. The word create may be left out.

    Without a name it gets yours and the time.
    """
    refusals.too_long(keep.span if keep else None, context.policy)
    if keep is None and context.policy.keep_default is not None:
        keep = Period(context.policy.keep_default)
    group = Group(context, "create", vm)
    name = new = name or _name_of_the_hour(context, group.seen)
    group.check(lambda one: _refuse(one, new, kind, context.policy))
    quota.check(context, group)
    group.refuse()
    seen, vms = group.seen, [one.vm for one in group.seen]
    doubt = _may_be_a_vm(context, vm, name)
    wanted, promises = _type(seen, _TYPES[kind], context.policy)
    return Plan(
        _action(name, wanted, keep, note.strip()),
        tuple(Target.of(one) for one in seen),
        f"take {called(name)} of {few(vms)}",
        consequences=(
            *present(vms),
            *promises,
            *_until(keep),
            "Nothing is lost, and nothing is turned off.",
        ),
        cautions=(*doubt, *merging(vms)),
        each=lines(vms),
        outlook=(*forecast.sentences(context, vms), *consequences.of_create(seen)),
        ask=bool(doubt),
    )


def _action(name: str, wanted: CheckpointType | None, keep: Period | None, note: str) -> Create:
    if keep is None or keep.forever:
        return Create(name, wanted, None, note, forever=keep is not None)
    until = keep.until.astimezone(UTC) if keep.until else None
    return Create(name, wanted, keep.span.total_seconds(), note, until=until)


def _until(keep: Period | None) -> tuple[str, ...]:
    if keep is None:
        return ()
    if keep.until:
        return (f"It is kept until {say_moment(keep.until)}.",)
    return ("It is kept for good." if keep.forever else f"It is kept for {say_span(keep.span)}.",)


def _refuse(seen: VMInventory, name: str, kind: str | None, policy: Policy) -> None:
    refusals.built_on_broken(seen)
    refusals.no_room(seen)
    refusals.busy(seen.vm, "take a checkpoint")
    refusals.taken(seen, name)
    if kind == "standard":
        refusals.standard(seen.vm, policy)
    if seen.vm.state in (VMState.PAUSED, VMState.SAVED) and refusals.production_only(seen.vm, policy):
        raise UsageError(
            f"{called(seen.vm.name)} is {seen.vm.state.label}, and a production checkpoint needs it running or off.",
            "Start it or shut it down first.",
        )


def _may_be_a_vm(context: Context, vm: str, wanted: str) -> tuple[str, ...]:
    """`web01 web03` takes a checkpoint called web03, where both may be meant; so does `web01 web02,web03`."""
    names = {one.vm.name for one in context.fleet.known()}
    if names.isdisjoint([wanted, *(part.strip() for part in wanted.split(","))]):
        return ()
    both = typed("create", f"{vm},{wanted}")
    is_one = f"{called(wanted)} {'is a VM' if wanted in names else 'names VMs'} too"
    return (f"{is_one}, and here it is the checkpoint's name. For a checkpoint of both: {both}.",)


def _type(
    seen: Sequence[VMInventory], wanted: CheckpointType | None, policy: Policy
) -> tuple[CheckpointType | None, list[str]]:
    """The type to take, and what follows from it. Where the settings allow production ones only, it is the type that
    fails instead of falling back to a standard one in silence."""
    if strict := [one.vm.name for one in seen if refusals.production_only(one.vm, policy)]:
        return CheckpointType.PRODUCTION_ONLY, [f"Production or nothing: the settings say so for {say_names(strict)}."]
    if wanted is None or all(one.vm.checkpoint_type is wanted for one in seen):
        return wanted, []
    return wanted, [f"The VM's checkpoint type is set to {wanted.label} for this one, and set back afterwards."]


def _name_of_the_hour(context: Context, seen: Sequence[VMInventory]) -> str:
    """`ada 2026-11-22 14:05`, in UTC, with a number where that is taken."""
    when = f"{context.now.astimezone(UTC):%Y-%m-%d %H:%M}"
    person = "".join(c for c in context.person.name if not is_control(c)).strip() or context.person.id
    base = f"{person[: MAX_NAME - len(when) - 6].strip()} {when}"
    taken = {plain(c.name) for one in seen for c in one.checkpoints}
    return next(name for n in count(1) if plain(name := base if n == 1 else f"{base} ({n})") not in taken)

"""`/checkpoint apply web01 before-upgrade`: put a VM back to a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import click

from backends.base import Checkpoint, VMInventory, VMState
from commands.base import Apply, Context, Plan, Policy, Target, name
from commands.kit import consequences, refusals
from commands.kit.finding import Found, typeable
from commands.kit.group import Group
from commands.kit.options import checkpoint_argument, vm_argument
from commands.kit.telling import each, few, lines, merging, present, titles
from commands.kit.words import say_count, say_names, say_size, say_span, typed

ALIASES = ("restore", "revert")

LONG, LARGE = timedelta(days=7), 50 * 1024**3
"""From here on an apply is asked about twice."""

MOST_NAMED = 3
"""VMs that get a sentence of their own about what they keep."""


@click.command(epilog="apply web01 before-upgrade\napply web01,web02 before-upgrade --no-safety\nrevert web01 1a2b3c4d")
@vm_argument
@checkpoint_argument
@click.option("--no-safety", is_flag=True, help="Take no checkpoint of the present state first: there is no way back.")
@click.option("--no-start", is_flag=True, help="Leave the VM off where applying turns it off.")
@click.pass_obj
def command(context: Context, vm: str, checkpoint: str, no_safety: bool, no_start: bool) -> Plan:
    """Put a VM back to a checkpoint. What was written since is gone from it afterwards.

    The bot takes a safety checkpoint first, so that this can be undone, and starts a VM again that was running. The
    words restore and revert do the same.
    """
    policy = context.policy
    action = Apply(policy.safety_checkpoint and not no_safety, policy.keep_safety.total_seconds(), not no_start)
    group = Group(context, "apply", vm, disks=True)
    found = group.checkpoints(checkpoint, lambda one: _refuse(one, action))
    vms, shown = [seen.vm for seen, _ in found], titles(context, [one for _, one in found])
    return Plan(
        action,
        tuple(Target.of(*one) for one in found),
        f"apply {name(found[0][1].name)} to {few(vms)}",
        consequences=(
            *present(vms),
            f"{_loss(found, shown)} {_way_back(action)}",
            *_afterwards(found, action),
            *_staying(found),
        ),
        cautions=(*_cautions(found, action, policy, context.now), *merging(vms)),
        each=lines(vms, shown),
        stake=_stake(context, found),
        grave=not action.safety or any(_is_much(context, *one) for one in found),
    )


def _refuse(found: Found, action: Apply) -> None:
    seen, checkpoint = found
    if not checkpoint.automatic:
        refusals.managed(seen, checkpoint, "apply")
    refusals.broken(seen, checkpoint, "apply")
    refusals.busy(seen.vm, "apply a checkpoint")
    if action.safety:
        again = typed("apply", typeable(seen.vm), typeable(checkpoint), "--no-safety")
        refusals.no_room(seen, f"Or go without a safety checkpoint: {again}.")


def _stake(context: Context, found: Sequence[Found]) -> str:
    """How long and how much was written since, of several VMs the longest and all together."""
    longest = say_span(max(context.now - checkpoint.created for _, checkpoint in found))
    sizes = [seen.growth_since(checkpoint.id) for seen, checkpoint in found]
    total = sum(size for size in sizes if size is not None)
    known = say_size(total) if None not in sizes else f"at least {say_size(total)}" if total else "an unknown size"
    return f"{longest} and {known}"


def _is_much(context: Context, seen: VMInventory, checkpoint: Checkpoint) -> bool:
    return context.now - checkpoint.created >= LONG or (seen.growth_since(checkpoint.id) or 0) >= LARGE


def _loss(found: Sequence[Found], shown: Sequence[str]) -> str:
    if len(found) > 1:
        return f"Everything written on each of them since its {name(found[0][1].name)} was taken goes from it."
    return f"Everything written on {name(found[0][0].vm.name)} since {shown[0]} will be lost."


def _way_back(action: Apply) -> str:
    if not action.safety:
        return "No safety checkpoint is taken, so this cannot be undone."
    keep = say_span(timedelta(seconds=action.keep_safety))
    return f"A safety checkpoint of the present state is taken first and kept for {keep}: applying that undoes this."


def _afterwards(found: Sequence[Found], action: Apply) -> Iterator[str]:
    """How the VMs will be, a sentence for each way."""
    ways: dict[str, list[str]] = {}
    for seen, checkpoint in found:
        ways.setdefault(_way(seen.vm.state is VMState.RUNNING, checkpoint.has_memory, action.start), []).append(
            seen.vm.name
        )
    return (f"{each(names)} {way}." for way, names in ways.items())


def _way(running: bool, has_memory: bool, start: bool) -> str:
    """How a VM is afterwards (Hyper-V's reference, Restore-VMSnapshot: a running VM is saved first, and started
    afterwards only if the checkpoint left it saved)."""
    match running, has_memory:
        case True, True:
            return "stops for a moment, then runs on with the memory it had when the checkpoint was taken"
        case True, False if start:
            return "is off in between: the checkpoint has no memory, so the bot starts the VM and its guest boots"
        case True, False:
            return "is off afterwards, and stays off as you asked"
        case False, True:
            return "is not running and will be saved: starting it brings back the checkpoint's memory"
        case _:
            return "is not running and will be off"


def _staying(found: Sequence[Found]) -> Iterator[str]:
    if len(found) > MOST_NAMED:
        yield "All of them keep their checkpoints, the newer ones too."
        return
    for seen, checkpoint in found:
        newer = sum(one.created > checkpoint.created for one in seen.checkpoints)
        yield f"{name(seen.vm.name)} keeps its {say_count(newer, 'newer checkpoint') if newer else 'checkpoints'}."


def _cautions(found: Sequence[Found], action: Apply, policy: Policy, now: datetime) -> Iterator[str]:
    if not action.safety:
        yield "No safety checkpoint is taken: what is there now is gone for good."
    yield from consequences.of_apply(found, policy, now)
    delicate = [(seen, checkpoint) for seen, checkpoint in found if refusals.production_only(seen.vm, policy)]
    if memory := [seen.vm.name for seen, checkpoint in delicate if checkpoint.has_memory]:
        yield f"The checkpoint of {say_names(memory)} holds memory, which is the dangerous kind for such a VM."

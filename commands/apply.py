"""`/checkpoint apply web01 before-upgrade`: put a VM back to a checkpoint."""

from __future__ import annotations

from datetime import datetime, timedelta

import click

from backends.base import VMState
from commands import refusals
from commands.base import Apply, Context, Plan, Policy, Target
from commands.finding import Found, checkpoints
from commands.options import checkpoint_argument, vm_argument
from commands.telling import title
from commands.words import say_count, say_names, say_span, say_time, typed

ALIASES = ("restore", "revert")


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
    found = checkpoints(context, vm, checkpoint)
    for one in found:
        _refuse(one, action)
    return Plan(
        action,
        tuple(Target.of(*one) for one in found),
        f"apply {found[0][1].name} to {say_names([seen.vm.name for seen, _ in found])}",
        consequences=tuple(line for one in found for line in _consequences(one, action, context.now)),
        cautions=tuple(line for one in found for line in _cautions(one, policy)),
    )


def _refuse(found: Found, action: Apply) -> None:
    seen, checkpoint = found
    if not checkpoint.automatic:
        refusals.managed(seen, checkpoint, "apply")
    refusals.busy(seen.vm, "apply a checkpoint")
    if action.safety:
        again = typed("apply", seen.vm.name, checkpoint.name)
        refusals.no_room(seen, f"Or go without a safety checkpoint: {again} --no-safety.")


def _consequences(found: Found, action: Apply, now: datetime) -> list[str]:
    seen, checkpoint = found
    lines = [_loss(found, action, now), _power(found, action)]
    if newer := sum(one.created > checkpoint.created for one in seen.checkpoints):
        lines.append(f"{seen.vm.name} keeps its {say_count(newer, 'newer checkpoint')}.")
    return lines


def _loss(found: Found, action: Apply, now: datetime) -> str:
    """What goes, and whether it can be had back."""
    seen, checkpoint = found
    goes = f"Everything written on {seen.vm.name} since {title(checkpoint, now)}"
    if not action.safety:
        return f"{goes} will be lost. No safety checkpoint is taken, so this cannot be undone."
    keep = say_span(timedelta(seconds=action.keep_safety))
    return f"{goes} goes from it. A safety checkpoint is taken first and kept for {keep}: applying that undoes this."


def _power(found: Found, action: Apply) -> str:
    """How the VM is afterwards (Hyper-V's reference, Restore-VMSnapshot: a running VM is saved, put back, and started
    only if it is then Saved)."""
    seen, checkpoint = found
    name, running = seen.vm.name, seen.vm.state is VMState.RUNNING
    match running, checkpoint.has_memory:
        case True, True:
            return f"{name} stops for a moment, then runs on with the memory it had at {say_time(checkpoint.created)}."
        case True, False if action.start:
            return f"{name} is off in between. The checkpoint has no memory, so the bot starts it and the guest boots."
        case True, False:
            return f"{name} is off afterwards, and stays off, as you asked."
        case False, True:
            return (
                f"{name} is {seen.vm.state.label} and will be saved: starting it brings back the checkpoint's memory."
            )
        case _:
            return f"{name} is {seen.vm.state.label} and will be off."


def _cautions(found: Found, policy: Policy) -> list[str]:
    seen, checkpoint = found
    cautions = []
    if pattern := refusals.production_only(seen.vm, policy):
        cautions.append(
            f"{seen.vm.name} is production only ({pattern}). Putting a domain controller or a database back can break "
            "what it shares with others."
        )
        if checkpoint.has_memory:
            cautions.append(f"{checkpoint.name} holds memory: for such a VM that is the dangerous kind.")
    if seen.vm.merging:
        cautions.append(f"Disks of {seen.vm.name} are being merged after a delete: this may take longer or be refused.")
    return cautions

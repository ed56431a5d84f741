"""Puts a VM back to a checkpoint: a safety checkpoint first, and started again where it was running."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from backends.base import VM, Backend, BackendError, Checkpoint, Progress, UnknownOutcome, VMInventory, VMState
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, told, with_checkpoint
from bot.changes.verbs.create import remember, take_as
from bot.ledger import ChangeState
from commands.base import Apply, Target
from commands.base.names import name as called
from commands.kit.words import safety_name


def perform(execution: Execution, seen: VMInventory, action: Apply) -> Outcome:
    target, vm = execution.target, seen.vm
    was_running = vm.state == VMState.RUNNING
    safety = _take_safety(execution, seen, action) if action.safety else None
    after = _put_back(execution, vm, safety)
    kept = f" What it was before is kept as {called(safety.name)}." if safety else ""
    back = execution.done("applied", "", safety_id=safety.id if safety else None)
    if was_running and action.start and after.vm.state in (VMState.OFF, VMState.SAVED):
        try:
            after = _start_again(execution, after)
        except BackendError as error:
            state = ChangeState.UNKNOWN if isinstance(error, UnknownOutcome) else ChangeState.FAILED
            return replace(
                back, state=state, sentence=f"{error.sentence}{kept}", cause=error.cause, key="applied, not started"
            )
    return replace(
        back,
        sentence=f"{called(vm.name)} is back at {called(str(target.checkpoint_name))}, and is {after.vm.state.label}."
        f"{kept}",
        values={**back.values, "state": after.vm.state.label, "safety": safety.name if safety else None},
    )


def again(action: Apply, targets: Sequence[Target]) -> Words:
    flags = (*(() if action.safety else ("--no-safety",)), *(() if action.start else ("--no-start",)))
    chosen = [(target.vm_id, target.checkpoint_id or "") for target in targets]
    return with_checkpoint("apply", flags, chosen, targets[0].checkpoint_name or "")


def undo(safety: Mapping[str, str], name: str) -> Words | None:
    """The words that put VMs back to the safety checkpoints taken before an apply: `safety` gives each VM's, by GUIDs,
    and `name` is what all of them are called."""
    return with_checkpoint("apply", (), list(safety.items()), name) if safety else None


def attempt(before: VMInventory, checkpoint_id: str, on_progress: Progress | None = None) -> Attempt:
    """An apply moves the VM's current checkpoint and gives it a new file to write to. Where somebody has deleted the
    checkpoint since, nothing shows it any more."""

    def happened(now: VMInventory) -> bool | None:
        if now.checkpoint(checkpoint_id) is None:
            return None
        if now.vm.current_id != checkpoint_id:
            return False
        if before.vm.current_id != checkpoint_id:
            return True
        if not before.disks or not now.disks:
            return None
        return _written_files(before) != _written_files(now)

    return Attempt("apply", lambda host: host.apply(checkpoint_id, on_progress=on_progress), happened, disks=True)


def start(vm_id: str) -> Attempt:
    return Attempt("start", lambda host: host.start(vm_id), lambda now: now.vm.state == VMState.RUNNING)


def _start_soundly(execution: Execution, vm: VM) -> Attempt:
    """A start opens the disks anew, so the VM is judged once more right before."""
    plain = start(vm.id)

    def act(host: Backend) -> None:
        execution.refuse_if_held(vm)
        plain.act(host)

    return replace(plain, act=act)


def _written_files(seen: VMInventory) -> frozenset[str]:
    return frozenset(d.path.casefold() for d in seen.disks or () if d.attached)


def _put_back(execution: Execution, vm: VM, safety: Checkpoint | None) -> VMInventory:
    try:
        before = execution.steps.step("look before", lambda: _look_before(execution, vm))
        return execution.carry_out(attempt(before, execution.checkpoint_id(), execution.on_progress), before)
    except UnknownOutcome as lost:
        if safety is None:
            raise
        raise type(lost)(
            f"{lost.sentence} The safety checkpoint {called(safety.name)} had been taken.", lost.cause
        ) from lost
    except BackendError as error:
        if safety is None:
            raise
        raise told(
            error,
            f"{called(vm.name)} was not put back to {called(str(execution.target.checkpoint_name))}",
            f"The safety checkpoint {called(safety.name)} had been taken, and stays.",
        ) from error


def _look_before(execution: Execution, vm: VM) -> VMInventory:
    """Once more: the safety checkpoint took its time, and may have failed half-way."""
    execution.env.refuse_if_frozen()
    execution.refuse_if_held(vm)
    return execution.env.fleet.look(vm.id, disks=True)


def _take_safety(execution: Execution, seen: VMInventory, action: Apply) -> Checkpoint:
    name = safety_name(execution.change.created_at, str(execution.target.checkpoint_name))
    try:
        taken, kind = take_as(execution, seen, name, None, "safety")
    except UnknownOutcome:
        raise
    except BackendError as error:
        raise type(error)(
            f"The safety checkpoint of {called(seen.vm.name)} could not be taken, so nothing was applied: "
            f"{error.sentence}",
            error.cause,
            unchanged=error.unchanged,
        ) from error
    keep = timedelta(seconds=action.keep_safety)
    reason = f"before applying {execution.target.checkpoint_name}"
    execution.steps.step(
        "remember safety",
        lambda: remember(execution, seen.vm, taken, kind=kind, reason=reason, keep=keep, safety=True),
    )
    return taken


def _start_again(execution: Execution, after: VMInventory) -> VMInventory:
    try:
        return execution.set_right(_start_soundly(execution, after.vm), after)
    except BackendError as error:
        raise told(
            error,
            f"{called(after.vm.name)} is back at {called(str(execution.target.checkpoint_name))}, but it"
            f" could not be started again and is"
            f" {after.vm.state.label}",
            "See why before you start it by hand.",
        ) from error


verb = Verb(Apply, "apply checkpoints to", perform, again, exact=True, risky=True, destructive=True)

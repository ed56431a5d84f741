"""One change on a host, done at most once: look first, act, and look again when the answer was lost.

A step knows how to act and how to see on the host whether it has happened. It is run again after a crash, and then it
looks before anything else: what has happened is not done twice, and what nobody can tell stays an unknown outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from backends.base import (
    VM,
    Backend,
    BackendError,
    Checkpoint,
    CheckpointType,
    NotFound,
    OperationalStatus,
    OperationFailed,
    Progress,
    UnknownOutcome,
    VMInventory,
    VMState,
)

BUSY = frozenset(
    {
        OperationalStatus.APPLYING,
        OperationalStatus.CREATING_SNAPSHOT,
        OperationalStatus.APPLYING_SNAPSHOT,
        OperationalStatus.DELETING_SNAPSHOT,
        OperationalStatus.EXPORTING,
    }
)
"""While one of these stands in a VM's status, an earlier action is still under way. A merge is not one of them: it goes
on in the background and stops nothing."""

MOVING = frozenset({VMState.STARTING, VMState.STOPPING, VMState.SAVING, VMState.PAUSING, VMState.RESUMING})

PATIENCE = 120.0
"""Seconds that a lost action is waited for before it is reported as unknown; it goes on being looked at after that."""


class Inconclusive(UnknownOutcome):
    """The host answers and is idle, but nothing on it tells whether the action took hold: looking again is no use."""


class DidNotHappen(OperationFailed):
    """The answer was lost, and the host shows that the action did not take hold and will not: it may be tried again."""

    known_unchanged = True


class Sent(Protocol):
    """Remembers durably that an action is about to be sent, before it is."""

    def already(self, step: str) -> bool: ...

    def mark(self, step: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Step:
    """One action on one VM."""

    name: str
    """The same after a crash, and different from every other step of the change on this VM."""
    act: Callable[[Backend], object]
    happened: Callable[[VMInventory], bool | None]
    """Whether the host shows that it has happened. None: the host cannot tell."""
    disks: bool = False
    """The look needs the disks."""


def run(
    step: Step,
    backend: Backend,
    seen: VMInventory,
    sent: Sent,
    *,
    patience: float = PATIENCE,
) -> VMInventory:
    """Carry out `step` on the VM that was `seen` a moment ago, and give it as it is afterwards.

    Raises `BackendError`; with `UnknownOutcome` the step may have happened, with every other kind it has not.
    """
    vm_id = seen.vm.id
    if sent.already(step.name):
        found = settle(step, backend, vm_id, patience=patience)
        if found is not None:
            return found
    elif step.happened(seen):
        return seen
    sent.mark(step.name)
    try:
        step.act(backend)
    except UnknownOutcome as lost:
        found = settle(step, backend, vm_id, patience=patience)
        if found is None:
            raise DidNotHappen(
                f"The connection to {backend.host} was lost before the action took hold. I looked: it did not happen.",
                lost.cause,
            ) from lost
        return found
    return _look_after(backend, vm_id, step)


def settle(step: Step, backend: Backend, vm_id: str, *, patience: float = PATIENCE) -> VMInventory | None:
    """Find out what became of a step that was sent: the VM as it is when it has happened, None when it has not and will
    not.

    Raises `UnknownOutcome` when the host does not answer or is still busy after `patience` seconds, and `Inconclusive`
    when it cannot tell.
    """
    now = _wait_until_idle(backend, vm_id, step.disks, patience)
    match step.happened(now):
        case True:
            return now
        case False:
            return None
        case None:
            raise Inconclusive(
                f"The connection to {backend.host} was lost, and the host does not show whether the action took hold.",
                f"step {step.name} on VM {vm_id} was sent, and its traces are not conclusive",
            )


def _wait_until_idle(backend: Backend, vm_id: str, disks: bool, patience: float) -> VMInventory:
    end = time.monotonic() + patience
    pause = 0.1
    while True:
        try:
            backend.end_lost_calls()
            now = backend.vm(vm_id, disks=disks)
            if not is_busy(now.vm):
                return now
            problem = f"{now.vm.name} is still busy on {backend.host}"
        except NotFound:
            raise
        except BackendError as error:
            problem = error.cause
        if time.monotonic() + pause > end:
            raise UnknownOutcome(f"{backend.host} has not shown yet whether the action took hold.", problem)
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _look_after(backend: Backend, vm_id: str, step: Step) -> VMInventory:
    try:
        return backend.vm(vm_id, disks=step.disks)
    except NotFound:
        raise
    except BackendError as error:
        raise UnknownOutcome(
            f"{backend.host} took the action and then stopped answering, so the result could not be seen.", error.cause
        ) from error


def is_busy(vm: VM) -> bool:
    """An action is under way on the VM."""
    return vm.state in MOVING or not BUSY.isdisjoint(vm.operational_status)


# ---------------------------------------------------------------- the steps there are


def take(before: VMInventory, name: str, key: str, on_progress: Progress | None = None) -> Step:
    """Take a checkpoint. Found again by being new since `before`."""
    return Step(
        key,
        lambda host: host.create(before.vm.id, name, on_progress=on_progress),
        lambda now: new_checkpoint(before, now, name) is not None,
    )


def new_checkpoint(before: VMInventory, now: VMInventory, name: str) -> Checkpoint | None:
    """The checkpoint that was taken since: the one of that name, or the only new one of a person's kind (naming is not
    atomic: when the host fails half-way, a checkpoint with a default name is left)."""
    known = {c.id for c in before.checkpoints}
    new = [c for c in now.checkpoints if c.id not in known and c.managed_by is None]
    named = [c for c in new if c.name == name]
    found = named or new
    return found[-1] if found else None


def apply(before: VMInventory, checkpoint_id: str, on_progress: Progress | None = None) -> Step:
    """Put the VM back. An apply moves the VM's current checkpoint and gives it a new file to write to."""

    def happened(now: VMInventory) -> bool | None:
        if now.vm.current_id != checkpoint_id:
            return False
        if before.vm.current_id != checkpoint_id:
            return True
        if not before.disks or not now.disks:
            return None
        return _written_files(before) != _written_files(now)

    return Step("apply", lambda host: host.apply(checkpoint_id, on_progress=on_progress), happened, disks=True)


def _written_files(seen: VMInventory) -> frozenset[str]:
    return frozenset(d.path.casefold() for d in seen.disks or () if d.attached)


def delete(checkpoint_id: str, *, subtree: bool, on_progress: Progress | None = None) -> Step:
    return Step(
        "delete",
        lambda host: host.delete(checkpoint_id, subtree=subtree, on_progress=on_progress),
        lambda now: now.checkpoint(checkpoint_id) is None,
    )


def rename(checkpoint_id: str, name: str) -> Step:
    def happened(now: VMInventory) -> bool:
        found = now.checkpoint(checkpoint_id)
        return found is not None and found.name == name

    return Step("rename", lambda host: host.rename(checkpoint_id, name), happened)


def export(checkpoint_id: str, path: str, on_progress: Progress | None = None) -> Step:
    """Copy a checkpoint to a folder. The VM shows no trace of it afterwards, so after a crash nobody can tell."""
    return Step(
        "export",
        lambda host: host.export(checkpoint_id, path, on_progress=on_progress),
        lambda _: None,
    )


def configure(
    vm_id: str, key: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
) -> Step:
    def happened(now: VMInventory) -> bool:
        vm = now.vm
        return (checkpoint_type is None or vm.checkpoint_type == checkpoint_type) and (
            automatic is None or vm.automatic_checkpoints == automatic
        )

    return Step(key, lambda host: host.configure(vm_id, checkpoint_type=checkpoint_type, automatic=automatic), happened)


def start(vm_id: str) -> Step:
    return Step("start", lambda host: host.start(vm_id), lambda now: now.vm.state == VMState.RUNNING)

"""One action on a host, done at most once: look first, act, and look again when the answer was lost.

An attempt knows how to act and how to see on the host whether it has happened. It is run again after a crash, and then
it looks before anything else: what has happened is not done twice, and what nobody can tell stays an unknown outcome.
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
    NotFound,
    OperationalStatus,
    OperationFailed,
    UnknownOutcome,
    VMInventory,
    VMState,
    name,
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

UNKNOWN_AFTER = 120.0
"""Seconds that a lost action is waited for before it is reported as unknown; it goes on being looked at after that."""


MOST_NODES = 3
"""Nodes of a cluster to which one attempt goes after a VM that moves each time."""


class Inconclusive(UnknownOutcome):
    """The host answers and is idle, but nothing on it tells whether the action took hold: looking again is no use."""


class DidNotHappen(OperationFailed):
    """The answer was lost, and the host shows that the action did not take hold and will not: it may be tried again."""

    known_unchanged = True


class Sent(Protocol):
    """Remembers durably that an action is about to be sent, before it is."""

    def already(self, attempt: str) -> bool: ...

    def mark(self, attempt: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Attempt:
    """One action on one VM."""

    name: str
    """The same after a crash, and different from every other one of the change on this VM."""
    act: Callable[[Backend], object]
    happened: Callable[[VMInventory], bool | None]
    """Whether the host shows that it has happened. None: the host cannot tell."""
    disks: bool = False
    """The look needs the disks."""


def run(
    attempt: Attempt,
    backend: Backend,
    seen: VMInventory,
    sent: Sent,
    *,
    unknown_after: float = UNKNOWN_AFTER,
) -> VMInventory:
    """Make the attempt on the VM that was `seen` a moment ago, and give it as it is afterwards.

    Raises `BackendError`; with `UnknownOutcome` it may have happened, with every other kind it has not.
    """
    vm_id = seen.vm.id
    if sent.already(attempt.name):
        found = settle(attempt, backend, vm_id, unknown_after=unknown_after)
        if found is not None:
            return found
    elif attempt.happened(seen):
        return seen
    sent.mark(attempt.name)
    node = seen.vm.node
    for _ in range(MOST_NODES):
        try:
            attempt.act(backend)
        except UnknownOutcome as error:
            lost = error
        else:
            return _look_after(backend, vm_id, attempt)
        now = _look_idle(attempt, backend, vm_id, unknown_after)
        if _has_happened(attempt, backend, now):
            return now
        if now.vm.node == node:
            break
        node = now.vm.node  # it did not happen where the VM was, and goes on where it is
    raise DidNotHappen(
        f"The connection to {name(backend.host)} was lost before the action took hold. I looked: it did not happen.",
        lost.cause,
    ) from lost


def settle(
    attempt: Attempt, backend: Backend, vm_id: str, *, unknown_after: float = UNKNOWN_AFTER
) -> VMInventory | None:
    """Find out what became of an attempt that was sent: the VM as it is when it has happened, None when it has not and
    will not.

    Raises `UnknownOutcome` when the host does not show the VM, or is still busy with it, after `unknown_after` seconds,
    and `Inconclusive` when it cannot tell. A host that has just restarted knows none of its VMs for a while, so a VM
    that is not found has not gone for that.
    """
    now = _look_idle(attempt, backend, vm_id, unknown_after)
    return now if _has_happened(attempt, backend, now) else None


def _has_happened(attempt: Attempt, backend: Backend, now: VMInventory) -> bool:
    """Raises `Inconclusive` where the host cannot tell."""
    happened = attempt.happened(now)
    if happened is None:
        raise Inconclusive(
            f"The connection to {name(backend.host)} was lost, and the host does not show whether the action took "
            "hold.",
            f"{attempt.name} on VM {now.vm.id} was sent, and its traces are not conclusive",
        )
    return happened


def _look_idle(attempt: Attempt, backend: Backend, vm_id: str, seconds: float) -> VMInventory:
    """The VM once nothing of an earlier action is under way on it."""
    disks = attempt.disks
    end = time.monotonic() + seconds
    pause = 0.1
    while True:
        try:
            backend.end_lost_calls()
            now = backend.vm(vm_id, disks=disks)
            if not is_busy(now.vm):
                return now
            problem = f"{now.vm.name} is still busy on {backend.host}"
        except BackendError as error:
            problem = error.cause
        if time.monotonic() + pause > end:
            raise UnknownOutcome(f"{name(backend.host)} has not shown yet whether the action took hold.", problem)
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _look_after(backend: Backend, vm_id: str, attempt: Attempt) -> VMInventory:
    try:
        return backend.vm(vm_id, disks=attempt.disks)
    except NotFound as error:
        raise UnknownOutcome(
            f"{name(backend.host)} took the action and does not show the VM since, so the result could not be seen.",
            error.cause,
        ) from error
    except BackendError as error:
        raise UnknownOutcome(
            f"{name(backend.host)} took the action and then stopped answering, so the result could not be seen.",
            error.cause,
        ) from error


def is_busy(vm: VM) -> bool:
    """An action is under way on the VM."""
    return vm.state in MOVING or not BUSY.isdisjoint(vm.operational_status)

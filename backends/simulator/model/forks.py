"""A checkpoint that fails half-way: the running VM writes to new files that its configuration does not name.

It sleeps as long as the VM runs. Whatever opens the chain of disks anew (a start, a migration, an apply) opens the one
of the configuration: what was written since lies in files that belong to nobody. Source: Microsoft's example code for
checkpoint health.
"""

from __future__ import annotations

from backends.base import EventLog
from backends.simulator.model.host import HostState
from backends.simulator.model.logs import failure
from backends.simulator.model.machines import Drive, SimulatedVM

COMMIT_FORKS = 0x80048102


def fail(host: HostState, vm: SimulatedVM, drives: list[Drive], at: float, code: int = COMMIT_FORKS) -> None:
    """From now on the running VM writes to these drives, and its configuration names the old ones."""
    vm.forked = drives
    host.tell(EventLog.WORKER, 3216, vm, *failure(code), at=at)
    host.tell(EventLog.VMMS, 18012, vm, *failure(code), at=at)


def roll_back(host: HostState, vm: SimulatedVM, by: str) -> None:
    """The chain is opened anew, from what the configuration names. `by` says what did that."""
    if not vm.forked:
        return
    for drive in vm.forked:
        file = host.storage.find(drive.path) if drive.path else None
        if file:
            file.owner = ""
    vm.forked = []
    vm.lost = vm.lost or by
    host.revision += 1

"""A Hyper-V host that lives: its state, and what each job and merge comes to at its end."""

from __future__ import annotations

from collections.abc import Callable

from backends.base import EventLog
from backends.simulator.model import checkpoints, forks, merging, power
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.host import HostState
from backends.simulator.model.machines import Job, JobKind, Merge, SimulatedVM
from backends.simulator.model.requirements import require_free


class SimulatedHost(HostState):
    """One Hyper-V host. Safe to use from many threads: hold `lock` to see several things at one moment."""

    cluster: SimulatedCluster | None = None
    """The cluster that it is a node of."""

    def complete(self, vm: SimulatedVM, work: Job | Merge) -> None:
        if isinstance(work, Merge):
            merging.complete(self, vm, work)
        else:
            vm.job = None
            COMPLETE[work.kind](self, vm, work)


def move(vm_id: str, source: SimulatedHost, target: SimulatedHost) -> None:
    """Move a VM with its checkpoints and files to another host, as live migration does: its GUID stays.

    Raises `HostError` when it is busy. Its files keep their paths, and move to the target's volumes.
    """
    first, second = sorted((source, target), key=lambda host: host.name)
    with first.lock, second.lock, source.moment(), target.moment():
        vm = source.vm(vm_id)
        require_free(vm)
        forks.roll_back(source, vm, "migration")
        del source.vms[vm.id]
        target.vms[vm.id] = vm
        for file in source.storage.owned_by(vm.id):
            source.storage.remove(file.path)
            target.storage.add(file)
        for owner in [vm.id, *vm.checkpoints]:
            folder, size = source.storage.taken().get(owner, ("", 0))
            source.storage.give_back(owner)
            target.storage.take(owner, folder, size)
        target.tell(EventLog.VMMS, 20415, vm, at=target.clock())
        source.revision += 1
        target.revision += 1


Completion = Callable[[HostState, SimulatedVM, Job], None]

COMPLETE: dict[JobKind, Completion] = {
    JobKind.CREATE: checkpoints.complete_create,
    JobKind.APPLY: checkpoints.complete_apply,
    JobKind.REMOVE: checkpoints.complete_remove,
    JobKind.EXPORT: checkpoints.complete_export,
    JobKind.START: power.complete_start,
    JobKind.STOP: power.complete_stop,
    JobKind.SAVE: power.complete_save,
}

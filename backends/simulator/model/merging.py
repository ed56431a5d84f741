"""The merge of AVHDX files that no checkpoint names any more, in the background and one at a time per VM."""

from __future__ import annotations

from dataclasses import replace

from backends.base import EventLog
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.host import HostState
from backends.simulator.model.logs import failure
from backends.simulator.model.machines import Merge, SimulatedVM
from backends.simulator.model.storage import DiskFile

STARTED, DONE, INTERRUPTED, FAILED = 19070, 19080, 19090, 19100
SHARING_VIOLATION = 0x80070020

KEPT = 0.8
"""The part of a child's bytes that its parent does not hold already, as an estimate."""


def plan(host: HostState, vm: SimulatedVM, at: float) -> None:
    """Start what there is to merge. A file that neither the VM nor a checkpoint names is deleted when nothing stands
    on it, takes up its child when one does, and stays when several do."""
    while vm.merge is None and not host.faults.armed(FaultKind.MERGE_OFF):
        work = _next_work(host, vm)
        if work is None:
            return
        orphan, child = work
        if child is None:
            host.storage.remove(orphan.path)
        else:
            took = host.seconds(host.durations.merge + child.file_size / host.durations.merge_rate)
            vm.merge = Merge(child.path, orphan.path, at, at + took)
            host.tell(EventLog.VMMS, STARTED, vm, child.path, at=at)


def complete(host: HostState, vm: SimulatedVM, merge: Merge) -> None:
    """Put the child's bytes into its parent, which takes its place in the chain, and give its room back."""
    if refused := host.faults.take(FaultKind.MERGE_REFUSED):
        host.tell(EventLog.VMMS, FAILED, vm, *failure(refused.code or SHARING_VIOLATION), at=merge.ends)
        vm.merge = None
        return
    if host.faults.take(FaultKind.MERGE_INTERRUPTED):
        host.tell(EventLog.VMMS, INTERRUPTED, vm, merge.child, at=merge.ends)
        vm.merge = replace(merge, started=merge.ends, ends=merge.ends + max(1.0, merge.ends - merge.started))
        return
    child, parent = host.storage.remove(merge.child), host.storage.find(merge.parent)
    if child and parent:
        merged = min(parent.size, parent.file_size + int(child.file_size * KEPT))
        host.storage.resize(parent, max(parent.file_size, merged))
        _repoint(host, vm, child.path, parent.path)
    host.tell(EventLog.VMMS, DONE, vm, merge.child, at=merge.ends)
    vm.merge = None
    plan(host, vm, merge.ends)


def _next_work(host: HostState, vm: SimulatedVM) -> tuple[DiskFile, DiskFile | None] | None:
    named = {drive.path.casefold() for drive in (*vm.drives, *vm.forked) if drive.path}
    for checkpoint in vm.checkpoints.values():
        named.update(drive.path.casefold() for drive in checkpoint.drives if drive.path)
    for file in host.storage.owned_by(vm.id):
        if file.path.casefold() in named:
            continue
        children = host.storage.children(file.path)
        if len(children) == 1:
            return file, children[0]
        if not children and file.parent:
            return file, None
    return None


def _repoint(host: HostState, vm: SimulatedVM, old: str, new: str) -> None:
    vm.drives = [replace(drive, path=new) if drive.path == old else drive for drive in vm.drives]
    for checkpoint in vm.checkpoints.values():
        checkpoint.drives = tuple(replace(one, path=new) if one.path == old else one for one in checkpoint.drives)
    for file in host.storage.children(old):
        file.parent = new

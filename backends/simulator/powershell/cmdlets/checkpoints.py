"""Get-VMSnapshot, Checkpoint-VM, Restore-, Remove-, Rename- and Export-VMSnapshot."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model import checkpoints
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import FaultKind
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import matching, one_checkpoint, target_checkpoints, target_vms
from backends.simulator.powershell.objects.checkpoints import CheckpointObject, OwnedCheckpoint, checkpoint_objects
from backends.simulator.powershell.objects.machines import VMObject
from backends.simulator.powershell.runtime import Call


@cmdlet("Get-VMSnapshot")
def get_checkpoints(call: Call) -> Iterator[CheckpointObject]:
    """A VM without any gives nothing; an id, a name or a type that hits none is an error."""
    pattern, kind = call.text("Name"), call.number("SnapshotType")
    found = [
        one
        for one in _candidates(call)
        if (pattern is None or matching(pattern, one.checkpoint.name)) and kind in (None, int(one.checkpoint.type))
    ]
    by_vm = call.parameter_set in ("VMName", "VMObject")
    if not found and (not by_vm or pattern is not None or kind is not None):
        raise HostError(Case.CHECKPOINT_NOT_FOUND)
    yield from sorted(found, key=lambda one: one.checkpoint.created)


@cmdlet("Checkpoint-VM")
def take_checkpoint(call: Call) -> Iterator[CheckpointObject]:
    for vm in target_vms(call, "Name"):
        if not call.should_process():
            continue
        try:
            yield from _take(call, vm.id)
        except HostError as error:
            call.fail(error, target=vm.name)


@cmdlet("Restore-VMSnapshot")
def apply_checkpoint(call: Call) -> Iterator[CheckpointObject]:
    target = one_checkpoint(call)
    if call.should_process():
        call.wait(checkpoints.apply(call.host, target.checkpoint.id))
        yield from _passed_on(call, target)


@cmdlet("Remove-VMSnapshot")
def remove_checkpoints(call: Call) -> Iterator[CheckpointObject]:
    """Without -Name it removes all of a VM. One that went with the subtree of another is no error."""
    subtree = call.flag("IncludeAllChildSnapshots")
    for target in list(target_checkpoints(call)):
        if subtree and call.given("VMName") and target.get("IsDeleted"):
            continue
        if not call.should_process():
            continue
        try:
            call.wait(checkpoints.remove(call.host, target.checkpoint.id, subtree=subtree))
        except HostError as error:
            call.fail(error, target=target.checkpoint.name)
        else:
            yield from _passed_on(call, target)


@cmdlet("Rename-VMSnapshot")
def rename_checkpoint(call: Call) -> Iterator[CheckpointObject]:
    target = one_checkpoint(call)
    if call.should_process():
        checkpoints.rename(call.host, target.checkpoint.id, call.text("NewName") or "")
        yield from _passed_on(call, target)


@cmdlet("Export-VMSnapshot")
def export_checkpoints(call: Call) -> Iterator[CheckpointObject]:
    for target in list(target_checkpoints(call)):
        if not call.should_process():
            continue
        try:
            call.wait(checkpoints.export(call.host, target.checkpoint.id, call.text("Path") or ""))
        except HostError as error:
            call.fail(error, target=target.checkpoint.name)
        else:
            yield from _passed_on(call, target)


def _candidates(call: Call) -> list[CheckpointObject]:
    host = call.host
    match call.parameter_set:
        case "Id":
            return [CheckpointObject(host, OwnedCheckpoint(*host.checkpoint(call.guids("Id")[0])))]
        case "Parent":
            return _parent_of(call)
        case "Child":
            with host.moment():
                return [
                    CheckpointObject(host, OwnedCheckpoint(one.vm, child))
                    for one in call.objects("ChildOf", CheckpointObject)
                    for child in one.vm.children(one.checkpoint.id)
                ]
        case _:
            return [one for vm in target_vms(call) for one in checkpoint_objects(host, vm)]


def _parent_of(call: Call) -> list[CheckpointObject]:
    found = [(item.model, item.parent()) for item in call.objects("ParentOf", VMObject)]
    found += [(item.vm, item.parent()) for item in call.objects("ParentOf", CheckpointObject)]
    return [CheckpointObject(call.host, OwnedCheckpoint(vm, parent)) for vm, parent in found if parent]


def _take(call: Call, vm_id: str) -> Iterator[CheckpointObject]:
    """Hyper-V names a checkpoint after it has taken it, and may fail in between."""
    host = call.host
    naming_fails = host.faults.take(FaultKind.NAMING, call.name)
    job = checkpoints.create(host, vm_id, None if naming_fails else call.text("SnapshotName"))
    call.wait(job)
    if job.fails:
        vm = host.vm(vm_id)
        raise HostError(Case.FAILED_OF, hresult=job.fails, code=job.fails, name=vm.name, id=vm.id)
    vm, checkpoint = host.checkpoint(job.checkpoint_id)
    if naming_fails:
        raise HostError(Case.NAMING_FAILED, name=vm.name)
    yield from _passed_on(call, CheckpointObject(host, OwnedCheckpoint(vm, checkpoint)))


def _passed_on(call: Call, item: CheckpointObject) -> Iterator[CheckpointObject]:
    if call.flag("Passthru"):
        yield item

"""Get-VMHardDiskDrive and Get-VHD."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.machines import Drive
from backends.simulator.model.storage import DiskFile
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import target_vms
from backends.simulator.powershell.objects.checkpoints import CheckpointObject
from backends.simulator.powershell.objects.drives import DriveObject, OwnedDrive, VhdObject
from backends.simulator.powershell.runtime import Call

PARENT_ID_MISMATCH = 0xC03A000E
SHARING_VIOLATION = 0x80070020


@cmdlet("Get-VMHardDiskDrive")
def get_drives(call: Call) -> Iterator[DriveObject]:
    """Of a VM those it writes to now; of a checkpoint those it froze."""
    owned = [
        OwnedDrive(one.vm, drive, one.checkpoint)
        for one in call.objects("VMSnapshot", CheckpointObject)
        for drive in one.checkpoint.drives
    ]
    owned += [OwnedDrive(vm, drive) for vm in target_vms(call) for drive in vm.drives]
    yield from (DriveObject(call.host, one) for one in owned if _asked_for(call, one.drive))


@cmdlet("Get-VHD")
def get_files(call: Call) -> Iterator[VhdObject]:
    """Files by path or by the VM that uses them. A path that names none is an error of its own."""
    paths = call.texts("Path")
    for vm_id in call.guids("VMId"):
        paths += [drive.path for drive in call.host.vm(vm_id).drives if drive.path]
    if call.given("DiskNumber"):
        paths.append(f"\\\\.\\PHYSICALDRIVE{call.number('DiskNumber')}")
    with call.host.moment():
        found = [(path, call.host.storage.find(path)) for path in paths]
    for path, file in found:
        if file and file.mismatched:
            call.fail(
                HostError(Case.CHAIN, hresult=PARENT_ID_MISMATCH, path=path, code=PARENT_ID_MISMATCH), target=path
            )
        elif file and _is_open_elsewhere(call, file):
            error = HostError(Case.HRESULT, hresult=SHARING_VIOLATION, path=path, code=SHARING_VIOLATION)
            call.fail(error, target=path)
        elif file:
            yield VhdObject(call.host, file)
        else:
            call.fail(HostError(Case.VHD_MISSING, path=path), target=path)


def _is_open_elsewhere(call: Call, file: DiskFile) -> bool:
    """On shared storage a file that is in use can be read only on the host that uses it."""
    cluster = call.host.cluster
    nodes = cluster.nodes.values() if cluster else ()
    users = (node.host.vms.get(file.owner) for node in nodes if node.host is not call.host)
    return any(vm is not None and vm.started is not None for vm in users)


def _asked_for(call: Call, drive: Drive) -> bool:
    place = (drive.controller_type, drive.controller_number, drive.location)
    wanted = (call.number("ControllerType"), call.number("ControllerNumber"), call.number("ControllerLocation"))
    return all(number in (None, at) for number, at in zip(wanted, place, strict=True))

"""Every pipeline the bot can send, as data: on a plain endpoint, and on the bot's own JEA endpoint.

The cmdlets treat names as wildcards (`Remove-VMSnapshot -Name *` removes everything), so each pipeline starts from a
GUID and pipes the object on. `-Confirm:$false` stands where the cmdlet asks. There is no script text, no filter and no
calculated property, so a value that a person typed stays a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from backends.base import CheckpointType
from backends.hyperv import properties
from backends.remoting import Argument, Cmdlet, Pipeline

ENDPOINT_VERSION: Final = 1
"""What `Get-CheckpointBotEndpoint` of the JEA module must answer for this bot to understand it."""

_TYPE_NAMES: Final[Mapping[CheckpointType, str]] = {
    CheckpointType.DISABLED: "Disabled",
    CheckpointType.PRODUCTION: "Production",
    CheckpointType.PRODUCTION_ONLY: "ProductionOnly",
    CheckpointType.STANDARD: "Standard",
}


class Pipelines(Protocol):
    """The questions and changes a host understands. Every answer is JSON: one object or an array of them.

    With a `vm_id` a question is about that VM, without it about all VMs of the host.
    """

    def vms(self, vm_id: str | None = None) -> Pipeline:
        """`properties.VM` of all, or `properties.VM_DETAIL` of one."""

    def checkpoints(self, vm_id: str | None = None) -> Pipeline: ...

    def checkpoint(self, checkpoint_id: str) -> Pipeline: ...

    def drives(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        """What the VMs write to, and what their checkpoints froze."""

    def files(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        """The files behind `drives`, in the same order."""

    def files_at(self, paths: tuple[str, ...]) -> Pipeline:
        """Files by their paths, which the host itself named."""

    def volumes(self) -> Pipeline: ...

    def create(self, vm_id: str, name: str) -> Pipeline:
        """Answers with the new checkpoint."""

    def apply(self, checkpoint_id: str) -> Pipeline: ...

    def delete(self, checkpoint_id: str, *, subtree: bool) -> Pipeline: ...

    def rename(self, checkpoint_id: str, name: str) -> Pipeline: ...

    def export(self, checkpoint_id: str, path: str) -> Pipeline: ...

    def configure(self, vm_id: str, checkpoint_type: CheckpointType | None, automatic: bool | None) -> Pipeline: ...

    def start(self, vm_id: str) -> Pipeline: ...


class Plain:
    """For a full PowerShell endpoint: Hyper-V's cmdlets, shaped by `Select-Object` and `ConvertTo-Json` on the host."""

    def vms(self, vm_id: str | None = None) -> Pipeline:
        return (_vm(vm_id), *_shaped(properties.VM_DETAIL if vm_id else properties.VM))

    def checkpoints(self, vm_id: str | None = None) -> Pipeline:
        return (_vm(vm_id), Cmdlet("Get-VMSnapshot"), *_shaped(properties.CHECKPOINT))

    def checkpoint(self, checkpoint_id: str) -> Pipeline:
        return (_checkpoint(checkpoint_id), *_shaped(properties.CHECKPOINT))

    def drives(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return tuple((*source, *_shaped(properties.DRIVE)) for source in _drive_sources(vm_id))

    def files(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return tuple((*source, Cmdlet("Get-VHD"), *_shaped(properties.FILE)) for source in _drive_sources(vm_id))

    def files_at(self, paths: tuple[str, ...]) -> Pipeline:
        return (Cmdlet("Get-VHD", {"Path": paths}), *_shaped(properties.FILE))

    def volumes(self) -> Pipeline:
        ask = Cmdlet("Get-CimInstance", {"ClassName": "Win32_Volume", "Property": properties.VOLUME})
        return (ask, *_shaped(properties.VOLUME))

    def create(self, vm_id: str, name: str) -> Pipeline:
        take = _change("Checkpoint-VM", SnapshotName=name)
        return (_vm(vm_id), take, *_shaped(properties.CHECKPOINT))

    def apply(self, checkpoint_id: str) -> Pipeline:
        return _on_checkpoint(checkpoint_id, _change("Restore-VMSnapshot"))

    def delete(self, checkpoint_id: str, *, subtree: bool) -> Pipeline:
        more: dict[str, Argument] = {"IncludeAllChildSnapshots": True} if subtree else {}
        return _on_checkpoint(checkpoint_id, _change("Remove-VMSnapshot", **more))

    def rename(self, checkpoint_id: str, name: str) -> Pipeline:
        return _on_checkpoint(checkpoint_id, _change("Rename-VMSnapshot", NewName=name))

    def export(self, checkpoint_id: str, path: str) -> Pipeline:
        return _on_checkpoint(checkpoint_id, _change("Export-VMSnapshot", Path=path))

    def configure(self, vm_id: str, checkpoint_type: CheckpointType | None, automatic: bool | None) -> Pipeline:
        return _on_vm(vm_id, _change("Set-VM", **_settings(checkpoint_type, automatic)))

    def start(self, vm_id: str) -> Pipeline:
        return _on_vm(vm_id, _change("Start-VM"))


class Endpoint:
    """For the bot's own JEA endpoint: the functions of the module in `endpoint/`, which shape on the host."""

    def version(self) -> Pipeline:
        """Which endpoint this is. An unknown command on any other endpoint."""
        return (Cmdlet("Get-CheckpointBotEndpoint"),)

    def vms(self, vm_id: str | None = None) -> Pipeline:
        return _function("Get-CheckpointBotVM", VMId=vm_id)

    def checkpoints(self, vm_id: str | None = None) -> Pipeline:
        return _function("Get-CheckpointBotCheckpoint", VMId=vm_id)

    def checkpoint(self, checkpoint_id: str) -> Pipeline:
        return _function("Get-CheckpointBotCheckpoint", CheckpointId=checkpoint_id)

    def drives(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return (_function("Get-CheckpointBotDrive", VMId=vm_id),)

    def files(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        return (_function("Get-CheckpointBotFile", VMId=vm_id),)

    def files_at(self, paths: tuple[str, ...]) -> Pipeline:
        return _function("Get-CheckpointBotFile", Path=paths)

    def volumes(self) -> Pipeline:
        return _function("Get-CheckpointBotVolume")

    def create(self, vm_id: str, name: str) -> Pipeline:
        return _function("New-CheckpointBotCheckpoint", VMId=vm_id, Name=name)

    def apply(self, checkpoint_id: str) -> Pipeline:
        return _function("Restore-CheckpointBotCheckpoint", CheckpointId=checkpoint_id)

    def delete(self, checkpoint_id: str, *, subtree: bool) -> Pipeline:
        return _function("Remove-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Subtree=subtree or None)

    def rename(self, checkpoint_id: str, name: str) -> Pipeline:
        return _function("Rename-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Name=name)

    def export(self, checkpoint_id: str, path: str) -> Pipeline:
        return _function("Export-CheckpointBotCheckpoint", CheckpointId=checkpoint_id, Path=path)

    def configure(self, vm_id: str, checkpoint_type: CheckpointType | None, automatic: bool | None) -> Pipeline:
        return _function("Set-CheckpointBotVM", VMId=vm_id, **_settings(checkpoint_type, automatic))

    def start(self, vm_id: str) -> Pipeline:
        return _function("Start-CheckpointBotVM", VMId=vm_id)


def samples(dialect: Pipelines) -> dict[str, Pipeline]:
    """One of every pipeline of a dialect, in every form it takes, by a name for it."""
    vm, checkpoint = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
    given: dict[str, Pipeline] = {
        "vms": dialect.vms(),
        "vm": dialect.vms(vm),
        "checkpoints": dialect.checkpoints(),
        "checkpoints of a vm": dialect.checkpoints(vm),
        "checkpoint": dialect.checkpoint(checkpoint),
        "files at": dialect.files_at((r"C:\disks\a.vhdx", r"C:\disks\b.vhdx")),
        "volumes": dialect.volumes(),
        "create": dialect.create(vm, "before-upgrade"),
        "apply": dialect.apply(checkpoint),
        "delete": dialect.delete(checkpoint, subtree=False),
        "delete subtree": dialect.delete(checkpoint, subtree=True),
        "rename": dialect.rename(checkpoint, "after-upgrade"),
        "export": dialect.export(checkpoint, r"D:\exports"),
        "start": dialect.start(vm),
        "configure automatic": dialect.configure(vm, None, False),
    }
    for checkpoint_type in _TYPE_NAMES:
        given[f"configure {checkpoint_type.label}"] = dialect.configure(vm, checkpoint_type, None)
    for number, pipeline in enumerate((*dialect.drives(), *dialect.drives(vm))):
        given[f"drives {number}"] = pipeline
    for number, pipeline in enumerate((*dialect.files(), *dialect.files(vm))):
        given[f"files {number}"] = pipeline
    return given


# ---------------------------------------------------------------- parts


def _vm(vm_id: str | None) -> Cmdlet:
    return Cmdlet("Get-VM", {"Id": vm_id} if vm_id else {})


def _checkpoint(checkpoint_id: str) -> Cmdlet:
    return Cmdlet("Get-VMSnapshot", {"Id": checkpoint_id})


def _drive_sources(vm_id: str | None) -> tuple[Pipeline, Pipeline]:
    drives = Cmdlet("Get-VMHardDiskDrive")
    return (_vm(vm_id), drives), (_vm(vm_id), Cmdlet("Get-VMSnapshot"), drives)


def _shaped(names: properties.Properties) -> Pipeline:
    return Cmdlet("Select-Object", {"Property": names}), Cmdlet("ConvertTo-Json", {"Compress": True})


def _change(name: str, **parameters: Argument) -> Cmdlet:
    return Cmdlet(name, {**parameters, "Passthru": True, "Confirm": False})


def _on_vm(vm_id: str, change: Cmdlet) -> Pipeline:
    return (_vm(vm_id), change, *_shaped(properties.ACKNOWLEDGEMENT))


def _on_checkpoint(checkpoint_id: str, change: Cmdlet) -> Pipeline:
    return (_checkpoint(checkpoint_id), change, *_shaped(properties.ACKNOWLEDGEMENT))


def _settings(checkpoint_type: CheckpointType | None, automatic: bool | None) -> dict[str, Argument]:
    given: dict[str, Argument] = {}
    if checkpoint_type is not None:
        given["CheckpointType"] = _TYPE_NAMES[checkpoint_type]
    if automatic is not None:
        given["AutomaticCheckpointsEnabled"] = automatic
    return given


def _function(name: str, **parameters: Argument) -> Pipeline:
    return (Cmdlet(name, {key: value for key, value in parameters.items() if value is not None}),)

"""The pipelines of a full PowerShell endpoint: Hyper-V's cmdlets, shaped by `Select-Object` and `ConvertTo-Json`."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from backends.base import CheckpointType, EventLog, Part
from backends.hyperv import properties
from backends.hyperv.pipelines import logs
from backends.hyperv.pipelines.settings import settings
from backends.remoting import Argument, Cmdlet, Pipeline

FILES: Final = "*.avhd*"
"""`.avhdx` and `.avhd`, and what lies beside them under longer names."""

NESTED: Final = 1
"""An owner node and a partition have properties, and what stands in those is not wanted."""


class Plain:
    """For a full PowerShell endpoint: Hyper-V's cmdlets, shaped by `Select-Object` and `ConvertTo-Json` on the host."""

    @property
    def lacks(self) -> tuple[Part, ...]:
        return ()

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

    def culture(self) -> Pipeline | None:
        return (Cmdlet("Get-UICulture"), *_shaped(properties.CULTURE))

    def events(self, log: EventLog, since: datetime, most: int) -> tuple[Pipeline, ...] | None:
        state = Cmdlet("Get-WinEvent", {"ListLog": (str(log),)})
        first = Cmdlet("Get-WinEvent", {"LogName": (str(log),), "Oldest": True, "MaxEvents": 1})
        found = Cmdlet(
            "Get-WinEvent", {"LogName": (str(log),), "FilterXPath": logs.query(log, since), "MaxEvents": most}
        )
        return (
            (state, *_shaped(properties.LOG)),
            (first, *_shaped(properties.EVENT, logs.DEPTH)),
            (found, *_shaped(properties.EVENT, logs.DEPTH)),
        )

    def folder_files(self, folders: tuple[str, ...]) -> Pipeline | None:
        files = Cmdlet("Get-ChildItem", {"LiteralPath": folders, "Filter": FILES})
        return (files, *_shaped(properties.FOLDER_FILE))

    def cluster(self) -> tuple[Pipeline, ...] | None:
        ids = Cmdlet("Get-ClusterParameter", {"Name": ("VmId",), "ErrorAction": "SilentlyContinue"})
        owned = Cmdlet("Select-Object", {"Property": ("Value",), "ExpandProperty": "ClusterObject"})
        shown = Cmdlet("Select-Object", {"ExpandProperty": "SharedVolumeInfo"})
        return (
            (Cmdlet("Get-ClusterNode"), *_shaped(properties.NODE)),
            (Cmdlet("Get-ClusterResource"), ids, owned, *_shaped(properties.ROLE, NESTED)),
            (Cmdlet("Get-ClusterSharedVolume"), shown, *_shaped(properties.SHARED_VOLUME, NESTED)),
        )

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
        return _on_vm(vm_id, _change("Set-VM", **settings(checkpoint_type, automatic)))

    def start(self, vm_id: str) -> Pipeline:
        return _on_vm(vm_id, _change("Start-VM"))


def _vm(vm_id: str | None) -> Cmdlet:
    return Cmdlet("Get-VM", {"Id": vm_id} if vm_id else {})


def _checkpoint(checkpoint_id: str) -> Cmdlet:
    return Cmdlet("Get-VMSnapshot", {"Id": checkpoint_id})


def _drive_sources(vm_id: str | None) -> tuple[Pipeline, Pipeline]:
    drives = Cmdlet("Get-VMHardDiskDrive")
    return (_vm(vm_id), drives), (_vm(vm_id), Cmdlet("Get-VMSnapshot"), drives)


def _shaped(names: properties.Properties, depth: int | None = None) -> Pipeline:
    deep: dict[str, Argument] = {} if depth is None else {"Depth": depth}
    return Cmdlet("Select-Object", {"Property": names}), Cmdlet("ConvertTo-Json", {**deep, "Compress": True})


def _change(name: str, **parameters: Argument) -> Cmdlet:
    return Cmdlet(name, {**parameters, "Passthru": True, "Confirm": False})


def _on_vm(vm_id: str, change: Cmdlet) -> Pipeline:
    return (_vm(vm_id), change, *_shaped(properties.ACKNOWLEDGEMENT))


def _on_checkpoint(checkpoint_id: str, change: Cmdlet) -> Pipeline:
    return (_checkpoint(checkpoint_id), change, *_shaped(properties.ACKNOWLEDGEMENT))

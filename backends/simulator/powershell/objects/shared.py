"""`VirtualMachineBase`: what a VM and a checkpoint have in common."""

from __future__ import annotations

from typing import TypeVar

from backends.simulator.model.enums import HYPERV, enum_value
from backends.simulator.model.machines import Drive, SimulatedCheckpoint, SimulatedVM
from backends.simulator.model.storage import MB
from backends.simulator.powershell.objects.base import Getters, View, guid, moment
from backends.simulator.powershell.objects.drives import DriveObject, OwnedDrive
from backends.simulator.powershell.objects.services import service_objects

BASE_TYPES = (HYPERV + "VirtualMachineBase", HYPERV + "VirtualizationObject", "System.Object")

Model = TypeVar("Model")


class VirtualMachineBase(View[Model]):
    """`Microsoft.HyperV.PowerShell.VirtualMachineBase`."""

    @property
    def vm(self) -> SimulatedVM:
        raise NotImplementedError

    @property
    def frozen(self) -> SimulatedCheckpoint | None:
        """The checkpoint, when it is one."""
        return None

    @property
    def parent_id(self) -> str | None:
        return self.frozen.parent_id if self.frozen else self.vm.parent_id

    @property
    def created(self) -> float:
        return self.frozen.created if self.frozen else self.vm.created

    def parent(self) -> SimulatedCheckpoint | None:
        return self.vm.checkpoints.get(self.parent_id or "")

    def drives(self) -> list[DriveObject]:
        drives: tuple[Drive, ...] = self.frozen.drives if self.frozen else tuple(self.vm.drives)
        return [DriveObject(self.host, OwnedDrive(self.vm, drive, self.frozen)) for drive in drives]


BASE_GETTERS: Getters[VirtualMachineBase[object]] = {
    "ComPort1": lambda _: None,
    "ComPort2": lambda _: None,
    "DVDDrives": lambda _: [],
    "FibreChannelHostBusAdapters": lambda _: [],
    "FloppyDrive": lambda _: None,
    "HardDrives": lambda o: o.drives(),
    "RemoteFxAdapter": lambda _: None,
    "VMIntegrationService": lambda o: service_objects(o.host, o.vm),
    "DynamicMemoryEnabled": lambda _: False,
    "MemoryMaximum": lambda o: o.vm.memory,
    "MemoryMinimum": lambda o: o.vm.memory,
    "MemoryStartup": lambda o: o.vm.memory,
    "ProcessorCount": lambda o: o.vm.processors,
    "BatteryPassthroughEnabled": lambda _: True,
    "Generation": lambda o: o.vm.generation,
    "IsClustered": lambda o: o.vm.clustered,
    "Notes": lambda o: o.vm.notes,
    "ParentSnapshotId": lambda o: guid(o.parent_id),
    "ParentSnapshotName": lambda o: parent.name if (parent := o.parent()) else None,
    "Path": lambda o: o.vm.folder,
    "Version": lambda _: "10.0",
    "GuestControlledCacheTypes": lambda _: False,
    "LowMemoryMappedIoSpace": lambda _: 128 * MB,
    "HighMemoryMappedIoSpace": lambda _: 512 * MB,
    "LockOnDisconnect": lambda _: enum_value(HYPERV + "OnOffState", 1),
    "CreationTime": lambda o: moment(o.created),
    "NetworkAdapters": lambda _: [],
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
}

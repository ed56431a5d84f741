"""`HardDiskDrive`, `VirtualHardDisk` and `Win32_Volume`."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from backends.simulator.model.enums import HYPERV, VHD, enum_value
from backends.simulator.model.machines import Drive, SimulatedCheckpoint, SimulatedVM
from backends.simulator.model.storage import MB, DiskFile, VolumeSpace
from backends.simulator.model.texts import text
from backends.simulator.powershell.objects.base import NO_ID, Getters, View, guid

CONTROLLERS = ("IDE", "SCSI", "PMEM")


@dataclass(frozen=True, slots=True)
class OwnedDrive:
    vm: SimulatedVM
    drive: Drive
    checkpoint: SimulatedCheckpoint | None = None


class DriveObject(View[OwnedDrive]):
    """`Microsoft.HyperV.PowerShell.HardDiskDrive`, of a VM or frozen in a checkpoint."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "HardDiskDrive",
        HYPERV + "Drive",
        HYPERV + "VMDevice",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )

    @property
    def drive(self) -> Drive:
        return self.model.drive

    @property
    def name(self) -> str:
        return text(
            self.host.spec.language,
            "drive-name",
            controller=CONTROLLERS[self.drive.controller_type],
            number=self.drive.controller_number,
            location=self.drive.location,
        )

    @property
    def text(self) -> str:
        return f"HardDiskDrive (Name = '{self.name}') [VMName = '{self.model.vm.name}']"

    def id(self) -> str:
        owner = self.model.checkpoint.id if self.model.checkpoint else self.model.vm.id
        place = f"{self.drive.controller_number}\\{self.drive.location}"
        return f"Microsoft:{owner.upper()}\\{uuid5(NAMESPACE_URL, owner)}\\{place}\\D"


class VhdObject(View[DiskFile]):
    """`Microsoft.Vhd.PowerShell.VirtualHardDisk`."""

    type_names: ClassVar[tuple[str, ...]] = (VHD + "VirtualHardDisk", "System.Object")

    def attached(self) -> bool:
        vm = self.host.vms.get(self.model.owner)
        paths = [drive.path for drive in vm.drives] if vm and vm.started else []
        return self.model.path in paths

    def format(self) -> int:
        return 2 if ntpath.splitext(self.model.path)[1].casefold() in (".vhd", ".avhd") else 3


class VolumeObject(View[VolumeSpace]):
    """`Win32_Volume` of CIM."""

    type_names: ClassVar[tuple[str, ...]] = (
        "Microsoft.Management.Infrastructure.CimInstance#root/cimv2/Win32_Volume",
        "Microsoft.Management.Infrastructure.CimInstance#root/cimv2/CIM_StorageVolume",
        "Microsoft.Management.Infrastructure.CimInstance",
        "System.Object",
    )

    @property
    def text(self) -> str:
        return f'Win32_Volume (DeviceID = "{self.device_id()}")'

    def device_id(self) -> str:
        return f"\\\\?\\Volume{{{uuid5(NAMESPACE_URL, self.host.name + self.model.path)}}}\\"

    def letter(self) -> str | None:
        path = self.model.path
        return path[:2] if len(path) == 3 else None


DRIVE_GETTERS: Getters[DriveObject] = {
    "Path": lambda o: o.drive.path,
    "DiskNumber": lambda o: o.drive.disk_number,
    "MaximumIOPS": lambda _: 0,
    "MinimumIOPS": lambda _: 0,
    "QoSPolicyID": lambda _: guid(NO_ID),
    "SupportPersistentReservations": lambda _: False,
    "WriteHardeningMethod": lambda _: enum_value(HYPERV + "CacheAttributes", 0),
    "ControllerLocation": lambda o: o.drive.location,
    "ControllerNumber": lambda o: o.drive.controller_number,
    "ControllerType": lambda o: enum_value(HYPERV + "ControllerType", o.drive.controller_type),
    "Name": lambda o: o.name,
    "PoolName": lambda _: "Primordial",
    "Id": lambda o: o.id(),
    "VMId": lambda o: guid(o.model.vm.id),
    "VMName": lambda o: o.model.vm.name,
    "VMSnapshotId": lambda o: guid(o.model.checkpoint.id if o.model.checkpoint else NO_ID),
    "VMSnapshotName": lambda o: o.model.checkpoint.name if o.model.checkpoint else "",
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda _: False,
}

VHD_GETTERS: Getters[VhdObject] = {
    "ComputerName": lambda o: o.host.name.upper(),
    "Path": lambda o: o.model.path,
    "VhdFormat": lambda o: enum_value(VHD + "VhdFormat", o.format()),
    "VhdType": lambda o: enum_value(VHD + "VhdType", o.model.type),
    "FileSize": lambda o: o.model.file_size,
    "Size": lambda o: o.model.size,
    "MinimumSize": lambda _: None,
    "LogicalSectorSize": lambda _: 512,
    "PhysicalSectorSize": lambda _: 4096,
    "BlockSize": lambda _: 32 * MB,
    "ParentPath": lambda o: o.model.parent or "",
    "DiskIdentifier": lambda o: o.model.identifier.upper(),
    "FragmentationPercentage": lambda _: None,
    "Alignment": lambda _: 1,
    "Attached": lambda o: o.attached(),
    "DiskNumber": lambda _: None,
    "IsPMEMCompatible": lambda _: False,
    "AddressAbstractionType": lambda _: enum_value(
        "Microsoft.Virtualization.Client.Management.VirtualHardDiskPmemAddressAbstractionType", 0
    ),
}

VOLUME_GETTERS: Getters[VolumeObject] = {
    "Name": lambda o: o.model.path,
    "Caption": lambda o: o.model.path,
    "DeviceID": lambda o: o.device_id(),
    "DriveLetter": lambda o: o.letter(),
    "DriveType": lambda o: o.model.drive_type,
    "FileSystem": lambda o: "NTFS" if o.letter() else "CSVFS",
    "Label": lambda o: o.model.label,
    "Capacity": lambda o: o.model.size,
    "FreeSpace": lambda o: o.model.free,
    "BlockSize": lambda _: 4096,
    "SystemName": lambda o: o.host.name.upper(),
}

DriveObject.getters = DRIVE_GETTERS
VhdObject.getters = VHD_GETTERS
VolumeObject.getters = VOLUME_GETTERS

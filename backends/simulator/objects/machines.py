"""`VirtualMachine`, `VMSnapshot` and their integration services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backends.base import OperationalStatus, VMState
from backends.simulator.enums import HYPERV, ReplicationState, ServiceStatus, enum_value
from backends.simulator.fleet import SimulatedHost
from backends.simulator.machines import JobKind, SimulatedCheckpoint, SimulatedVM, Vss
from backends.simulator.objects.base import Getters, View, guid, moment, span, state
from backends.simulator.objects.drives import DriveObject, OwnedDrive
from backends.simulator.shell import EnumValue
from backends.simulator.storage import MB
from backends.simulator.texts import text

CONFIGURATION_FILES = 4 * MB
"""What a VM's or a checkpoint's configuration takes on disk, next to saved memory."""

JOB_STATUS = {
    JobKind.CREATE: OperationalStatus.CREATING_SNAPSHOT,
    JobKind.APPLY: OperationalStatus.APPLYING_SNAPSHOT,
    JobKind.REMOVE: OperationalStatus.DELETING_SNAPSHOT,
    JobKind.EXPORT: OperationalStatus.EXPORTING,
}

STATUS_TEXTS = {
    OperationalStatus.OK: "status-ok",
    OperationalStatus.IN_SERVICE: "status-busy",
    OperationalStatus.CREATING_SNAPSHOT: "status-creating",
    OperationalStatus.APPLYING_SNAPSHOT: "status-applying",
    OperationalStatus.DELETING_SNAPSHOT: "status-deleting",
    OperationalStatus.MERGING_DISKS: "status-merging",
    OperationalStatus.EXPORTING: "status-exporting",
    OperationalStatus.MIGRATING: "status-migrating",
    OperationalStatus.BACKING_UP: "status-backup",
}

CRITICAL_IO_ERROR = 32795

COSTLY = frozenset(
    (
        "ProcessorCount",
        "MemoryAssigned",
        "MemoryDemand",
        "MemoryStatus",
        "HardDrives",
        "NetworkAdapters",
        "IsClustered",
        "SizeOfSystemFiles",
        "ParentSnapshotId",
        "ParentSnapshotName",
    )
)
"""Of a VM; published measurements of Get-VM name them."""


def operational_status(vm: SimulatedVM) -> tuple[int, ...]:
    """Primary and, when the VM is busy, secondary status."""
    busy = [JOB_STATUS[vm.job.kind]] if vm.job and vm.job.kind in JOB_STATUS else []
    if vm.merge:
        busy.append(OperationalStatus.MERGING_DISKS)
    if vm.busy_with is not None:
        busy.append(vm.busy_with)
    if busy:
        return (int(OperationalStatus.IN_SERVICE), int(busy[0]))
    if vm.state is VMState.PAUSED_CRITICAL:
        return (int(OperationalStatus.OK), CRITICAL_IO_ERROR)
    return (int(OperationalStatus.OK),)


class VMObject(View[SimulatedVM]):
    """`Microsoft.HyperV.PowerShell.VirtualMachine`."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "VirtualMachine",
        HYPERV + "VirtualMachineBase",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )
    costly = COSTLY

    @property
    def text(self) -> str:
        return f"VirtualMachine (Name = '{self.model.name}') [Id = '{self.model.id}']"

    def statuses(self) -> list[EnumValue]:
        return [enum_value(HYPERV + "VMOperationalStatus", one) for one in operational_status(self.model)]

    def status_texts(self) -> list[str]:
        numbers = operational_status(self.model)
        language = self.host.spec.language
        keys = [
            STATUS_TEXTS.get(OperationalStatus(n), "status-ok") if n != CRITICAL_IO_ERROR else "status-critical"
            for n in numbers
        ]
        return [text(language, key) for key in keys]

    def uptime(self) -> float:
        return self.host.clock() - self.model.started if self.model.started else 0.0

    def memory_assigned(self) -> int:
        return self.model.memory if self.model.state in (VMState.RUNNING, VMState.PAUSED) else 0

    def parent(self) -> SimulatedCheckpoint | None:
        return self.model.checkpoints.get(self.model.parent_id or "")

    def system_files(self) -> int:
        return CONFIGURATION_FILES + (self.model.memory if self.model.state is VMState.SAVED else 0)

    def heartbeat(self) -> EnumValue | None:
        if not self.model.running:
            return None
        name = 4 if self.model.vss is Vss.NO_CONTACT else 6
        return enum_value(HYPERV + "VMHeartbeatStatus", name)

    def replicating(self) -> bool:
        return self.model.replication is not ReplicationState.DISABLED

    def drives(self) -> list[DriveObject]:
        return [DriveObject(self.host, OwnedDrive(self.model, drive)) for drive in self.model.drives]


@dataclass(frozen=True, slots=True)
class OwnedCheckpoint:
    vm: SimulatedVM
    checkpoint: SimulatedCheckpoint


class CheckpointObject(View[OwnedCheckpoint]):
    """`Microsoft.HyperV.PowerShell.VMSnapshot`."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "VMSnapshot",
        HYPERV + "VirtualMachineBase",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )

    @property
    def vm(self) -> SimulatedVM:
        return self.model.vm

    @property
    def checkpoint(self) -> SimulatedCheckpoint:
        return self.model.checkpoint

    @property
    def text(self) -> str:
        return f"VMSnapshot (Name = '{self.checkpoint.name}') [Id = '{self.checkpoint.id}', VMId = '{self.vm.id}']"

    def parent(self) -> SimulatedCheckpoint | None:
        return self.vm.checkpoints.get(self.checkpoint.parent_id or "")

    def drives(self) -> list[DriveObject]:
        return [DriveObject(self.host, OwnedDrive(self.vm, drive, self.checkpoint)) for drive in self.checkpoint.drives]


SERVICES = {
    "service-guest": "6C09BB55-D683-4DA0-8931-C9BF705F6480",
    "service-heartbeat": "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "service-kvp": "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "service-shutdown": "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
    "service-time": "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
    "service-vss": "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
}
"""The integration services and their component ids, which are the same on every host."""


@dataclass(frozen=True, slots=True)
class Service:
    vm: SimulatedVM
    key: str


class ServiceObject(View[Service]):
    """`Microsoft.HyperV.PowerShell.VMIntegrationComponent`. The guest's VSS writers are not its business: it may be OK
    and a production checkpoint fails all the same."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "VMIntegrationComponent",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )

    @property
    def name(self) -> str:
        return text(self.host.spec.language, self.model.key)

    def enabled(self) -> bool:
        if self.model.key == "service-guest":
            return False
        return not (self.model.key == "service-vss" and self.model.vm.vss is Vss.DISABLED)

    def status(self) -> EnumValue | None:
        if not self.model.vm.running or not self.enabled():
            return None
        no_contact = self.model.vm.vss is Vss.NO_CONTACT
        number = ServiceStatus.NO_CONTACT if no_contact else ServiceStatus.OK
        return enum_value(HYPERV + "VMIntegrationComponentOperationalStatus", number)

    def status_text(self) -> str:
        found = self.status()
        if found is None:
            return ""
        key = "service-ok" if found.number == ServiceStatus.OK else "service-no-contact"
        return text(self.host.spec.language, key)


VM_GETTERS: Getters[VMObject] = {
    "ConfigurationLocation": lambda o: o.model.folder,
    "SmartPagingFileInUse": lambda _: False,
    "SmartPagingFilePath": lambda o: o.model.folder,
    "SnapshotFileLocation": lambda o: o.model.folder,
    "AutomaticStartAction": lambda _: enum_value(HYPERV + "StartAction", 3),
    "AutomaticStartDelay": lambda _: 0,
    "AutomaticStopAction": lambda _: enum_value(HYPERV + "StopAction", 3),
    "AutomaticCriticalErrorAction": lambda _: enum_value(HYPERV + "CriticalErrorAction", 1),
    "AutomaticCriticalErrorActionTimeout": lambda _: 30,
    "AutomaticCheckpointsEnabled": lambda o: o.model.automatic_checkpoints,
    "CPUUsage": lambda o: 3 if o.model.running else 0,
    "MemoryAssigned": lambda o: o.memory_assigned(),
    "MemoryDemand": lambda o: o.memory_assigned() // 2,
    "MemoryStatus": lambda o: "OK" if o.memory_assigned() else "",
    "NumaAligned": lambda _: None,
    "NumaNodesCount": lambda _: 1,
    "NumaSocketCount": lambda _: 1,
    "Heartbeat": lambda o: o.heartbeat(),
    "IntegrationServicesState": lambda _: "",
    "IntegrationServicesVersion": lambda _: "0.0",
    "Uptime": lambda o: span(o.uptime()),
    "OperationalStatus": lambda o: o.statuses(),
    "PrimaryOperationalStatus": lambda o: o.statuses()[0],
    "SecondaryOperationalStatus": lambda o: o.statuses()[1] if len(o.statuses()) > 1 else None,
    "StatusDescriptions": lambda o: o.status_texts(),
    "PrimaryStatusDescription": lambda o: o.status_texts()[0],
    "SecondaryStatusDescription": lambda o: o.status_texts()[1] if len(o.status_texts()) > 1 else None,
    "Status": lambda o: o.status_texts()[-1],
    "ReplicationHealth": lambda o: enum_value(HYPERV + "VMReplicationHealthState", int(o.replicating())),
    "ReplicationMode": lambda o: enum_value(HYPERV + "VMReplicationMode", 2 if o.replicating() else 0),
    "ReplicationState": lambda o: enum_value(HYPERV + "VMReplicationState", o.model.replication),
    "ResourceMeteringEnabled": lambda _: False,
    "CheckpointType": lambda o: enum_value(HYPERV + "CheckpointType", o.model.checkpoint_type),
    "EnhancedSessionTransportType": lambda _: enum_value(HYPERV + "EnhancedSessionTransportType", 0),
    "Groups": lambda _: [],
    "Version": lambda _: "10.0",
    "VirtualMachineType": lambda _: enum_value(HYPERV + "VirtualMachineType", 1),
    "VirtualMachineSubType": lambda o: enum_value(HYPERV + "VirtualMachineSubType", o.model.generation),
    "Notes": lambda o: o.model.notes,
    "State": lambda o: state(o.model.state),
    "ComPort1": lambda _: None,
    "ComPort2": lambda _: None,
    "DVDDrives": lambda _: [],
    "FibreChannelHostBusAdapters": lambda _: [],
    "FloppyDrive": lambda _: None,
    "HardDrives": lambda o: o.drives(),
    "RemoteFxAdapter": lambda _: None,
    "VMIntegrationService": lambda o: [ServiceObject(o.host, Service(o.model, key)) for key in SERVICES],
    "DynamicMemoryEnabled": lambda _: False,
    "MemoryMaximum": lambda o: o.model.memory,
    "MemoryMinimum": lambda o: o.model.memory,
    "MemoryStartup": lambda o: o.model.memory,
    "ProcessorCount": lambda o: o.model.processors,
    "BatteryPassthroughEnabled": lambda _: True,
    "Generation": lambda o: o.model.generation,
    "IsClustered": lambda o: o.model.clustered,
    "ParentSnapshotId": lambda o: guid(o.model.parent_id),
    "ParentSnapshotName": lambda o: parent.name if (parent := o.parent()) else None,
    "Path": lambda o: o.model.folder,
    "SizeOfSystemFiles": lambda o: o.system_files(),
    "GuestControlledCacheTypes": lambda _: False,
    "LowMemoryMappedIoSpace": lambda _: 128 * MB,
    "HighMemoryMappedIoSpace": lambda _: 512 * MB,
    "LockOnDisconnect": lambda _: enum_value(HYPERV + "OnOffState", 1),
    "CreationTime": lambda o: moment(o.model.created),
    "Id": lambda o: guid(o.model.id),
    "Name": lambda o: o.model.name,
    "NetworkAdapters": lambda _: [],
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda o: o.model.id not in o.host.vms,
}

CHECKPOINT_GETTERS: Getters[CheckpointObject] = {
    "SnapshotType": lambda o: enum_value(HYPERV + "SnapshotType", o.checkpoint.type),
    "IsAutomaticCheckpoint": lambda o: o.checkpoint.automatic,
    "VMId": lambda o: guid(o.vm.id),
    "VMName": lambda o: o.vm.name,
    "State": lambda o: state(VMState.SAVED if o.checkpoint.has_memory else VMState.OFF),
    "ComPort1": lambda _: None,
    "ComPort2": lambda _: None,
    "DVDDrives": lambda _: [],
    "FibreChannelHostBusAdapters": lambda _: [],
    "FloppyDrive": lambda _: None,
    "HardDrives": lambda o: o.drives(),
    "RemoteFxAdapter": lambda _: None,
    "VMIntegrationService": lambda o: [ServiceObject(o.host, Service(o.vm, key)) for key in SERVICES],
    "DynamicMemoryEnabled": lambda _: False,
    "MemoryMaximum": lambda o: o.vm.memory,
    "MemoryMinimum": lambda o: o.vm.memory,
    "MemoryStartup": lambda o: o.vm.memory,
    "ProcessorCount": lambda o: o.vm.processors,
    "BatteryPassthroughEnabled": lambda _: True,
    "Generation": lambda o: o.vm.generation,
    "IsClustered": lambda o: o.vm.clustered,
    "Notes": lambda o: o.vm.notes,
    "ParentSnapshotId": lambda o: guid(o.checkpoint.parent_id),
    "ParentSnapshotName": lambda o: parent.name if (parent := o.parent()) else None,
    "Path": lambda o: o.vm.folder,
    "SizeOfSystemFiles": lambda o: CONFIGURATION_FILES + o.checkpoint.memory,
    "Version": lambda _: "10.0",
    "GuestControlledCacheTypes": lambda _: False,
    "LowMemoryMappedIoSpace": lambda _: 128 * MB,
    "HighMemoryMappedIoSpace": lambda _: 512 * MB,
    "LockOnDisconnect": lambda _: enum_value(HYPERV + "OnOffState", 1),
    "CreationTime": lambda o: moment(o.checkpoint.created),
    "Id": lambda o: guid(o.checkpoint.id),
    "Name": lambda o: o.checkpoint.name,
    "NetworkAdapters": lambda _: [],
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda o: o.checkpoint.id not in o.vm.checkpoints,
}

SERVICE_GETTERS: Getters[ServiceObject] = {
    "Enabled": lambda o: o.enabled(),
    "OperationalStatus": lambda o: [found] if (found := o.status()) else [],
    "PrimaryOperationalStatus": lambda o: o.status(),
    "PrimaryStatusDescription": lambda o: o.status_text(),
    "SecondaryOperationalStatus": lambda _: None,
    "SecondaryStatusDescription": lambda _: None,
    "StatusDescription": lambda o: [o.status_text()],
    "Name": lambda o: o.name,
    "Id": lambda o: f"Microsoft:{o.model.vm.id.upper()}\\{SERVICES[o.model.key]}",
    "VMId": lambda o: guid(o.model.vm.id),
    "VMName": lambda o: o.model.vm.name,
    "VMSnapshotId": lambda _: guid("00000000-0000-0000-0000-000000000000"),
    "VMSnapshotName": lambda _: None,
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda _: False,
}

VMObject.getters = VM_GETTERS
CheckpointObject.getters = CHECKPOINT_GETTERS
ServiceObject.getters = SERVICE_GETTERS


def vm_objects(host: SimulatedHost) -> list[VMObject]:
    return [VMObject(host, vm) for vm in host.all()]


def checkpoint_objects(host: SimulatedHost, vm: SimulatedVM) -> list[CheckpointObject]:
    """A VM's checkpoints, oldest first."""
    with host.moment():
        return [CheckpointObject(host, OwnedCheckpoint(vm, one)) for one in vm.ordered()]

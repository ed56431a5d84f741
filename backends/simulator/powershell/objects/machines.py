"""`VirtualMachine`."""

from __future__ import annotations

from typing import ClassVar

from backends.base import OperationalStatus, ReplicationMode, VMState
from backends.simulator.model.enums import HYPERV, EnumValue, ReplicationState, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import JobKind, SimulatedVM, Vss
from backends.simulator.model.storage import CONFIGURATION_FILES
from backends.simulator.model.texts import text
from backends.simulator.powershell.objects.base import Getters, guid, span, state
from backends.simulator.powershell.objects.shared import BASE_GETTERS, BASE_TYPES, VirtualMachineBase

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


class VMObject(VirtualMachineBase[SimulatedVM]):
    """`Microsoft.HyperV.PowerShell.VirtualMachine`."""

    type_names: ClassVar[tuple[str, ...]] = (HYPERV + "VirtualMachine", *BASE_TYPES)
    costly = COSTLY

    @property
    def vm(self) -> SimulatedVM:
        return self.model

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

    def system_files(self) -> int:
        return CONFIGURATION_FILES + (self.model.memory if self.model.state is VMState.SAVED else 0)

    def heartbeat(self) -> EnumValue | None:
        if not self.model.running:
            return None
        name = 4 if self.model.vss is Vss.NO_CONTACT else 6
        return enum_value(HYPERV + "VMHeartbeatStatus", name)

    def replicating(self) -> bool:
        return self.model.replication is not ReplicationState.DISABLED

    def replication_mode(self) -> ReplicationMode:
        return self.model.replication_mode if self.replicating() else ReplicationMode.NONE


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
    "ReplicationMode": lambda o: enum_value(HYPERV + "VMReplicationMode", int(o.replication_mode())),
    "ReplicationState": lambda o: enum_value(HYPERV + "VMReplicationState", o.model.replication),
    "ResourceMeteringEnabled": lambda _: False,
    "CheckpointType": lambda o: enum_value(HYPERV + "CheckpointType", o.model.checkpoint_type),
    "EnhancedSessionTransportType": lambda _: enum_value(HYPERV + "EnhancedSessionTransportType", 0),
    "Groups": lambda _: [],
    "VirtualMachineType": lambda _: enum_value(HYPERV + "VirtualMachineType", 1),
    "VirtualMachineSubType": lambda o: enum_value(HYPERV + "VirtualMachineSubType", o.model.generation),
    "State": lambda o: state(o.model.state),
    "SizeOfSystemFiles": lambda o: o.system_files(),
    "Id": lambda o: guid(o.model.id),
    "Name": lambda o: o.model.name,
    "IsDeleted": lambda o: o.model.id not in o.host.vms,
}

VMObject.getters = {**VM_GETTERS, **BASE_GETTERS}


def vm_objects(host: SimulatedHost) -> list[VMObject]:
    return [VMObject(host, vm) for vm in host.all()]

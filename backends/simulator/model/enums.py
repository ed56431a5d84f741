"""The enum types that Hyper-V's objects carry, by their .NET names.

Members and numbers: metadata of Microsoft's Hyper-V module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from backends.base import CheckpointType, SnapshotType, VMState

HYPERV = "Microsoft.HyperV.PowerShell."
CLUSTERS = "Microsoft.FailoverClusters.PowerShell."
VHD = "Microsoft.Vhd.PowerShell."


@dataclass(frozen=True, slots=True)
class EnumValue:
    """A .NET enum value."""

    type_name: str
    name: str
    number: int


def _members(enum: type[IntEnum]) -> dict[str, int]:
    words = {one: one.name.split("_") for one in enum if one.name != "UNKNOWN"}
    return {"".join(word.capitalize() for word in parts): int(one) for one, parts in words.items()}


class VhdType(IntEnum):
    FIXED = 2
    DYNAMIC = 3
    DIFFERENCING = 4


class ServiceStatus(IntEnum):
    """`VMIntegrationComponentOperationalStatus`."""

    OK = 2
    DEGRADED = 3
    ERROR = 6
    NO_CONTACT = 12
    DORMANT = 15


class ReplicationState(IntEnum):
    DISABLED = 0
    REPLICATING = 4


class NodeState(IntEnum):
    """`ClusterNodeState`."""

    UP = 0
    DOWN = 1
    PAUSED = 2
    JOINING = 3


class DrainStatus(IntEnum):
    """`ClusterNodeDrainStatus`."""

    NOT_INITIATED = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3


class ResourceState(IntEnum):
    """`ClusterResourceState`; the states of a group have other numbers."""

    ONLINE = 2
    OFFLINE = 3
    FAILED = 4
    ONLINE_PENDING = 129
    OFFLINE_PENDING = 130


MEMBERS: Mapping[str, Mapping[str, int]] = {
    HYPERV + "VMState": _members(VMState),
    HYPERV + "CheckpointType": _members(CheckpointType),
    HYPERV + "SnapshotType": _members(SnapshotType),
    HYPERV + "VMOperationalStatus": {
        "Ok": 2,
        "Degraded": 3,
        "PredictiveFailure": 5,
        "InService": 11,
        "Dormant": 15,
        "SupportingEntityInError": 16,
        # Hyper-V's own slip: the status a host reports while it applies is 32769, which has no name.
        "ApplyingSnapshot": 23769,
        "CreatingSnapshot": 32768,
        "DeletingSnapshot": 32770,
        "WaitingToStart": 32771,
        "MergingDisks": 32772,
        "ExportingVirtualMachine": 32773,
        "MigratingVirtualMachine": 32774,
        "BackingUpVirtualMachine": 32776,
        "ModifyingUpVirtualMachine": 32777,
        "StorageMigrationPhaseOne": 32778,
        "StorageMigrationPhaseTwo": 32779,
        "MigratingPlannedVm": 32780,
        "CheckingCompatibility": 32781,
        "ApplicationCriticalState": 32782,
        "CommunicationTimedOut": 32783,
        "CommunicationFailed": 32784,
        "NoIommu": 32785,
        "NoIovSupportInNic": 32786,
        "SwitchNotInIovMode": 32787,
        "IovBlockedByPolicy": 32788,
        "IovNoAvailResources": 32789,
        "IovGuestDriversNeeded": 32790,
        "CriticalIoError": 32795,
    },
    HYPERV + "VMReplicationState": {
        "Disabled": 0,
        "ReadyForInitialReplication": 1,
        "InitialReplicationInProgress": 2,
        "WaitingForInitialReplication": 3,
        "Replicating": 4,
        "PreparedForFailover": 5,
        "FailedOverWaitingCompletion": 6,
        "FailedOver": 7,
        "Suspended": 8,
        "Error": 9,
        "WaitingForStartResynchronize": 10,
        "Resynchronizing": 11,
        "ResynchronizeSuspended": 12,
        "RecoveryInProgress": 13,
        "FailbackInProgress": 14,
        "FailbackComplete": 15,
        "WaitingForUpdateCompletion": 16,
        "UpdateError": 17,
        "WaitingForRepurposeCompletion": 18,
        "PreparedForSyncReplication": 19,
        "PreparedForGroupReverseReplication": 20,
        "FiredrillInProgress": 21,
    },
    HYPERV + "VMReplicationHealthState": {"NotApplicable": 0, "Normal": 1, "Warning": 2, "Critical": 3},
    HYPERV + "VMReplicationMode": {"None": 0, "Primary": 1, "Replica": 2, "TestReplica": 3, "ExtendedReplica": 4},
    HYPERV + "VMReplicationRelationshipType": {"Simple": 0, "Extended": 1},
    HYPERV + "VMIntegrationComponentOperationalStatus": {
        "Ok": 2,
        "Degraded": 3,
        "Error": 6,
        "NonRecoverableError": 7,
        "NoContact": 12,
        "LostCommunication": 13,
        "Dormant": 15,
    },
    HYPERV + "VMHeartbeatStatus": {
        "Unknown": 0,
        "Disabled": 1,
        "NoContact": 2,
        "Error": 3,
        "LostCommunication": 4,
        "OkApplicationsUnknown": 5,
        "OkApplicationsHealthy": 6,
        "OkApplicationsCritical": 7,
        "Paused": 8,
    },
    HYPERV + "OnOffState": {"On": 0, "Off": 1},
    HYPERV + "StartAction": {"Nothing": 2, "StartIfRunning": 3, "Start": 4},
    HYPERV + "StopAction": {"TurnOff": 2, "Save": 3, "ShutDown": 4},
    HYPERV + "CriticalErrorAction": {"None": 0, "Pause": 1},
    HYPERV + "EnhancedSessionTransportType": {"VMBus": 0, "HvSocket": 1},
    HYPERV + "ControllerType": {"IDE": 0, "SCSI": 1, "PMEM": 2},
    HYPERV + "CacheAttributes": {"Default": 0, "WriteCacheEnabled": 1, "WriteCacheAndFUAEnabled": 2},
    HYPERV + "VirtualMachineType": {"RealizedVirtualMachine": 1, "PlannedVirtualMachine": 2},
    HYPERV + "VirtualMachineSubType": {"Generation1": 1, "Generation2": 2},
    HYPERV + "MigrationAuthenticationType": {"CredSSP": 0, "Kerberos": 1},
    HYPERV + "VMMigrationPerformance": {"TCPIP": 0, "Compression": 1, "SMB": 2},
    CLUSTERS + "ClusterNodeState": {"Unknown": -1, **_members(NodeState)},
    CLUSTERS + "ClusterNodeDrainStatus": _members(DrainStatus),
    CLUSTERS + "ClusterResourceState": {"Unknown": -1, **_members(ResourceState)},
    VHD + "VhdType": {"Unknown": 0, "Fixed": 2, "Dynamic": 3, "Differencing": 4},
    VHD + "VhdFormat": {"Unknown": 0, "VHD": 2, "VHDX": 3, "VHDSet": 4},
    "Microsoft.Virtualization.Client.Management.VirtualHardDiskPmemAddressAbstractionType": {"None": 0, "BTT": 1},
    "System.Management.Automation.ActionPreference": {
        "SilentlyContinue": 0,
        "Stop": 1,
        "Continue": 2,
        "Inquire": 3,
        "Ignore": 4,
        "Suspend": 5,
    },
    "System.Management.Automation.CommandTypes": {"Alias": 1, "Function": 2, "Filter": 4, "Cmdlet": 8},
}


@cache
def enum_value(type_name: str, number: int) -> EnumValue:
    """The value of that number; a number without a name stands for itself, as in .NET."""
    name = next((name for name, value in MEMBERS[type_name].items() if value == number), str(number))
    return EnumValue(type_name, name, number)


def parse_enum(type_name: str, value: object) -> EnumValue | None:
    """What PowerShell makes of a name (in any case, or the unique beginning of one) or a defined number."""
    members = MEMBERS[type_name]
    if isinstance(value, EnumValue):
        return value if value.type_name == type_name else None
    text = str(value).strip().casefold()
    if isinstance(value, bool):
        return None
    if isinstance(value, int) or text.lstrip("-").isdecimal():
        number = int(text)
        return enum_value(type_name, number) if number in members.values() else None
    exact = [name for name in members if name.casefold() == text]
    hits = exact or [name for name in members if text and name.casefold().startswith(text)]
    return enum_value(type_name, members[hits[0]]) if len(hits) == 1 else None

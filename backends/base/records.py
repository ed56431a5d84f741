"""What the bot knows of Hyper-V: hosts, VMs, checkpoints, disks and volumes, as records.

Every identifier is a GUID as lower-case text, every time is UTC, every size is in bytes, every span in seconds.
Names are for people: cmdlets treat them as wildcards and hosts allow duplicates, so everything acts by GUID.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

MAX_NAME = 100
"""A checkpoint's name has 1 to 100 characters (Hyper-V's limit)."""

MAX_CHECKPOINTS = 50
"""A VM has at most 50 checkpoints (Hyper-V's limit)."""


class VMState(IntEnum):
    """`VMState` of Hyper-V. Numbers, because the status texts beside them are in the host's language."""

    UNKNOWN = 0
    OTHER = 1
    RUNNING = 2
    OFF = 3
    STOPPING = 4
    SAVED = 6
    PAUSED = 9
    STARTING = 10
    RESET = 11
    SAVING = 32773
    PAUSING = 32776
    RESUMING = 32777
    FAST_SAVED = 32779
    FAST_SAVING = 32780
    FORCE_SHUTDOWN = 32781
    FORCE_REBOOT = 32782
    HIBERNATED = 32783
    COMPONENT_SERVICING = 32784
    RUNNING_CRITICAL = 32785
    OFF_CRITICAL = 32786
    STOPPING_CRITICAL = 32787
    SAVED_CRITICAL = 32788
    PAUSED_CRITICAL = 32789
    STARTING_CRITICAL = 32790
    RESET_CRITICAL = 32791
    SAVING_CRITICAL = 32792
    PAUSING_CRITICAL = 32793
    RESUMING_CRITICAL = 32794
    FAST_SAVED_CRITICAL = 32795
    FAST_SAVING_CRITICAL = 32796

    @classmethod
    def _missing_(cls, value: object) -> VMState:
        return cls.UNKNOWN

    @property
    def label(self) -> str:
        """The word a person reads: `running`, `paused critical`."""
        return self.name.lower().replace("_", " ")


class CheckpointType(IntEnum):
    """A VM's policy: which type of checkpoint it takes next. `PRODUCTION` falls back to standard in silence."""

    UNKNOWN = 0
    DISABLED = 2
    PRODUCTION = 3
    PRODUCTION_ONLY = 4
    STANDARD = 5

    @classmethod
    def _missing_(cls, value: object) -> CheckpointType:
        return cls.UNKNOWN

    @property
    def label(self) -> str:
        return self.name.lower().replace("_", " ")


class SnapshotType(IntEnum):
    """What a checkpoint is for. `STANDARD` covers production ones too: see `Checkpoint.has_memory`."""

    STANDARD = 0
    RECOVERY = 1
    PLANNED = 2
    MISSING = 5
    REPLICA = 6
    APP_CONSISTENT_REPLICA = 7
    SYNCED_REPLICA = 8
    UNKNOWN = -1

    @classmethod
    def _missing_(cls, value: object) -> SnapshotType:
        return cls.UNKNOWN


class ReplicationMode(IntEnum):
    """`VMReplicationMode`: which side of Hyper-V Replica a VM is on."""

    NONE = 0
    PRIMARY = 1
    REPLICA = 2
    TEST_REPLICA = 3
    EXTENDED_REPLICA = 4
    UNKNOWN = -1

    @classmethod
    def _missing_(cls, value: object) -> ReplicationMode:
        return cls.UNKNOWN


class OperationalStatus(IntEnum):
    """What a VM is busy with; the values the bot tells apart. Others stay plain numbers."""

    OK = 2
    IN_SERVICE = 11
    APPLYING = 23769
    CREATING_SNAPSHOT = 32768
    APPLYING_SNAPSHOT = 32769
    DELETING_SNAPSHOT = 32770
    MERGING_DISKS = 32772
    EXPORTING = 32773
    MIGRATING = 32774
    BACKING_UP = 32776


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint of one VM."""

    id: str
    name: str
    vm_id: str
    created: datetime
    parent_id: str | None = None
    snapshot_type: SnapshotType = SnapshotType.STANDARD
    automatic: bool = False
    """Hyper-V took it when the VM started and removes it when the VM stops."""
    has_memory: bool = False
    """Its State is Saved: a standard checkpoint of a running VM. Without memory it is a production one or the VM was
    off; only a record of the VM's state before tells which."""

    @property
    def missing(self) -> bool:
        """Hyper-V knows of it and does not find what it is made of: it is broken, and nothing should be built on it."""
        return self.snapshot_type == SnapshotType.MISSING

    @property
    def managed_by(self) -> str | None:
        """Who manages it when no person does: `Hyper-V`, `a backup`, `Hyper-V Replica`; None for people's own."""
        if self.automatic:
            return "Hyper-V"
        match self.snapshot_type:
            case SnapshotType.RECOVERY:
                return "a backup"
            case SnapshotType.REPLICA | SnapshotType.APP_CONSISTENT_REPLICA | SnapshotType.SYNCED_REPLICA:
                return "Hyper-V Replica"
            case SnapshotType.PLANNED | SnapshotType.MISSING | SnapshotType.UNKNOWN:
                return "Hyper-V"
            case _:
                return None


@dataclass(frozen=True, slots=True)
class VM:
    """One VM as its host shows it."""

    id: str
    name: str
    host: str
    """The configured name of the host or the cluster, not its address."""
    state: VMState
    checkpoint_type: CheckpointType = CheckpointType.UNKNOWN
    automatic_checkpoints: bool = False
    operational_status: tuple[int, ...] = (OperationalStatus.OK,)
    uptime: float = 0.0
    """Seconds; 0 when not running."""
    current_id: str | None = None
    """The checkpoint that the running state descends from (ParentSnapshotId). Costly on a host, so it is asked for one
    VM at a time, and None in the inventory of a whole host."""
    memory_assigned: int | None = None
    """Bytes; None where it was not asked for."""
    replication_mode: ReplicationMode = ReplicationMode.NONE
    """`UNKNOWN` where the host's endpoint is too old to tell."""
    node: str = ""
    """The node of the cluster that it is on now; empty for a VM of a host."""

    @property
    def is_replica(self) -> bool:
        """A copy that Hyper-V Replica keeps of a VM on another host, under the same id. Nobody should act on it who
        does not mean the copy."""
        return self.replication_mode in (ReplicationMode.REPLICA, ReplicationMode.EXTENDED_REPLICA)

    @property
    def merging(self) -> bool:
        return OperationalStatus.MERGING_DISKS in self.operational_status

    @property
    def migrating(self) -> bool:
        """It is on its way to another node."""
        return OperationalStatus.MIGRATING in self.operational_status

    @property
    def backing_up(self) -> bool:
        return OperationalStatus.BACKING_UP in self.operational_status


@dataclass(frozen=True, slots=True)
class Disk:
    """One virtual hard disk file and what names it."""

    path: str
    file_size: int
    """Bytes the file takes on the volume."""
    size: int
    """Bytes the guest sees."""
    parent_path: str | None = None
    """The frozen file below a differencing disk (AVHDX)."""
    checkpoint_ids: tuple[str, ...] = ()
    """The checkpoints that froze it."""
    attached: bool = False
    """The VM writes to it now."""


@dataclass(frozen=True, slots=True)
class UnreadDisk:
    """A virtual hard disk file that the VM uses and the host did not let be read: its size and parent are unknown."""

    path: str
    checkpoint_ids: tuple[str, ...] = ()
    """The checkpoints that froze it."""
    attached: bool = False
    """The VM writes to it now."""

    @property
    def differencing(self) -> bool:
        """By its name, it holds what was written since a checkpoint (AVHDX)."""
        return is_differencing(self.path)


@dataclass(frozen=True, slots=True)
class DiskFault:
    """A file of a VM's chain that the host gave an error for."""

    path: str
    code: int | None = None
    """The HRESULT: missing, another parent, in use elsewhere; None where the host gave none."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A volume of a host."""

    path: str
    """Its mount point: `C:\\`, `C:\\ClusterStorage\\Volume1\\`."""
    size: int
    free: int


class Part(StrEnum):
    """What can be seen of a host, or not."""

    VMS = "VMs"
    CHECKPOINTS = "checkpoints"
    DISKS = "disks"
    VOLUMES = "volumes"
    REPLICATION = "replication"
    EVENTS = "events"
    CLUSTER = "cluster"


@dataclass(frozen=True, slots=True)
class Unseen:
    """Something of a host that could not be seen."""

    part: Part
    cause: str
    """For the log."""
    vm_id: str | None = None
    """The VM it belongs to; None where the host does not say, or where it is about all."""
    path: str | None = None
    """The file, of a disk."""
    refused: bool = False
    """The account may not see it, or the endpoint does not offer it."""


@dataclass(frozen=True, slots=True)
class VMInventory:
    """A VM with its checkpoints, oldest first, and its disks where they were asked for."""

    vm: VM
    checkpoints: tuple[Checkpoint, ...] = ()
    disks: tuple[Disk, ...] | None = None
    """None when not asked for, or when the host does not show them."""
    unread_disks: tuple[UnreadDisk, ...] = ()
    """Those that it uses and that could not be read, where `disks` is not None."""
    checkpoints_known: bool = True
    """False where the host reported an error instead of checkpoints: there may be more than these."""
    faults: tuple[DiskFault, ...] = ()
    """Files of the chain that the host gave an error for, where `disks` is not None."""

    def checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        return next((c for c in self.checkpoints if c.id == checkpoint_id), None)

    def children(self, checkpoint_id: str | None) -> tuple[Checkpoint, ...]:
        """Those right under it, oldest first; None gives the roots (a checkpoint whose parent is gone is a root)."""
        known = {c.id for c in self.checkpoints}
        return tuple(c for c in self.checkpoints if (c.parent_id if c.parent_id in known else None) == checkpoint_id)

    def subtree(self, checkpoint_id: str) -> tuple[Checkpoint, ...]:
        """The checkpoint and all under it, parents first."""

        def walk(one: Checkpoint, seen: frozenset[str]) -> Iterator[Checkpoint]:
            if one.id in seen:
                return
            yield one
            for child in self.children(one.id):
                yield from walk(child, seen | {one.id})

        top = self.checkpoint(checkpoint_id)
        return tuple(walk(top, frozenset())) if top else ()

    def growth_since(self, checkpoint_id: str) -> int | None:
        """Bytes written since: the files whose parent is a disk that this checkpoint froze. None where that is not
        known: without disks, or with one that could not be read and may be such a file."""
        if self.disks is None or self._unread_growth:
            return None
        frozen = {d.path.casefold() for d in self.disks if checkpoint_id in d.checkpoint_ids}
        frozen |= {d.path.casefold() for d in self.unread_disks if checkpoint_id in d.checkpoint_ids}
        return sum(d.file_size for d in self.disks if d.parent_path and d.parent_path.casefold() in frozen)

    @property
    def differencing_bytes(self) -> int | None:
        """Bytes in all AVHDX files of the chain. None without disks, or where one could not be read."""
        if self.disks is None or self._unread_growth:
            return None
        return sum(d.file_size for d in self.disks if d.parent_path)

    @property
    def merge_pending(self) -> bool | None:
        """Whether disks of deleted checkpoints are still to be put together: the status says so, or an AVHDX stands
        on a file that neither the VM nor a checkpoint names. None where the disks that tell were not seen."""
        if self.vm.merging:
            return True
        if self.disks is None or not self.checkpoints_known:
            return None
        named = {d.path.casefold() for d in self.disks if d.attached or d.checkpoint_ids}
        named |= {d.path.casefold() for d in self.unread_disks}
        differencing = [d for d in self.disks if d.parent_path and is_differencing(d.path)]
        if any((d.parent_path or "").casefold() not in named for d in differencing):
            return True
        return None if self._unread_growth else False

    @property
    def _unread_growth(self) -> bool:
        return any(d.differencing for d in self.unread_disks)


@dataclass(frozen=True, slots=True)
class NodeShown:
    """A node of a cluster, as it was when the cluster was looked at."""

    name: str
    state: str
    """A word: up, draining, paused, joining, down; or unknown, where no endpoint shows the cluster."""
    answers: bool
    seen_at: datetime | None = None
    """When it last answered; None where it never did."""
    vms: int = 0
    checkpoints: int = 0
    problem: str = ""
    """Why it does not answer, as a sentence; empty where it does, and of a node that is down."""


@dataclass(frozen=True, slots=True)
class HostInventory:
    """A host at one moment."""

    host: str
    taken_at: datetime
    vms: tuple[VMInventory, ...] = ()
    volumes: tuple[Volume, ...] | None = None
    """None when not asked for, or when the account may not see them."""
    unreadable: tuple[Unseen, ...] = ()
    """What the host reported errors for, beside what it showed: there is more than this inventory has."""
    cannot_show: tuple[Unseen, ...] = ()
    """What this endpoint or account shows nothing of at all."""
    remarks: tuple[str, ...] = ()
    """Sentences about the nodes of a cluster that are not as the others."""
    nodes: tuple[NodeShown, ...] = ()
    """Those of a cluster; empty for a host."""


def is_differencing(path: str) -> bool:
    """The name of a file that Hyper-V made for a checkpoint: `.avhdx`, `.avhd`."""
    return path.casefold().endswith((".avhdx", ".avhd"))

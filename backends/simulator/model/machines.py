"""What a simulated host keeps of its VMs: plain data, so that a fleet can be saved and is lean in thousands."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from backends.base import CheckpointType, OperationalStatus, ReplicationMode, SnapshotType, VMState
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.storage import GB


class Vss(StrEnum):
    """How the guest answers when a production checkpoint is asked for."""

    OK = "ok"
    FAILING = "failing"
    """The integration service reports OK, and its writers fail."""
    NO_CONTACT = "no contact"
    DISABLED = "disabled"


class JobKind(StrEnum):
    """What a VM can be busy with."""

    CREATE = "create"
    APPLY = "apply"
    REMOVE = "remove"
    EXPORT = "export"
    START = "start"
    STOP = "stop"
    SAVE = "save"


@dataclass(frozen=True, slots=True)
class Drive:
    """One disk of a VM: a file, or with `disk_number` a physical disk that is passed through."""

    path: str | None
    controller_type: int = 1
    controller_number: int = 0
    location: int = 0
    disk_number: int | None = None


@dataclass(slots=True)
class SimulatedCheckpoint:
    """A checkpoint; `drives` are the frozen disks, times are seconds since 1970."""

    id: str
    name: str
    created: float
    parent_id: str | None = None
    type: SnapshotType = SnapshotType.STANDARD
    automatic: bool = False
    has_memory: bool = False
    memory: int = 0
    """Bytes of saved memory on disk."""
    drives: tuple[Drive, ...] = ()


@dataclass(slots=True)
class Job:
    """Something that a VM does for a while. It is over at `ends`, whoever still waits for it."""

    kind: JobKind
    started: float
    ends: float
    checkpoint_id: str = ""
    name: str = ""
    path: str = ""
    subtree: bool = False
    has_memory: bool = False
    state_before: VMState = VMState.OFF
    fails: int = 0
    """The HRESULT with which it fails half-way."""


@dataclass(slots=True)
class Merge:
    """The background merge of `child` into `parent`, both paths of files."""

    child: str
    parent: str
    started: float
    ends: float


@dataclass(slots=True)
class SimulatedVM:
    """A VM. Sizes in bytes, times in seconds since 1970."""

    id: str
    name: str
    created: float
    folder: str
    """Where its configuration, saved memory and new AVHDX files live."""
    state: VMState = VMState.OFF
    checkpoint_type: CheckpointType = CheckpointType.PRODUCTION
    automatic_checkpoints: bool = False
    memory: int = 4 * GB
    processors: int = 2
    generation: int = 2
    started: float | None = None
    drives: list[Drive] = field(default_factory=list)
    """What its configuration names."""
    forked: list[Drive] = field(default_factory=list)
    """What it writes to instead, after a checkpoint that failed half-way."""
    lost: str = ""
    """What made it lose what it had written; empty while nothing did."""
    checkpoints: dict[str, SimulatedCheckpoint] = field(default_factory=dict)
    """By id, oldest first."""
    parent_id: str | None = None
    """The checkpoint that the present state descends from."""
    vss: Vss = Vss.OK
    write_rate: float = 0.0
    """Bytes a second that the running guest adds to its AVHDX files."""
    replication: ReplicationState = ReplicationState.DISABLED
    replication_mode: ReplicationMode = ReplicationMode.REPLICA
    """Which side of Hyper-V Replica it is, while it replicates."""
    clustered: bool = False
    assigned_device: bool = False
    """A physical device is passed through (DDA)."""
    busy_with: OperationalStatus | None = None
    """Something outside Hyper-V's cmdlets holds the VM: a backup, a migration."""
    notes: str = ""
    job: Job | None = None
    merge: Merge | None = None

    @property
    def written(self) -> list[Drive]:
        """What it writes to."""
        return self.forked or self.drives

    @property
    def running(self) -> bool:
        return self.state is VMState.RUNNING

    def ordered(self) -> list[SimulatedCheckpoint]:
        """Its checkpoints by time of creation."""
        return sorted(self.checkpoints.values(), key=lambda one: one.created)

    def children(self, checkpoint_id: str) -> list[SimulatedCheckpoint]:
        return [one for one in self.checkpoints.values() if one.parent_id == checkpoint_id]

    def subtree(self, checkpoint_id: str) -> list[SimulatedCheckpoint]:
        """The checkpoint and all under it, parents first."""
        found = [self.checkpoints[checkpoint_id]]
        for one in found:
            found.extend(self.children(one.id))
        return found

"""What a checkpoint is there for, told in one place: by what the host says of it, and by what the ledger knows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from backends.base import Checkpoint, SnapshotType
from commands.base import CheckpointNote

UNKNOWN = CheckpointNote()
"""What is known of a checkpoint that was not taken through the bot."""


class Kind(StrEnum):
    """Why a checkpoint is there. A person's own to deal with are those that a person, a schedule or the bot took."""

    MANUAL = "manual"
    SCHEDULED = "scheduled"
    SAFETY = "safety"
    AUTOMATIC = "automatic"
    BACKUP = "backup"
    REPLICA = "replica"
    MISSING = "missing"
    OTHER = "other"


MEANING: Mapping[Kind, str] = {
    Kind.MANUAL: "manual: a person took it",
    Kind.SCHEDULED: "scheduled: a schedule took it",
    Kind.SAFETY: "safety: the bot took it before an apply",
    Kind.AUTOMATIC: "automatic: Hyper-V took it at start and drops it at stop",
    Kind.BACKUP: "backup: a recovery point that belongs to a backup",
    Kind.REPLICA: "replica: it belongs to Hyper-V Replica",
    Kind.MISSING: "missing: Hyper-V knows of it and does not find what it is made of",
    Kind.OTHER: "other: Hyper-V made it for itself",
}

LINGERS = timedelta(hours=24)
"""A recovery point that is older than this does not go by itself."""

_OF_TYPE = {
    SnapshotType.MISSING: Kind.MISSING,
    SnapshotType.RECOVERY: Kind.BACKUP,
    SnapshotType.REPLICA: Kind.REPLICA,
    SnapshotType.APP_CONSISTENT_REPLICA: Kind.REPLICA,
    SnapshotType.SYNCED_REPLICA: Kind.REPLICA,
}

_TYPE_MEANING = {
    "production": "production: the guest settled its disks first",
    "standard": "standard: disks and memory",
    "type unknown": "unknown: without memory, so a production one, or one of a VM that was off",
}


def kind_of(checkpoint: Checkpoint, note: CheckpointNote = UNKNOWN) -> Kind:
    """What it is there for. What the host says of it goes before what the ledger knows."""
    if checkpoint.snapshot_type is not SnapshotType.STANDARD:
        return _OF_TYPE.get(checkpoint.snapshot_type, Kind.OTHER)
    if checkpoint.automatic:
        return Kind.AUTOMATIC
    if note.safety:
        return Kind.SAFETY
    return Kind.SCHEDULED if note.schedule else Kind.MANUAL


def lingers(checkpoint: Checkpoint, now: datetime) -> bool:
    """A backup's recovery point that should have gone long ago: that backup is dead, or hangs."""
    return checkpoint.snapshot_type is SnapshotType.RECOVERY and now - checkpoint.created > LINGERS


def type_of(checkpoint: Checkpoint, note: CheckpointNote = UNKNOWN) -> str:
    """`production`, `standard`; `type unknown` where a production one cannot be told from one of a VM that was off
    (Hyper-V keeps no such type)."""
    if checkpoint.has_memory:
        return "standard"
    return note.kind if note.kind != "unknown" else "type unknown"


def say_kind(checkpoint: Checkpoint, note: CheckpointNote = UNKNOWN) -> str:
    """In a few words: `production` of one that a person took, `safety, production`, `backup`."""
    kind = kind_of(checkpoint, note)
    if kind is Kind.MANUAL:
        return type_of(checkpoint, note)
    return f"{kind}, {type_of(checkpoint, note)}" if kind in (Kind.SAFETY, Kind.SCHEDULED) else str(kind)


def meaning_of_type(checkpoint: Checkpoint, note: CheckpointNote = UNKNOWN) -> str:
    """In a sentence; nothing of one that is Hyper-V's, a backup's or a replica's own."""
    if kind_of(checkpoint, note) not in (Kind.MANUAL, Kind.SAFETY, Kind.SCHEDULED):
        return ""
    return _TYPE_MEANING[type_of(checkpoint, note)]

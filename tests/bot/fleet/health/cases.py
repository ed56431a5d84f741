"""Signs for the tests of the verdict, built up from a VM that is well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from backends.base import (
    VM,
    Checkpoint,
    Disk,
    DiskFault,
    EventLog,
    FolderFile,
    HostEvent,
    LogReading,
    LogTrouble,
    OperationalStatus,
    ReplicationMode,
    SnapshotType,
    UnreadDisk,
    VMInventory,
    VMState,
)
from bot.fleet.health.signs import Signs, Watched

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
WEB01, WEB02 = "11111111-aaaa-4aaa-8aaa-111111111111", "22222222-bbbb-4bbb-8bbb-222222222222"
BASE, LEAF, LEAF_2 = "D:\\vms\\web01.vhdx", "D:\\vms\\web01_A1.avhdx", "D:\\vms\\web01_A2.avhdx"
VMMS, WORKER = EventLog.VMMS, EventLog.WORKER


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def event(log: EventLog, id: int, at: datetime, *values: str, vm: str = WEB01, name: str = "web01") -> HostEvent:
    """As Hyper-V writes it: the VM's name, its GUID in capitals, then the rest."""
    return HostEvent(log, id, at, (name, vm.upper(), *values), number=int(at.timestamp()))


def readings(since: datetime | None = None) -> tuple[LogReading, ...]:
    return tuple(LogReading("hv01", log, seen_from=since or ago(days=400)) for log in EventLog)


def flat(**vm: object) -> VMInventory:
    """A running VM that writes to its base disk."""
    shown = replace(VM(WEB01, "web01", "hv01", VMState.RUNNING, uptime=30 * 86400.0), **vm)
    return VMInventory(shown, disks=(Disk(BASE, 10, 100, attached=True),))


def checkpoint(name: str = "before-upgrade", *, days: float = 3, **more: object) -> Checkpoint:
    return Checkpoint(f"c-{name}", name, WEB01, ago(days=days), **more)


def layered(*, days: float = 3, **vm: object) -> VMInventory:
    """With one checkpoint that is as it should be."""
    one = checkpoint(days=days)
    disks = (Disk(BASE, 10, 100, checkpoint_ids=(one.id,)), Disk(LEAF, 5, 100, BASE, attached=True))
    return replace(flat(**vm), checkpoints=(one,), disks=disks)


def lonely_layer(**vm: object) -> VMInventory:
    """With a layer that no checkpoint explains."""
    return replace(flat(**vm), disks=(Disk(BASE, 10, 100), Disk(LEAF, 5, 100, BASE, attached=True)))


def with_type(kind: SnapshotType, *, days: float = 3, **vm: object) -> VMInventory:
    seen = layered(**vm)
    return replace(seen, checkpoints=(replace(seen.checkpoints[0], snapshot_type=kind, created=ago(days=days)),))


def chain_of(length: int) -> VMInventory:
    """A straight chain of that many layers, each with its checkpoint."""
    paths = [BASE, *(f"D:\\vms\\web01_{n}.avhdx" for n in range(length))]
    made = [checkpoint(f"n{n}", days=3) for n in range(length)]
    disks = [
        Disk(
            path,
            1,
            100,
            paths[n - 1] if n else None,
            checkpoint_ids=(made[n].id,) if n < length else (),
            attached=n == length,
        )
        for n, path in enumerate(paths)
    ]
    return replace(flat(), checkpoints=tuple(made), disks=tuple(disks))


def circle() -> VMInventory:
    seen = layered()
    disks = (Disk(LEAF_2, 1, 100, LEAF), Disk(LEAF, 5, 100, LEAF_2, attached=True))
    return replace(seen, disks=disks)


def fault(code: int | None, path: str = BASE) -> VMInventory:
    """A chain of which one file gives an error."""
    seen = layered()
    return replace(seen, disks=(Disk(LEAF, 5, 100, BASE, attached=True),), faults=(DiskFault(path, code),))


def orphan(path: str = "D:\\vms\\web01_LOST.avhdx", size: int = 5) -> FolderFile:
    return FolderFile(path, size, ago(days=2))


def signs(seen: VMInventory | None = None, *events: HostEvent, **more: object) -> Signs:
    return Signs(seen or flat(), NOW, tuple(events), **{"readings": readings(), **more})


__all__ = [
    "BASE", "LEAF", "LEAF_2", "NOW", "VMMS", "WEB01", "WEB02", "WORKER", "Disk", "LogReading", "LogTrouble",
    "OperationalStatus", "ReplicationMode", "SnapshotType", "UnreadDisk", "VMState", "Watched", "ago", "chain_of",
    "checkpoint", "circle", "event", "fault", "flat", "layered", "lonely_layer", "orphan", "readings", "replace",
    "signs", "with_type",
]  # fmt: skip

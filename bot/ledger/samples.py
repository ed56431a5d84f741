"""How the disks of VMs and the volumes of hosts grow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backends.base import HostInventory
from bot.ledger.store import Part
from bot.ledger.writing import iso, moment_of

KEPT = timedelta(days=90)
"""Samples older than this are dropped."""

_DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Growth:
    """How the differencing disks of a VM grew between two samples."""

    vm_id: str
    since: datetime
    until: datetime
    bytes_now: int
    bytes_grown: int
    """All that was written; a merge in between takes nothing off."""

    @property
    def bytes_per_day(self) -> float | None:
        """None with a single sample."""
        span = (self.until - self.since).total_seconds()
        return self.bytes_grown / span * _DAY if span else None


@dataclass(frozen=True, slots=True)
class VolumeTrend:
    """How the free space of a volume went between two samples."""

    host: str
    path: str
    since: datetime
    until: datetime
    size: int
    free: int
    free_before: int

    @property
    def bytes_per_day(self) -> float | None:
        """What was taken of the free space; negative when space came back, None with a single sample."""
        span = (self.until - self.since).total_seconds()
        return (self.free_before - self.free) / span * _DAY if span else None


class Samples(Part):
    """Sizes over time."""

    def add(self, inventory: HostInventory) -> None:
        """Keep the sizes in an inventory that was taken with disks; one without adds nothing."""
        at = iso(inventory.taken_at)
        disks = [
            (one.vm.id, at, inventory.host, one.differencing_bytes)
            for one in inventory.vms
            if one.differencing_bytes is not None
        ]
        volumes = [(inventory.host, v.path, at, v.size, v.free) for v in inventory.volumes or ()]
        if not disks and not volumes:
            return
        oldest = iso(inventory.taken_at - KEPT)
        with self._store.write() as db:
            db.conn.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?)", disks)
            db.conn.executemany("INSERT OR REPLACE INTO volume_samples VALUES (?, ?, ?, ?, ?)", volumes)
            db.execute("DELETE FROM samples WHERE at < ?", [oldest])
            db.execute("DELETE FROM volume_samples WHERE at < ?", [oldest])

    def growth(self, since: datetime, vm_ids: Iterable[str] | None = None) -> Mapping[str, Growth]:
        """How each VM grew since, by its id; VMs without a sample are left out."""
        chosen = None if vm_ids is None else json.dumps(list(vm_ids))
        with self._store.read() as db:
            rows = db.execute(
                """SELECT vm_id, first_at, max(at), differencing_bytes, sum(max(differencing_bytes - before, 0))
                FROM (
                    SELECT vm_id, at, differencing_bytes, min(at) OVER one AS first_at,
                        lag(differencing_bytes, 1, differencing_bytes) OVER (one ORDER BY at) AS before
                    FROM samples
                    WHERE at >= :since AND (:chosen IS NULL OR vm_id IN (SELECT value FROM json_each(:chosen)))
                    WINDOW one AS (PARTITION BY vm_id)
                ) GROUP BY vm_id""",  # beside max(at), SQLite takes the plain columns from the row of that maximum
                {"since": iso(since), "chosen": chosen},
            ).fetchall()
        return {row[0]: Growth(row[0], moment_of(row[1]), moment_of(row[2]), *row[3:]) for row in rows}

    def volumes(self, since: datetime) -> tuple[VolumeTrend, ...]:
        """How each volume went since, by host and path."""
        with self._store.read() as db:
            rows = db.execute(
                """SELECT host, path, first_at, max(at), size, free, first_free
                FROM (
                    SELECT host, path, at, size, free, min(at) OVER one AS first_at,
                        first_value(free) OVER (one ORDER BY at) AS first_free
                    FROM volume_samples WHERE at >= ?
                    WINDOW one AS (PARTITION BY host, path)
                ) GROUP BY host, path ORDER BY host, path""",
                [iso(since)],
            ).fetchall()
        return tuple(VolumeTrend(row[0], row[1], moment_of(row[2]), moment_of(row[3]), *row[4:]) for row in rows)

"""How the disks of VMs and the volumes of hosts grow: sizes over time, the fewer the older."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from sqlite_utils import Database

from backends.base import HostInventory
from bot.ledger.store import Part
from bot.ledger.writing import clean

KEPT = (timedelta(days=2), timedelta(days=14), timedelta(days=365))
"""How long a sample is kept that is no first of anything, the first of four hours, and the first of a day."""

LEAP = timedelta(days=3)
"""Nothing is dropped by a time that is further from all samples of the days before: that clock may run ahead."""

MOST_DROPPED = 1_000
"""Old samples of each of these ranks that one addition drops at the most, so that none takes long."""

Sample = tuple[int, int]
"""When, in seconds since 1970, and how many bytes."""


class Samples(Part):
    """Sizes over time. Of a VM it is what its differencing disks take together, of a volume what is free on it."""

    def add(self, inventory: HostInventory) -> None:
        """Keep the sizes in an inventory that was taken with disks; one without adds nothing. The disks of a replica
        are not those of its VM, which has the same id. What is said to come from the future is of now."""
        disks = [
            ("", one.vm.id, None, one.differencing_bytes)
            for one in inventory.vms
            if one.differencing_bytes is not None and not one.vm.is_replica
        ]
        volumes = [(inventory.host, clean(v.path), v.size, v.free) for v in inventory.volumes or ()]
        rows = [*disks, *volumes]
        if not rows:
            return
        taken_at = min(inventory.taken_at, self._clock())
        at = _seconds(taken_at)
        with self._store.write() as db:
            db.conn.executemany(
                """INSERT INTO sampled (host, name, size) VALUES (?, ?, ?) ON CONFLICT (host, name)
                DO UPDATE SET size = excluded.size WHERE size IS NOT excluded.size""",
                [row[:3] for row in rows],
            )
            db.conn.executemany(_ADD, [{"host": r[0], "name": r[1], "at": at, "bytes": r[3]} for r in rows])
            _thin(db, taken_at)

    def of_vms(self, since: datetime, vm_ids: Iterable[str] | None = None) -> Mapping[str, Sequence[Sample]]:
        """What the differencing disks of each of these VMs, or of all, took since, oldest first; VMs without a sample
        are left out."""
        return {name: rows for (_, name), rows in self._of("host = ''", "name", vm_ids, since).items()}

    def of_volumes(
        self, since: datetime, hosts: Iterable[str] | None = None
    ) -> Mapping[tuple[str, str], Sequence[Sample]]:
        """What was free on each volume of these hosts, or of all, since, by host and path."""
        return self._of("host <> ''", "host", hosts, since)

    def _of(
        self, kind: str, column: str, chosen: Iterable[str] | None, since: datetime
    ) -> Mapping[tuple[str, str], Sequence[Sample]]:
        """Those whose `column` is one of the chosen, or all, without what a clock that ran ahead has left. A VM has no
        host here, since it may move."""
        with self._store.read() as db:
            rows = db.conn.execute(
                f"""SELECT host, name, at, bytes FROM sampled CROSS JOIN samples
                ON what = number AND at BETWEEN :since AND :now
                WHERE {kind} AND (:chosen IS NULL OR {column} IN (SELECT value FROM json_each(:chosen)))
                ORDER BY number, at""",  # noqa: S608 - constants of this class
                {
                    "chosen": None if chosen is None else json.dumps(list(chosen)),
                    "since": _seconds(since),
                    "now": _seconds(self._clock()),
                },
            ).fetchall()
        return {key: [row[2:] for row in some] for key, some in groupby(rows, lambda row: row[:2])}


_ADD = """INSERT OR REPLACE INTO samples (what, at, rank, bytes)
    SELECT number, :at, CASE WHEN before IS NULL OR before / 86400 < :at / 86400 THEN 2
        WHEN before / 14400 < :at / 14400 THEN 1 ELSE 0 END, :bytes
    FROM (SELECT number, (SELECT max(at) FROM samples WHERE what = number AND at < :at) AS before
        FROM sampled WHERE host = :host AND name = :name)"""
"""Its rank says how long it is kept: 2 for the first of a day, 1 for the first of four hours."""


def _thin(db: Database, now: datetime) -> None:
    """Drop what is older than its rank is kept for; after a long pause that begins a day later, and takes several
    additions."""
    newest = "SELECT max(at) FROM samples WHERE rank = ? AND at <= ?"
    (before,) = db.execute(newest, [len(KEPT) - 1, _seconds(now - timedelta(days=1))]).fetchone()
    if before is not None:
        now = min(now, datetime.fromtimestamp(before, now.tzinfo) + LEAP)
    for rank, kept in enumerate(KEPT):
        db.execute(
            """DELETE FROM samples WHERE (what, at) IN
            (SELECT what, at FROM samples WHERE rank = ? AND at < ? ORDER BY at LIMIT ?)""",
            [rank, _seconds(now - kept), MOST_DROPPED],
        )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())

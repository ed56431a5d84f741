"""Deletes that the clock has to do, each until its disks are merged: what waits outlives a restart."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.ledger.rows import Row
from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of


class Stage(StrEnum):
    """Where such a delete stands."""

    WAITING = "waiting"
    DELETING = "deleting"
    MERGING = "merging"
    DONE = "done"
    """Deleted, and its disks are merged."""
    STAYS = "stays"
    """It was not deleted: `Wanted.why` says why."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A checkpoint that is to be deleted by the clock, for its owner."""

    id: str
    """The id of the change that deletes it."""
    clock: str
    """What asks for it, as `Plan.clock`: `schedule nightly`, `expiry`."""
    reference: str
    """Whatever who asks for it knows it by."""
    owner: str
    owner_name: str
    channel: str
    host: str
    vm_id: str
    vm_name: str
    checkpoint_id: str
    checkpoint_name: str
    taken_at: datetime
    """The oldest goes first."""
    stage: Stage = Stage.WAITING
    why: str = ""


class Housekeeping(Part):
    """Which deletes wait, and how far each has come."""

    def queue(self, *wanted: Wanted) -> None:
        """Each once for its id, and once for its checkpoint while that waits."""
        with self._store.write() as db:
            for one in wanted:
                if db.execute(
                    "SELECT 1 FROM housekeeping WHERE checkpoint_id = ? AND stage IN ('waiting', 'deleting')",
                    [one.checkpoint_id],
                ).fetchone():
                    continue
                db.execute(
                    f"INSERT OR IGNORE INTO housekeeping ({_COLUMNS}, queued_at) "  # noqa: S608
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    [
                        one.id,
                        clean(one.clock),
                        one.reference,
                        one.owner,
                        clean(one.owner_name),
                        one.channel,
                        one.host,
                        one.vm_id,
                        clean(one.vm_name),
                        one.checkpoint_id,
                        clean(one.checkpoint_name),
                        iso(one.taken_at),
                        one.stage,
                        clean(one.why),
                        iso(self._clock()),
                    ],
                )

    def move(self, id: str, to: Stage, *, of: Collection[Stage], why: str = "") -> bool:
        """Whether it was in one of those stages, and is in that one now."""
        with self._store.write() as db:
            moved = db.execute(
                f"UPDATE housekeeping SET stage = ?, why = ? WHERE id = ? AND stage IN ({_marks(of)})",  # noqa: S608
                [to, clean(why), id, *of],
            )
            return bool(moved.rowcount)

    def get(self, id: str) -> Wanted | None:
        with self._store.read() as db:
            row = db.execute(f"{_ROW} WHERE id = ?", [id]).fetchone()
        return _wanted(row) if row else None

    def waiting(self, host: str) -> tuple[Wanted, ...]:
        """Of one host, the oldest checkpoint first."""
        return self._in(host, (Stage.WAITING,))

    def under_way(self, host: str) -> tuple[Wanted, ...]:
        """Those that a host is at: deletes, and merges that are not over."""
        return self._in(host, (Stage.DELETING, Stage.MERGING))

    def hosts(self) -> tuple[str, ...]:
        """The hosts on which something waits or is under way."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT DISTINCT host FROM housekeeping WHERE stage IN ('waiting', 'deleting', 'merging') ORDER BY host"
            ).fetchall()
        return tuple(host for (host,) in rows)

    def of(self, reference: str) -> tuple[Wanted, ...]:
        """All that were asked for under that reference, in their order."""
        with self._store.read() as db:
            rows = db.execute(f"{_ROW} WHERE reference = ? ORDER BY vm_name, taken_at", [reference]).fetchall()
        return tuple(map(_wanted, rows))

    def _in(self, host: str, stages: Iterable[Stage]) -> tuple[Wanted, ...]:
        stages = tuple(stages)
        with self._store.read() as db:
            rows = db.execute(
                f"{_ROW} WHERE host = ? AND stage IN ({_marks(stages)}) ORDER BY taken_at, id", [host, *stages]
            ).fetchall()
        return tuple(map(_wanted, rows))


_COLUMNS = (
    "id, clock, reference, owner, owner_name, channel, host, vm_id, vm_name, checkpoint_id, checkpoint_name, "
    "taken_at, stage, why"
)
_ROW = f"SELECT {_COLUMNS} FROM housekeeping"  # noqa: S608


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))


def _wanted(row: Row) -> Wanted:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return Wanted(**{**values, "taken_at": moment_of(values["taken_at"]), "stage": Stage(values["stage"])})

"""How sound the checkpoints of each VM are, as last judged: since when, and what later looks must not forget."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import TypeAdapter, ValidationError

from bot.ledger.rows import Row
from bot.ledger.store import Part, Store
from bot.ledger.writing import clean, iso, moment_of, to_json
from commands.base.health import Acknowledgement, Reason, Verdict, VMHealth

VERSION = 1
"""Of the reasons' form in the table."""

_REASONS = TypeAdapter(tuple[Reason, ...])
_UNREADABLE = Reason("not judged", Verdict.CANNOT_TELL, "It was judged by another version of the bot.")


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the looks before have made sure of, which logs may have lost since."""

    forked: datetime | None = None
    """When a fork that was not committed was last seen."""
    watched_since: datetime | None = None
    watched_until: datetime | None = None
    """From when and until when the logs were read without a gap."""
    acknowledged: datetime | None = None
    creating_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A verdict that people are to be told of: a VM is on Hold, or no longer is."""

    health: VMHealth
    held: bool


class Verdicts(Part):
    """One verdict a VM."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__(store, clock)
        self._edition = 0
        self._bare: tuple[int, Mapping[str, Verdict]] | None = None

    def keep(self, judged: Iterable[tuple[VMHealth, Remembered]]) -> None:
        """Note verdicts. Since when a VM has one stays where it is the same as before."""
        now = iso(self._clock())
        rows = [
            (
                health.vm_id,
                clean(health.vm_name),
                health.host,
                str(health.verdict),
                _written(health.reasons),
                now,
                now,
                *(iso(at) if at else None for at in (kept.forked, kept.watched_since, kept.watched_until)),
                iso(kept.creating_since) if kept.creating_since else None,
            )
            for health, kept in judged
        ]
        with self._store.write() as db:
            db.conn.executemany(
                """INSERT INTO verdicts (vm_id, vm_name, host, verdict, reasons, judged_at, since, forked_at,
                    watched_since, watched_until, creating_since) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (vm_id) DO UPDATE SET vm_name = excluded.vm_name, host = excluded.host,
                    since = CASE WHEN verdict = excluded.verdict THEN since ELSE excluded.since END,
                    verdict = excluded.verdict, reasons = excluded.reasons, judged_at = excluded.judged_at,
                    forked_at = excluded.forked_at, watched_since = excluded.watched_since,
                    watched_until = excluded.watched_until, creating_since = excluded.creating_since""",
                rows,
            )
        self._edition += 1

    def of(self, vm_ids: Iterable[str] | None = None) -> Mapping[str, VMHealth]:
        """The verdicts on these VMs, or on all; those never judged are left out."""
        wanted = None if vm_ids is None else json.dumps(list(vm_ids))
        with self._store.read() as db:
            rows = db.execute(
                f"{_ROW} WHERE ?1 IS NULL OR vm_id IN (SELECT value FROM json_each(?1))",  # noqa: S608
                [wanted],
            ).fetchall()
        return {row[0]: _health(row) for row in rows}

    def bare(self) -> Mapping[str, Verdict]:
        """All of them, without what they rest on. They are read once after a round of looks, for everybody."""
        edition, kept = self._edition, self._bare
        if kept is None or kept[0] != edition:
            with self._store.read() as db:
                rows = db.execute("SELECT vm_id, verdict FROM verdicts").fetchall()
            kept = self._bare = edition, {vm_id: Verdict(verdict) for vm_id, verdict in rows}
        return kept[1]

    def remembered(self, vm_ids: Iterable[str] | None = None) -> Mapping[str, Remembered]:
        wanted = None if vm_ids is None else json.dumps(list(vm_ids))
        with self._store.read() as db:
            rows = db.execute(
                """SELECT vm_id, forked_at, watched_since, watched_until, acknowledged_at, creating_since FROM verdicts
                WHERE ?1 IS NULL OR vm_id IN (SELECT value FROM json_each(?1))""",
                [wanted],
            ).fetchall()
        return {vm_id: Remembered(*(moment_of(at) if at else None for at in moments)) for vm_id, *moments in rows}

    def acknowledge(self, vm_id: str, person_id: str, person_name: str, reason: str) -> None:
        """Somebody has looked: what had happened until now is settled. Nothing for a VM that was never judged."""
        with self._store.write() as db:
            db.execute(
                """UPDATE verdicts SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_name = ?,
                    acknowledged_why = ? WHERE vm_id = ?""",
                [iso(self._clock()), person_id, clean(person_name), clean(reason), vm_id],
            )

    def untold(self) -> tuple[Turn, ...]:
        """Those that came on Hold or went off it, and of which people were not told."""
        with self._store.read() as db:
            rows = db.execute(f"{_ROW} WHERE (verdict = 'Hold') <> told ORDER BY since, vm_id").fetchall()
        return tuple(Turn(_health(row), row[3] == Verdict.HOLD) for row in rows)

    def claim(self, turn: Turn) -> bool:
        """Take it on to tell it, once. False when somebody else has."""
        with self._store.write() as db:
            done = db.execute(
                "UPDATE verdicts SET told = ? WHERE vm_id = ? AND told = ?",
                [turn.held, turn.health.vm_id, not turn.held],
            )
            return done.rowcount == 1

    def release(self, turn: Turn) -> None:
        """Give it back: it is certain that nobody was told."""
        with self._store.write() as db:
            db.execute("UPDATE verdicts SET told = ? WHERE vm_id = ?", [not turn.held, turn.health.vm_id])


_ROW = """SELECT vm_id, vm_name, host, verdict, reasons, judged_at, since, acknowledged_at, acknowledged_by,
    acknowledged_name, acknowledged_why FROM verdicts"""


def _written(reasons: tuple[Reason, ...]) -> str:
    return clean(to_json({"version": VERSION, "reasons": _REASONS.dump_python(reasons, mode="json")}))


@lru_cache(maxsize=32_768)
def _health(row: Row) -> VMHealth:
    """Thousands are read for every Home tab, and few change between two looks."""
    vm_id, vm_name, host, verdict, reasons, judged, since, at, by, by_name, why = row
    acknowledged = Acknowledgement(by, by_name, why, moment_of(at)) if at else None
    return VMHealth(
        vm_id, vm_name, host, Verdict(verdict), _read(reasons), moment_of(judged), moment_of(since), acknowledged
    )


def _read(text: str) -> tuple[Reason, ...]:
    try:
        return _REASONS.validate_python(json.loads(text)["reasons"])
    except (ValidationError, ValueError, LookupError, TypeError):
        return (_UNREADABLE,)

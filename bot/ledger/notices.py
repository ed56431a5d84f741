"""What people are told by the clock: each notice at most once, whatever crashes in between."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.ledger.rows import Row
from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell one person."""

    occurrence: str
    """What makes it this notice and no other."""
    person: str
    channel: str
    """Where they may be told when they cannot be told alone."""
    text: str
    detail: str = ""
    checkpoint_id: str = ""
    """The checkpoint whose time is nearly over; empty of a notice that nothing can be done about."""
    until: datetime | None = None
    """When that is."""
    goes_at: datetime | None = None
    """When it may be deleted, as they were told; None before that."""


class Notices(Part):
    """Queue, claim, tell."""

    def queue(self, one: Notice) -> None:
        """Each once for its occurrence."""
        with self._store.write() as db:
            db.execute(
                """INSERT OR IGNORE INTO notices
                (occurrence, person, channel, text, detail, checkpoint_id, until, queued_at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)""",
                [
                    one.occurrence,
                    one.person,
                    one.channel,
                    clean(one.text),
                    clean(one.detail),
                    one.checkpoint_id,
                    iso(one.until) if one.until else None,
                    iso(self._clock()),
                ],
            )

    def waiting(self) -> tuple[Notice, ...]:
        """Those that nobody has claimed, by person."""
        with self._store.read() as db:
            rows = db.execute(f"{_ROW} WHERE claimed_at IS NULL ORDER BY person, queued_at, occurrence").fetchall()
        return tuple(map(_notice, rows))

    def get(self, occurrence: str) -> Notice | None:
        with self._store.read() as db:
            row = db.execute(f"{_ROW} WHERE occurrence = ?", [occurrence]).fetchone()
        return _notice(row) if row else None

    def claim(self, occurrences: Iterable[str]) -> frozenset[str]:
        """Take them on, before telling them. Of two who try, each gets those that the other has not."""
        at = iso(self._clock())
        with self._store.write() as db:
            return frozenset(
                one
                for one in occurrences
                if db.execute(
                    "UPDATE notices SET claimed_at = ? WHERE occurrence = ? AND claimed_at IS NULL", [at, one]
                ).rowcount
            )

    def told(self, goes_at: Mapping[str, datetime | None]) -> None:
        """Confirm that they were told, each with when its checkpoint may be deleted."""
        at = iso(self._clock())
        with self._store.write() as db:
            for occurrence, moment in goes_at.items():
                db.execute(
                    "UPDATE notices SET told_at = ?, goes_at = ? WHERE occurrence = ?",
                    [at, iso(moment) if moment else None, occurrence],
                )

    def release(self, occurrences: Iterable[str]) -> None:
        """Give claims back, because it is certain that nothing was told."""
        with self._store.write() as db:
            db.execute(
                "UPDATE notices SET claimed_at = NULL WHERE told_at IS NULL "
                "AND occurrence IN (SELECT value FROM json_each(?))",
                [json.dumps(list(occurrences))],
            )


_ROW = "SELECT occurrence, person, channel, text, detail, checkpoint_id, until, goes_at FROM notices"


def _notice(row: Row) -> Notice:
    occurrence, person, channel, text, detail, checkpoint_id, until, goes_at = row
    return Notice(
        occurrence,
        person,
        channel,
        text,
        detail,
        checkpoint_id,
        moment_of(until) if until else None,
        moment_of(goes_at) if goes_at else None,
    )

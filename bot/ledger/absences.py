"""Which hosts do not answer, since when, and whether that was told: also over a restart of the bot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.ledger.store import Part
from bot.ledger.writing import iso, moment_of


@dataclass(frozen=True, slots=True)
class Absence:
    """A host that does not answer."""

    since: datetime
    """When that was seen first."""
    told: bool


class Absences(Part):
    """A host has one row while it does not answer."""

    def open(self) -> Mapping[str, Absence]:
        """By host."""
        with self._store.read() as db:
            rows = db.execute("SELECT host, since, told_at FROM absences").fetchall()
        return {host: Absence(moment_of(since), told is not None) for host, since, told in rows}

    def begin(self, hosts: Iterable[str]) -> None:
        """They do not answer. Harmless for those that are there already."""
        with self._store.write() as db:
            now = iso(self._clock())
            for host in hosts:
                db.execute("INSERT OR IGNORE INTO absences (host, since) VALUES (?, ?)", [host, now])

    def tell(self, hosts: Iterable[str]) -> None:
        """That is about to be told, so it is not told again whatever crashes."""
        with self._store.write() as db:
            now = iso(self._clock())
            for host in hosts:
                db.execute("UPDATE absences SET told_at = ? WHERE host = ?", [now, host])

    def untell(self, hosts: Iterable[str]) -> None:
        """It is certain that nobody was told."""
        with self._store.write() as db:
            for host in hosts:
                db.execute("UPDATE absences SET told_at = NULL WHERE host = ?", [host])

    def end(self, hosts: Iterable[str]) -> None:
        """They answer again, or are hosts no longer."""
        with self._store.write() as db:
            for host in hosts:
                db.execute("DELETE FROM absences WHERE host = ?", [host])

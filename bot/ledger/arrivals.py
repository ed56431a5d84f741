"""Requests that were taken and are not answered yet: what the bot was at when it died is told at its next start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of, storable
from bot.messages import Origin


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that a person typed or pressed."""

    delivery_id: str
    origin: Origin
    """Without a response URL, which is not kept."""
    text: str
    at: datetime
    change_id: str = ""
    """The change that a button of its card answers."""


class Arrivals(Part):
    """Each is here from its arrival until its answer. They come with every command, before its acknowledgement leaves,
    and a wait for the disk would be most of what that takes; so they outlive a bot that dies, and the last of them
    perhaps no power cut."""

    def arrived(self, delivery_id: str, origin: Origin, text: str, *, change_id: str = "") -> None:
        """Keep a request. One that is here already stays as it is."""
        row = [storable(delivery_id), clean(origin.person_id), clean(origin.channel), clean(text), iso(self._clock())]
        with self._store.write(passing=True) as db:
            db.execute("INSERT OR IGNORE INTO arrivals VALUES (?, ?, ?, ?, ?, ?)", [*row, clean(change_id)])

    def answered(self, *delivery_ids: str) -> None:
        """Drop them. Harmless for one that is not here."""
        with self._store.write(passing=True) as db:
            for delivery_id in delivery_ids:
                db.execute("DELETE FROM arrivals WHERE delivery_id = ?", [storable(delivery_id)])

    def unanswered(self) -> tuple[Arrival, ...]:
        """Those that are here, oldest first."""
        with self._store.read() as db:
            rows = db.execute(
                "SELECT delivery_id, person_id, channel, text, at, change_id FROM arrivals ORDER BY at"
            ).fetchall()
        return tuple(
            Arrival(id, Origin(channel, person), text, moment_of(at), change_id)
            for id, person, channel, text, at, change_id in rows
        )

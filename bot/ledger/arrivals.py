"""Requests that were taken and are not answered yet: what the bot was at when it died is told at its next start."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.ledger.aside import Aside
from bot.ledger.store import Part, Store
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


SCHEMA = """
    CREATE TABLE IF NOT EXISTS arrivals (
        delivery_id TEXT PRIMARY KEY, person_id TEXT NOT NULL, channel TEXT NOT NULL, text TEXT NOT NULL,
        at TEXT NOT NULL, change_id TEXT NOT NULL
    )
"""
ROWS = """
    INTO arrivals
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
    FROM json_each(?)
"""
RECEIVE = f"INSERT OR IGNORE {ROWS}"
KEEP = f"""
    INSERT {ROWS} WHERE TRUE
    ON CONFLICT (delivery_id) DO UPDATE SET text = excluded.text, change_id = excluded.change_id
"""
DROP = "DELETE FROM arrivals WHERE delivery_id IN (SELECT value FROM json_each(?))"
ALL = "SELECT delivery_id, person_id, channel, text, at, change_id FROM arrivals"


class Receipts:
    """The file beside the ledger that they are in, for two programs: the one that receives them, and the bot.

    They come with every command, before its acknowledgement leaves, and a wait for the disk, or for who writes in the
    ledger, would be most of what that takes. So they outlive programs that die, and the last of them perhaps no power
    cut."""

    def __init__(self, ledger: Path, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._aside = Aside(ledger.with_name(f"{ledger.name}-arrivals"), SCHEMA)

    def received(self, delivery_id: str, origin: Origin, text: str) -> None:
        """Keep what has just come. One that is here already stays as it is. Raises `LedgerError`."""
        self._aside.write(RECEIVE, [self._row(delivery_id, origin, text, "")])

    def arrived(self, delivery_id: str, origin: Origin, text: str, *, change_id: str = "") -> None:
        """Keep a request, or what is known of it by now: when it came stays. Raises `LedgerError`."""
        self._aside.write(KEEP, [self._row(delivery_id, origin, text, change_id)])

    def answered(self, *delivery_ids: str) -> None:
        """Drop them. Harmless for one that is not here. Raises `LedgerError`."""
        self._aside.write(DROP, [storable(one) for one in delivery_ids])

    def all(self) -> tuple[Arrival, ...]:
        """Raises `LedgerError`."""
        return _read(self._aside.read(ALL))

    def close(self) -> None:
        self._aside.close()

    def _row(self, delivery_id: str, origin: Origin, text: str, change_id: str) -> list[str]:
        who, where = clean(origin.person_id), clean(origin.channel)
        return [storable(delivery_id), who, where, clean(text), iso(self._clock()), clean(change_id)]


class Arrivals(Part):
    """Each is here from its arrival until its answer."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__(store, clock)
        self._receipts = Receipts(store.path, clock)

    def arrived(self, delivery_id: str, origin: Origin, text: str, *, change_id: str = "") -> None:
        """Keep a request, or what is known by now of one that was received."""
        self._receipts.arrived(delivery_id, origin, text, change_id=change_id)

    def answered(self, *delivery_ids: str) -> None:
        """Drop them. Harmless for one that is not here."""
        self._receipts.answered(*delivery_ids)

    def unanswered(self) -> tuple[Arrival, ...]:
        """Those that are here, oldest first."""
        return tuple(sorted((*self._of_an_older_bot(), *self._receipts.all()), key=lambda one: one.at))

    def forget_older(self) -> None:
        """Drop those that an older version of the bot kept in the ledger itself."""
        if self._of_an_older_bot():
            with self._store.write() as db:
                db.execute("DELETE FROM arrivals")

    def close(self) -> None:
        self._receipts.close()

    def _of_an_older_bot(self) -> tuple[Arrival, ...]:
        with self._store.read() as db:
            return _read(db.execute(ALL).fetchall())


def _read(rows: Iterable[tuple[str, str, str, str, str, str]]) -> tuple[Arrival, ...]:
    return tuple(
        Arrival(id, Origin(channel, person), text, moment_of(at), change_id)
        for id, person, channel, text, at, change_id in rows
    )

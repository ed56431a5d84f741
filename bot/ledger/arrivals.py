"""Requests that were taken and are not answered yet: what the bot was at when it died is told at its next start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.ledger.errors import trouble_of
from bot.ledger.journal import Journal
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


class Arrivals(Part):
    """Each is here from its arrival until its answer. They come with every command, before its acknowledgement leaves,
    and a wait for the disk, or for who writes in the ledger, would be most of what that takes. So they are kept in a
    journal beside the ledger: they outlive a bot that dies, and the last of them perhaps no power cut."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__(store, clock)
        self._journal = Journal(store.path.with_name(f"{store.path.name}-arrivals"))

    def arrived(self, delivery_id: str, origin: Origin, text: str, *, change_id: str = "") -> None:
        """Keep a request. One that is here already stays as it is."""
        row = {
            "person": clean(origin.person_id),
            "channel": clean(origin.channel),
            "text": clean(text),
            "at": iso(self._clock()),
            "change": clean(change_id),
        }
        with self._speaking():
            self._journal.add(storable(delivery_id), row)

    def answered(self, *delivery_ids: str) -> None:
        """Drop them. Harmless for one that is not here."""
        with self._speaking():
            self._journal.drop(map(storable, delivery_ids))

    def unanswered(self) -> tuple[Arrival, ...]:
        """Those that are here, oldest first."""
        with self._speaking():
            rows = self._journal.rows()
        kept = [
            Arrival(id, Origin(row["channel"], row["person"]), row["text"], moment_of(row["at"]), row["change"])
            for id, row in rows.items()
        ]
        return tuple(sorted((*self._of_an_older_bot(), *kept), key=lambda one: one.at))

    def forget_older(self) -> None:
        """Drop those that an older version of the bot kept in the ledger itself."""
        if self._of_an_older_bot():
            with self._store.write() as db:
                db.execute("DELETE FROM arrivals")

    def close(self) -> None:
        self._journal.close()

    def _of_an_older_bot(self) -> tuple[Arrival, ...]:
        with self._store.read() as db:
            rows = db.execute("SELECT delivery_id, person_id, channel, text, at, change_id FROM arrivals").fetchall()
        return tuple(
            Arrival(id, Origin(channel, person), text, moment_of(at), change_id)
            for id, person, channel, text, at, change_id in rows
        )

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise trouble_of(self._store.path, error) from error

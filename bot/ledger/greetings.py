"""Who was told what the bot is for: each person once, also over a restart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from bot.ledger.store import Part, Store
from bot.ledger.writing import clean, iso


class Greetings(Part):
    """A person has one row from their first request on, and no row goes."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        super().__init__(store, clock)
        self._seen: set[str] = set()
        """People who are known to have one: each request of theirs asks."""

    def begin(self, person_id: str) -> bool:
        """True for who is here for the first time. They are about to be greeted, so they are not again whatever
        crashes."""
        if person_id in self._seen:
            return False
        first = not self._has_row(person_id) and self._add_row(person_id)
        self._seen.add(person_id)
        return first

    def _has_row(self, person_id: str) -> bool:
        with self._store.read() as db:
            return bool(db.execute("SELECT 1 FROM greetings WHERE person_id = ?", [clean(person_id)]).fetchone())

    def _add_row(self, person_id: str) -> bool:
        with self._store.write() as db:
            row = [clean(person_id), iso(self._clock())]
            return bool(db.execute("INSERT OR IGNORE INTO greetings VALUES (?, ?)", row).rowcount == 1)

"""Who was told what the bot is for: each person once, also over a restart."""

from __future__ import annotations

from bot.ledger.store import Part
from bot.ledger.writing import clean, iso


class Greetings(Part):
    """A person has one row from their first request on."""

    def begin(self, person_id: str) -> bool:
        """True for who is here for the first time. They are about to be greeted, so they are not again whatever
        crashes."""
        with self._store.read() as db:
            if db.execute("SELECT 1 FROM greetings WHERE person_id = ?", [clean(person_id)]).fetchone():
                return False
        with self._store.write() as db:
            row = [clean(person_id), iso(self._clock())]
            return bool(db.execute("INSERT OR IGNORE INTO greetings VALUES (?, ?)", row).rowcount == 1)

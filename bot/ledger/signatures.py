"""Signed requests that were taken: one that is repeated is known also after a restart."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from bot.ledger.store import Part
from bot.ledger.writing import iso

VALID = timedelta(minutes=15)
"""A signature is taken for five minutes on either side of its time: after this, none could come again."""

WITHIN = 1.0
"""Seconds that it may take: Slack waits three for an answer."""


class Signatures(Part):
    """Kept as hashes: who reads the file could not send a request again. They come with every request, before its
    acknowledgement leaves, and so do not wait for the disk."""

    def first(self, signature: str) -> bool:
        """True for the first one of its kind. Raises `LedgerError`."""
        now = self._clock()
        with self._store.within(WITHIN), self._store.write(passing=True) as db:
            db.execute("DELETE FROM signatures WHERE until < ?", [iso(now)])
            row = [_hash(signature), iso(now + VALID)]
            return bool(db.execute("INSERT OR IGNORE INTO signatures VALUES (?, ?)", row).rowcount == 1)

    def forget(self, signature: str) -> None:
        """It was not answered, so it may come again. Raises `LedgerError`."""
        with self._store.within(WITHIN), self._store.write(passing=True) as db:
            db.execute("DELETE FROM signatures WHERE signature = ?", [_hash(signature)])


def _hash(signature: str) -> str:
    return sha256(signature.encode("utf-8", "surrogatepass")).hexdigest()

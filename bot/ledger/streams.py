"""How far the chain has been handed to whoever listens to it: what was sent and not noted is sent again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from sqlite_utils import Database

from bot.ledger.base import base_of
from bot.ledger.chain import GENESIS, Head, hash_of
from bot.ledger.errors import LedgerError
from bot.ledger.rows import EVENT, Row, readable
from bot.ledger.store import Part
from bot.ledger.writing import iso


@dataclass(frozen=True, slots=True)
class Link:
    """An event as it stands in the chain: every text as it was hashed, `detail` as JSON."""

    seq: int
    change_id: str
    at: str
    event: str
    state: str
    done_by: str
    why: str
    result: str
    detail: str
    previous_hash: str
    hash: str

    @property
    def head(self) -> Head:
        """How far a chain goes that ends with it."""
        return Head(self.seq, self.hash)

    @property
    def is_right(self) -> bool:
        """Its content fits its hash."""
        seq, *texts, previous_hash, digest = astuple(self)
        try:
            return bool(hash_of(previous_hash, seq, *texts) == digest)
        except TypeError:  # it holds what is no text
            return False


FIELDS = tuple(field.name for field in fields(Link))


class Streams(Part):
    """Each place that is streamed to, by its address, and the last event that it has taken."""

    def begin(self, target: str | None) -> Head:
        """From now on that is the place that is streamed to, or none is; the event after which it goes on. A place that
        was never streamed to gets everything that the ledger holds. So does one whose last event is no longer in it."""
        with self._store.write() as db:
            db.execute("UPDATE streams SET active = (target IS ?)", [target])
            if target is None:
                return Head(0, GENESIS)
            row = db.execute("SELECT seq, hash FROM streams WHERE target = ?", [target]).fetchone()
            at = Head(*row) if row and _is_here(db, Head(*row)) else base_of(db).head
            db.execute(
                "INSERT INTO streams (target, seq, hash, active) VALUES (?, ?, ?, 1) "
                "ON CONFLICT (target) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                [target, at.seq, at.hash],
            )
        return at

    def after(self, seq: int, most: int) -> Sequence[Link]:
        """The events that follow that one, in order. Raises `LedgerError` for one that the bot cannot have written."""
        with self._store.read() as db:
            rows = list(readable(db, f"{EVENT} WHERE seq > {int(seq)} ORDER BY seq LIMIT {int(most)}"))
        return [_link(row, seq + place) for place, row in enumerate(rows, 1)]

    def sent(self, target: str, head: Head) -> None:
        """Note that it has taken all up to there."""
        with self._store.write() as db:
            db.execute(
                "UPDATE streams SET seq = ?, hash = ?, sent_at = ? WHERE target = ?",
                [head.seq, head.hash, iso(self._clock()), target],
            )

    def at(self, target: str) -> Head | None:
        """What it has taken; None where it was never streamed to."""
        with self._store.read() as db:
            row = db.execute("SELECT seq, hash FROM streams WHERE target = ?", [target]).fetchone()
        return Head(*row) if row else None


def _link(row: Row | None, seq: int) -> Link:
    if row is None or not isinstance(row[0], int) or set(map(type, row[1:])) != {str}:
        raise LedgerError(f"Event {seq} cannot be streamed: it was edited. checkpointbot audit verify says more.")
    return Link(*row)


def _is_here(db: Database, head: Head) -> bool:
    row = db.execute("SELECT hash FROM events WHERE seq = ?", [head.seq]).fetchone()
    return head == base_of(db).head or (row is not None and bool(row[0] == head.hash))

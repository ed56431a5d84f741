"""The chain of hashes over the events: who rewrites one event must rewrite all that follow, and the head.

The hash of an event is the SHA-256 of the compact ASCII JSON array `[previous_hash, seq, change_id, at, event, state,
done_by, why, result, detail]`; the first event follows 64 zeros. `chain_head` holds the last event's number and hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlite_utils import Database

from bot.ledger.errors import LedgerError
from bot.ledger.migrations import GENESIS
from bot.ledger.states import ChangeState
from bot.ledger.writing import to_json

__all__ = ["GENESIS", "Head", "append", "hash_of", "head_of"]


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain goes. Kept elsewhere, it proves later that nothing up to there was rewritten."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """What `str` gave. Raises ValueError."""
        seq, _, digest = text.strip().partition(":")
        if not (seq.isascii() and seq.isdigit()) or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise ValueError(f"{text!r} is not the head of a ledger: it looks like 1234:6f1c… with 64 digits")
        return cls(int(seq), digest)


def append(
    db: Database,
    change_id: str,
    event: str,
    *,
    at: str,
    state: ChangeState,
    done_by: str,
    why: str = "",
    result: str = "",
    detail: str = "{}",
) -> None:
    """Add an event at the end. Belongs into one transaction with what it is about."""
    head = head_of(db)
    if head is None:
        raise LedgerError("The ledger has lost the end of its chain. Run checkpointbot audit verify.")
    fields = (head.seq + 1, change_id, at, event, state, done_by, why, result, detail)
    digest = hash_of(head.hash, *fields)
    db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [*fields, head.hash, digest])
    db.execute("UPDATE chain_head SET seq = ?, hash = ?", [head.seq + 1, digest])


def head_of(db: Database) -> Head | None:
    row = db.execute("SELECT seq, hash FROM chain_head").fetchone()
    return Head(*row) if row else None


def hash_of(previous_hash: str, *fields: object) -> str:
    return sha256(to_json((previous_hash, *fields)).encode()).hexdigest()

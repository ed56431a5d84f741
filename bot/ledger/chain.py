"""The chain of hashes over the events: who rewrites one event must rewrite all that follow, and the head.

The hash of an event is the SHA-256 of the compact ASCII JSON array `[previous_hash, seq, change_id, at, event, state,
done_by, why, result, detail]`; the first event follows 64 zeros. `chain_head` holds the last event's number and hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from json.encoder import encode_basestring_ascii

from sqlite_utils import Database

from bot.ledger.errors import LedgerError
from bot.ledger.migrations import GENESIS
from bot.ledger.states import ChangeState

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
        number = seq.isascii() and seq.isdigit() and len(seq) <= 18  # more than SQLite's integers hold
        if not number or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
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
    seq, texts = head.seq + 1, (change_id, at, event, state, done_by, why, result, detail)
    digest = hash_of(head.hash, seq, *texts)
    db.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [seq, *texts, head.hash, digest])
    db.execute("UPDATE chain_head SET seq = ?, hash = ?", [seq, digest])


def head_of(db: Database) -> Head | None:
    """None when it was deleted, or is not what the bot writes."""
    row = db.execute(
        "SELECT seq, hash FROM chain_head WHERE typeof(seq) = 'integer' AND hash NOT GLOB '*[^0-9a-f]*'"
    ).fetchone()
    return Head(*row) if row else None


def hash_of(previous_hash: str, seq: int, *texts: str) -> str:
    """The JSON is put together here because an encoder made anew for each of a million events takes most of the time.

    Raises TypeError for what is no text.
    """
    quoted = ",".join(map(encode_basestring_ascii, texts))
    return sha256(f"[{encode_basestring_ascii(previous_hash)},{seq},{quoted}]".encode()).hexdigest()

"""Which digests were posted: each at most once, whatever crashes in between."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.ledger.rows import Row
from bot.ledger.store import Part
from bot.ledger.writing import clean, iso, moment_of
from bot.messages import MessageRef

VERSION = 1
"""Of what a digest named, as JSON."""


@dataclass(frozen=True, slots=True)
class DigestRow:
    """A digest that was posted, or was about to be."""

    occurrence: str
    channel: str
    claimed_at: datetime
    posted_at: datetime | None
    """None when the bot stopped between claim and post: whether it got out, only the channel shows."""
    message: MessageRef | None
    text: str
    """What it said."""
    listed: tuple[Mapping[str, object], ...] = ()
    """What it named, as it was handed in; nothing where an older version, or a newer one, has written it."""


class Digests(Part):
    """Claim, post, confirm. An occurrence is one digest of one channel, such as `C0123 2026-11-20`."""

    def claim(self, occurrence: str, channel: str) -> bool:
        """Take on an occurrence, before posting it. False when it was claimed before: then it is not posted again."""
        with self._store.write() as db:
            claimed = db.execute(
                "INSERT OR IGNORE INTO digests (occurrence, channel, claimed_at) VALUES (?, ?, ?)",
                [occurrence, channel, iso(self._clock())],
            )
            return claimed.rowcount == 1

    def posted(
        self, occurrence: str, ref: MessageRef | None, text: str, listed: Sequence[Mapping[str, object]] = ()
    ) -> bool:
        """Confirm that it was posted, where it stands, what it said, and what it named. False when it was confirmed
        before, or never claimed. Only the newest of a channel keeps what it named."""
        channel, ts = (ref.channel, ref.ts) if ref else (None, None)
        named = clean(json.dumps({"version": VERSION, "listed": list(listed)}))
        with self._store.write() as db:
            confirmed = db.execute(
                """UPDATE digests SET posted_at = ?, message_channel = ?, message_ts = ?, text = ?, listed = ?
                WHERE occurrence = ? AND posted_at IS NULL""",
                [iso(self._clock()), channel, ts, clean(text), named, occurrence],
            )
            db.execute(
                """UPDATE digests SET listed = '' WHERE listed <> '' AND occurrence <> :this
                AND channel = (SELECT channel FROM digests WHERE occurrence = :this)""",
                {"this": occurrence},
            )
            return confirmed.rowcount == 1

    def release(self, occurrence: str) -> None:
        """Give a claim back, because it is certain that nothing was posted."""
        with self._store.write() as db:
            db.execute("DELETE FROM digests WHERE occurrence = ? AND posted_at IS NULL", [occurrence])

    def get(self, occurrence: str) -> DigestRow | None:
        with self._store.read() as db:
            row = db.execute(f"{_ROW} WHERE occurrence = ?", [occurrence]).fetchone()
        return _digest(row) if row else None

    def last(self, channel: str) -> DigestRow | None:
        """The last that was posted for a channel. By the order of claiming: a clock may have been ahead once."""
        with self._store.read() as db:
            row = db.execute(
                f"{_ROW} WHERE channel = ? AND posted_at IS NOT NULL ORDER BY rowid DESC LIMIT 1", [channel]
            ).fetchone()
        return _digest(row) if row else None


_ROW = "SELECT occurrence, channel, claimed_at, posted_at, message_channel, message_ts, text, listed FROM digests"


def _digest(row: Row) -> DigestRow:
    occurrence, channel, claimed, posted, message_channel, message_ts, text, named = row
    return DigestRow(
        occurrence,
        channel,
        moment_of(claimed),
        moment_of(posted) if posted else None,
        MessageRef(message_channel, message_ts) if message_ts else None,
        text,
        _listed(named),
    )


def _listed(text: str) -> tuple[Mapping[str, object], ...]:
    try:
        kept = json.loads(text or "{}")
    except ValueError:
        return ()
    if not isinstance(kept, dict) or kept.get("version") != VERSION or not isinstance(kept.get("listed"), list):
        return ()
    return tuple(one for one in kept["listed"] if isinstance(one, dict))

"""Where the chain of a ledger begins: at its first event, or after those that were archived."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from sqlite_utils import Database

from bot.ledger.chain import Head
from bot.ledger.rows import VMS, readable

ARCHIVED = "archived"
"""The event whose detail names a checkpoint of the chain."""

SHOWN = f"""SELECT c.id, c.verb, c.person_id, c.person_name, c.channel, c.summary, c.note, {VMS}, c.plan, c.expires_at,
    c.created_at, c.vm_names, c.state, c.reason, c.result, c.decided_by,
    c.taken_by FROM changes c"""  # noqa: S608
"""Of a change, everything that the chain vouches for."""


@dataclass(frozen=True, slots=True)
class Base:
    """The checkpoint of the chain that a ledger begins with."""

    seq: int
    """Of the last event before it; 0 for a ledger that was never parted."""
    hash: str
    changes: int = 0
    """The number of the last change that was archived."""
    is_archive: bool = False
    """This file is an archive, and no bot's ledger."""

    @property
    def head(self) -> Head:
        return Head(self.seq, self.hash)


def base_of(db: Database) -> Base:
    seq, digest, changes, is_archive = db.execute("SELECT seq, hash, changes, is_archive FROM chain_base").fetchone()
    return Base(seq, digest, changes, bool(is_archive))


def kept_fingerprint(db: Database, base: Base) -> str:
    """Over the changes that were archived and stayed as rows, since what is there asks for them."""
    made = sha256()
    for row in readable(db, f"{SHOWN} WHERE c.number <= {int(base.changes)} ORDER BY c.number"):
        made.update(json.dumps(row if row is None else list(map(str, row))).encode())
    return made.hexdigest()

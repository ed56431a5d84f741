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

KEPT_VERSION = 1
KEPT_VERSIONS = (None, KEPT_VERSION)
"""Of what the event of an archive says; None in those of before there were versions."""

KEPT = """SELECT c.id, c.verb, c.person_id, c.person_name, c.channel, c.summary, c.note,
    (SELECT json_group_array(json_array(CAST(vm_id AS TEXT), CAST(vm_name AS TEXT), CAST(host AS TEXT))) FROM
    (SELECT vm_id, vm_name, host FROM change_vms WHERE change = c.number ORDER BY position)),
    c.plan, c.expires_at, c.created_at, c.vm_names, c.state, c.reason, c.result, c.decided_by, c.taken_by
    FROM changes c WHERE c.number <= ? ORDER BY c.number"""
"""What a fingerprint of that version is made of. It stands in the chain for ever, so this is never changed: what is to
be vouched for beside it gets the next version."""


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


def kept_fingerprint(db: Database, base: Base, version: object = KEPT_VERSION) -> str:
    """Over the changes that were archived and stayed as rows, since what is there asks for them. `version` is that of
    the event which names it, one of `KEPT_VERSIONS`."""
    made = sha256()
    for row in readable(db, KEPT, [base.changes]):
        values = row if row is None or version == KEPT_VERSION else map(str, row)
        made.update(json.dumps(values if values is None else list(values), default=repr).encode())
    return made.hexdigest()

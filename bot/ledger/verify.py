"""Whether the ledger is what the bot wrote: walks the chain, and holds the changes against their events."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TextIO

from sqlite_utils import Database

from bot.ledger.base import ARCHIVED, KEPT_VERSIONS, SHOWN, base_of, kept_fingerprint
from bot.ledger.chain import GENESIS, Head, hash_of, head_of
from bot.ledger.export import Format, export
from bot.ledger.records import TAKEN_OVER, Asked
from bot.ledger.rows import EVENT, Row, readable, vms_of
from bot.ledger.states import DECISIONS, LEGAL, ChangeState
from bot.ledger.store import Part


@dataclass(frozen=True, slots=True)
class Breakage:
    """The first place where the ledger is not what the bot wrote."""

    what: str
    """A sentence."""
    seq: int | None = None
    """The event, where it is one."""
    change_id: str | None = None

    @property
    def where(self) -> str:
        """`at event 7 (change …)`."""
        event = f"at event {self.seq}" if self.seq is not None else ""
        change = f"change {self.change_id}" if self.change_id is not None else ""
        if event and change:
            return f"{event} ({change})"
        return event or (f"at {change}" if change else "at its end")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk over the ledger found."""

    head: Head
    """How far the events are right."""
    broken: Breakage | None = None
    base: Head = field(default_factory=lambda: Head(0, GENESIS))
    """After which event they begin: 0 unless what was before is in an archive."""
    is_archive: bool = False
    """It is an archive, and no bot's ledger."""

    @property
    def events(self) -> str:
        """Which there are, in words."""
        first, last = self.base.seq + 1, self.head.seq
        return f"events {first} to {last}" if self.base.seq else f"{last} events"

    @property
    def whole(self) -> bool:
        return self.broken is None


class Audit(Part):
    """Proof over the ledger, and a copy of it to take away."""

    def head(self) -> Head:
        """How far the chain goes. Keep it where nobody who can write the ledger can write."""
        with self._store.read() as db:
            return head_of(db) or Head(0, GENESIS)

    def base(self) -> Head:
        """After which event the ledger begins: 0 unless what was before is in an archive."""
        with self._store.read() as db:
            return base_of(db).head

    def verify(self, anchor: Head | None = None) -> Verdict:
        """Walk the whole ledger and name the first thing that is wrong: an event that was edited, deleted, inserted or
        put elsewhere, a missing end, a change that says other than its events of what was asked, decided and done.

        It does not vouch for where a message stands, nor for the checkpoints, samples, digests and absences.

        Who can write the file can also write a whole new chain. Only `anchor`, a head that was kept elsewhere, shows
        that. The walk sees the ledger as it is at one moment; the bot may go on writing.
        """
        with self._store.read() as db:
            walk = _Walk(db)
            broken = walk.events() or walk.end() or walk.beginning() or walk.anchor(anchor) or walk.changes()
            return Verdict(Head(walk.seq, walk.hash), broken, walk.base.head, walk.base.is_archive)

    def export(self, form: Format, out: TextIO, *, since: datetime | None = None) -> int:
        """Write all events, or those since a moment, to a text file, and return how many there were.

        They are written as they are read, whatever their number. In CSV what a spreadsheet would run as a formula gets
        a `'` in front; JSON Lines has everything as it is, hashes included, so the chain can be checked from it. Open
        the file with `newline=""`. Raises `LedgerError` for an event that the bot cannot have written.
        """
        with self._store.read() as db:
            return export(db, form, out, since)


_LEGAL = {str(state): frozenset(map(str, then)) for state, then in LEGAL.items()}
_FINAL = frozenset(str(state) for state in ChangeState if state.final)
"""As they stand in rows: to make a state of each text of a million rows would take a while."""


@dataclass(slots=True)
class _Life:
    """How a change stands by its events, and what its own row shows."""

    shown: Row
    state: str = ChangeState.REQUESTED
    reason: str = ""
    result: str = ""
    decided_by: str | None = None
    taken_by: str | None = None

    def move(self, to: str, done_by: str, why: str, result: str) -> None:
        self.state, self.reason, self.result = to, why, result
        if to in DECISIONS:
            self.decided_by = done_by

    def agrees(self) -> bool:
        return (self.state, self.reason, self.result, self.decided_by, self.taken_by) == tuple(self.shown)


class _Walk:
    """Events and changes go side by side: both are in the order of asking. Only unfinished changes are held."""

    def __init__(self, db: Database) -> None:
        self.base = base_of(db)
        self.seq = self.base.seq
        self.hash = self.base.hash
        self._db = db
        archived = f"WHERE c.number > {int(self.base.changes)}" if self.base.seq else ""
        self._rows = readable(db, f"{SHOWN} {archived} ORDER BY c.number")
        self._lives: dict[str, _Life] = {}
        self._archived: dict[str, object] = {}

    def events(self) -> Breakage | None:
        for row in readable(self._db, f"{EVENT} ORDER BY seq"):
            if row is None:
                return Breakage("It cannot be read: it was edited.", self.seq + 1)
            seq, change_id, _, event, state, _, _, _, _, previous_hash, digest = row
            what = self._chained(row, seq, previous_hash, digest)
            if what is None and event == state:
                what = self._moved(row)
            elif what is None and event == TAKEN_OVER and change_id in self._lives:
                self._lives[change_id].taken_by = row[5]
            elif what is None and event == ARCHIVED:
                self._archived = json.loads(row[8])
            if what is not None:
                return Breakage(what, min(seq, self.seq + 1), change_id if seq == self.seq + 1 else None)
            self.seq, self.hash = seq, digest
        return None

    def end(self) -> Breakage | None:
        head = head_of(self._db)
        if head is None:
            return Breakage("The record of where the chain ends was deleted, or is not what the bot writes.")
        if head.seq > self.seq:
            return Breakage(f"It is missing, and so is all up to event {head.seq}.", self.seq + 1)
        if head.seq < self.seq:
            return Breakage("It was added after the end of the chain.", head.seq + 1)
        if head.hash != self.hash:
            return Breakage("The record of where the chain ends was edited.", self.seq)
        return None

    def beginning(self) -> Breakage | None:
        """What was archived must be named by an event of the chain. An archive's own beginning is named in what comes
        after it."""
        if not self.base.seq or self.base.is_archive:
            return None
        named = {"seq": self.base.seq, "hash": self.base.hash, "changes": self.base.changes}
        if {key: self._archived.get(key) for key in named} != named:
            return Breakage("No event says that what was before it was archived: it was cut off.", self.base.seq + 1)
        version = self._archived.get("version")
        if version not in KEPT_VERSIONS:
            return Breakage("What says that it was archived is of a later version of the bot.", self.base.seq + 1)
        if self._archived.get("kept") != kept_fingerprint(self._db, self.base, version):
            return Breakage("A change that was archived and stayed was edited or deleted.")
        return None

    def anchor(self, anchor: Head | None) -> Breakage | None:
        if anchor is None:
            return None
        if 0 < anchor.seq < self.base.seq:
            return Breakage("It is in an archive: name that with --archive.", anchor.seq)
        row = self._db.execute("SELECT hash FROM events WHERE seq = ?", [anchor.seq]).fetchone()
        if anchor in (Head(0, GENESIS), self.base.head) or (row is not None and row[0] == anchor.hash):
            return None
        return Breakage("It is not the event that the kept head names: the ledger was rewritten or cut.", anchor.seq)

    def changes(self) -> Breakage | None:
        for change_id, life in self._lives.items():
            if not life.agrees():
                return Breakage(_DISAGREES, change_id=change_id)
        for row in self._rows:
            return Breakage("The change stands in the ledger without an event.", change_id=row[0] if row else None)
        return None

    def _chained(self, row: Row, seq: int, previous_hash: str, digest: str) -> str | None:
        if seq > self.seq + 1:
            return "It is missing."
        if seq < self.seq + 1:
            return "It was inserted before the first event."
        try:
            right = hash_of(previous_hash, *row[:9]) == digest
        except TypeError:
            return "It was edited: it holds what the bot never writes."
        if not right:
            return "It was edited: its content does not fit its hash."
        if previous_hash != self.hash:
            return "It does not follow the event before it: events were inserted, put elsewhere or written anew."
        return None

    def _moved(self, row: Row) -> str | None:
        _, change_id, at, to, _, done_by, why, result, detail, _, _ = row
        if to == ChangeState.REQUESTED:
            return self._asked(change_id, at, done_by, detail)
        life = self._lives.get(change_id)
        if life is None or to not in _LEGAL[life.state]:
            return "It moves its change in a way that the bot never does."
        life.move(to, done_by, why, result)
        if to in _FINAL:
            del self._lives[change_id]
            if not life.agrees():
                return _DISAGREES
        return None

    def _asked(self, change_id: str, at: str, done_by: str, detail: str) -> str | None:
        row = next(self._rows, ())
        if row is None or bytes in map(type, row):
            return "Its change was edited: it holds what the bot never writes."
        if not row or row[0] != change_id:
            known = self._db.execute("SELECT 1 FROM changes WHERE id = ?", [change_id]).fetchone()
            return "Its change was deleted." if not known else "A change before its own has no event."
        id, verb, person_id, person_name, channel, summary, note, vms, plan, expires_at, created_at, vm_names = row[:12]
        asked = Asked(id, verb, person_id, person_name, channel, summary, note, vms_of(vms), plan, expires_at)
        if (asked.detail, asked.person_id, asked.vm_names, created_at) != (detail, done_by, vm_names, at):
            return "Its change was edited: it says that something else was asked for."
        self._lives[change_id] = _Life(row[12:])
        return None


_DISAGREES = "Its change was edited: it says other than its last event."

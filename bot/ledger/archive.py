"""What is old and over goes into a file of its own, and the chain stays provable over both.

The archive is a ledger too: the first events, to a point at which no change is half on either side, with the changes
that they are about. The ledger then begins with a checkpoint of the chain, the number and hash of the last event that
went; an event of the ledger names that checkpoint, so it is chained itself.

In this order, so that whatever is cut off loses nothing and can be run again: the archive is made beside its name,
proved and put in its place; then, in one transaction, what is in it leaves the ledger. Changes that what is kept still
asks for (whose a checkpoint is, who applied one) stay as rows, and the chained event vouches for them.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from bot.ledger.base import ARCHIVED, KEPT_VERSION, Base, base_of, kept_fingerprint
from bot.ledger.chain import Head
from bot.ledger.changes import Changes
from bot.ledger.errors import LedgerError, speaking
from bot.ledger.states import ChangeState
from bot.ledger.store import Part, Store, current_copy
from bot.ledger.verify import Audit
from bot.ledger.writing import iso

PAGES = 4096
"""Copied at a time."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where the ledger can be parted."""

    head: Head
    """The last event that can go."""
    number: int
    """Of the last change that can go."""
    held_back_by: str = ""
    """Why it is not further: a sentence, or nothing."""
    passed_over: int = 0
    """How many events, as far as it goes, have a time that is still to come. They say nothing of what is old."""


class Archive(Part):
    """Parts the ledger. No bot may be using it meanwhile."""

    def cut(self, before: datetime) -> Cut:
        """How much can go of what happened before a moment: up to where the ledger begins where nothing can."""
        with self._store.read() as db:
            return _cut(db, iso(before), iso(self._clock()))

    def write(self, to: Path, cut: Cut) -> None:
        """Make the file, which must not be there, and prove it. Raises `LedgerError`, and OSError."""
        partial = to.with_name(f"{to.name}.partial")
        if self._went_into(partial):
            raise LedgerError(f"{partial} is the archive that the ledger begins after. Name it {to.name} and keep it.")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        try:
            with speaking(partial), closing(sqlite3.connect(partial, isolation_level=None)) as copy:
                with self._store.read() as db:
                    db.conn.backup(copy, pages=PAGES)
                copy.execute("PRAGMA journal_mode = delete")
                copy.execute("PRAGMA synchronous = off")  # it is proved, and put on the disk, before it counts
                copy.execute("PRAGMA journal_mode = off")  # and is thrown away where it is cut off
                _cut_off(copy, cut)
            self.known(partial)
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            if to.exists():
                raise LedgerError(f"{to} is there already. Nothing was changed.")
            partial.rename(to)
            keep_names(to.parent)
        finally:
            partial.unlink(missing_ok=True)

    def _went_into(self, partial: Path) -> bool:
        """The disk may have lost its new name in a power cut, when what is in it had left the ledger."""
        try:
            return partial.exists() and self.known(partial) is None
        except LedgerError:
            return False

    def known(self, archive: Path) -> Cut | None:
        """Where an archive ends that was made of this ledger; None where the ledger begins after it already. Raises
        `LedgerError` unless it is whole, and is the beginning of this ledger."""
        with current_copy(archive) as current, closing(Store(current, read_only=True, busy_timeout=5.0)) as store:
            verdict = Audit(store, self._clock).verify()
            with store.read() as db:
                (number,) = db.execute("SELECT max(number) FROM changes").fetchone()
        if verdict.broken is not None:
            raise LedgerError(f"{archive} is broken {verdict.broken.where}. {verdict.broken.what}")
        with self._store.read() as db:
            base = base_of(db)
            row = db.execute("SELECT hash FROM events WHERE seq = ?", [verdict.head.seq]).fetchone()
            behind = db.execute("SELECT 1 FROM streams WHERE active AND seq < ?", [verdict.head.seq]).fetchone()
        if verdict.is_archive and verdict.head == base.head:
            return None
        if not verdict.is_archive or verdict.base != base.head or row is None or row[0] != verdict.head.hash:
            raise LedgerError(f"{archive} is something else than the beginning of this ledger. Nothing was changed.")
        if behind:
            raise LedgerError(
                "The audit stream has not come as far as the archive. Nothing was changed: start the bot."
            )
        return Cut(verdict.head, number or base.changes)

    def leave(self, archive: Path, cut: Cut, before: datetime) -> None:
        """Take out of the ledger what is in the archive, all at once or not at all."""
        with self._store.rewrite() as db:
            triggers = _without_triggers(db)
            _leave_out(db, cut, iso(before))
            base = Base(cut.head.seq, cut.head.hash, cut.number)
            db.execute("UPDATE chain_base SET seq = ?, hash = ?, changes = ?", [base.seq, base.hash, base.changes])
            self._record(db, archive, base)
            _words_anew(db)
            for sql in triggers:
                db.execute(sql)
            if db.execute("PRAGMA foreign_key_check").fetchone():
                raise LedgerError("Something in the ledger refers to what would go. Nothing was changed.")

    def _record(self, db: Database, archive: Path, base: Base) -> None:
        """The checkpoint of the chain, chained: a change of the bot's own."""
        changes = Changes(self._store, self._clock)
        changes.record_in(
            db,
            f"archive-{base.seq}",
            verb="archive",
            summary=f"archived events up to {base.seq}",
            result=f"They are in {archive.name}.",
            noted=ARCHIVED,
            detail={
                "version": KEPT_VERSION,
                **{"seq": base.seq, "hash": base.hash, "changes": base.changes},
                "kept": kept_fingerprint(db, base),
            },
        )

    def shrink(self) -> None:
        """Give the room that was left back to the disk. Harmless where it is cut off."""
        self._store.vacuum()


def keep_names(folder: Path) -> None:
    """Put the names of files on the disk, which are kept in their folder. Windows opens no folders."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


# ---------------------------------------------------------------- where to cut


def _cut(db: Database, before: str, now: str) -> Cut:
    base = base_of(db)
    (later,) = db.execute("SELECT min(seq) FROM events WHERE at BETWEEN ? AND ?", [before, now]).fetchone()
    (at,) = db.execute(
        "SELECT coalesce(max(seq), ?) FROM events WHERE at < ? AND (? IS NULL OR seq < ?)",
        [base.seq, before, later, later],
    ).fetchone()
    streamed = db.execute("SELECT min(seq), min(target) FROM streams WHERE active").fetchone()
    why = ""
    if streamed[0] is not None and streamed[0] < at:
        at, why = streamed[0], f"{streamed[1]} has not taken more of the audit stream."
    over = ", ".join(f"'{state}'" for state in ChangeState if state.final)
    spans = db.execute(
        f"SELECT min(e.seq) AS first, max(e.seq), c.state IN ({over}), c.id FROM events e "  # noqa: S608 - states of ours
        "JOIN changes c ON c.id = e.change_id GROUP BY e.change_id HAVING first <= ? ORDER BY first DESC",
        [at],
    )
    for first, end, is_over, change_id in spans:
        if first <= at and (end > at or not is_over):
            at = first - 1
            why = why if is_over else f"The change {change_id} is not over yet."
    if at <= base.seq:
        return Cut(base.head, base.changes, why)
    (digest,) = db.execute("SELECT hash FROM events WHERE seq = ?", [at]).fetchone()
    (number,) = db.execute(
        "SELECT max(c.number) FROM changes c WHERE c.id IN (SELECT change_id FROM events WHERE seq <= ?)", [at]
    ).fetchone()
    (ahead,) = db.execute("SELECT count(*) FROM events WHERE seq <= ? AND at > ?", [at, now]).fetchone()
    return Cut(Head(at, digest), max(number, base.changes), why, ahead)


# ---------------------------------------------------------------- both

SEARCHES = ("changes_fts", "changes_trigrams")


def _events_leave(db: Database, which: str, seq: int, *, most_go: bool) -> None:
    """Where most go, their index is made anew for those that stay: to take each out of it takes many times as long."""
    indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events' AND sql IS NOT NULL"
    found = db.execute(indexes).fetchall() if most_go else []
    for name, _ in found:
        db.execute(f"DROP INDEX {name}")
    db.execute(f"DELETE FROM events WHERE {which}", [seq])  # noqa: S608 - a comparison of ours
    for _, sql in found:
        db.execute(sql)


def _words_anew(db: Database) -> None:
    """What searches look through, from the changes that are there."""
    for table in SEARCHES:
        db.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")  # noqa: S608


def _words_leave(copy: sqlite3.Connection, number: int) -> None:
    """Take the changes after that one out of what searches look through."""
    texts = "summary, note, outcome, vm_names, person_name"
    for table in SEARCHES:
        copy.execute(
            f"INSERT INTO {table} ({table}, rowid, {texts}) SELECT 'delete', number, {texts} "  # noqa: S608
            "FROM changes WHERE number > ?",
            [number],
        )


# ---------------------------------------------------------------- the archive

BESIDE = (
    *("absences", "archived_changes", "arrivals", "digests", "freezes", "greetings", "housekeeping", "notices"),
    *("sampled", "samples", "schedule_changes", "schedule_runs", "schedule_told", "schedules", "signatures"),
    *("streams", "verdicts"),
)
"""What is no part of the record of changes stays in the ledger alone."""


def _cut_off(copy: sqlite3.Connection, cut: Cut) -> None:
    """Leave in a copy of the ledger what goes into the archive."""
    copy.execute("BEGIN IMMEDIATE")
    db = Database(copy, execute_plugins=False)
    triggers = _without_triggers(db)
    (last,) = copy.execute("SELECT max(number) FROM changes").fetchone()
    most_go = last - cut.number > cut.number - base_of(db).changes
    if not most_go:
        _words_leave(copy, cut.number)
    there = set(db.table_names())
    for table in (one for one in BESIDE if one in there):
        copy.execute(f"DELETE FROM {table}")  # noqa: S608
    _events_leave(db, "seq > ?", cut.head.seq, most_go=most_go)
    copy.execute("DELETE FROM change_vms WHERE change > ?", [cut.number])
    copy.execute("CREATE TEMP TABLE gone AS SELECT id FROM changes WHERE number > ?", [cut.number])
    copy.execute(
        "DELETE FROM checkpoints WHERE change_id IN (SELECT id FROM gone) OR claim_id IN (SELECT id FROM gone)"
    )
    copy.execute("DELETE FROM changes WHERE number > ?", [cut.number])
    copy.execute("UPDATE chain_head SET seq = ?, hash = ?", [cut.head.seq, cut.head.hash])
    copy.execute("UPDATE chain_base SET is_archive = 1")
    if most_go:
        _words_anew(db)
    for sql in triggers:
        copy.execute(sql)
    copy.execute("COMMIT")
    copy.execute("DROP TABLE gone")
    (pages,) = copy.execute("PRAGMA page_count").fetchone()
    (free,) = copy.execute("PRAGMA freelist_count").fetchone()
    if free > pages // 10:
        copy.execute("VACUUM")


# ---------------------------------------------------------------- the ledger


_PRESENT = "(gone_at IS NULL OR gone_at >= :before)"
_WANTED = (
    f"SELECT change_id FROM checkpoints WHERE {_PRESENT}",  # noqa: S608
    f"SELECT claim_id FROM checkpoints WHERE {_PRESENT}",  # noqa: S608
    f"""SELECT id FROM changes WHERE number IN (SELECT max(number) FROM changes
        WHERE person_id IN (SELECT kept_by FROM checkpoints WHERE {_PRESENT}) GROUP BY person_id)""",  # noqa: S608
    f"""SELECT c.id FROM changes c, json_each(c.plan, '$.targets') t WHERE c.verb = 'apply'
        AND json_extract(t.value, '$.checkpoint_id') IN (SELECT id FROM checkpoints WHERE {_PRESENT})""",  # noqa: S608
)
"""The changes that the present asks for."""


def _leave_out(db: Database, cut: Cut, before: str) -> None:
    """What the present still asks for stays: whose each checkpoint is, who last said how long, who applied one."""
    for table in ("wanted", "going"):
        db.execute(f"DROP TABLE IF EXISTS temp.{table}")
    db.execute("CREATE TEMP TABLE wanted (id TEXT PRIMARY KEY)")
    for sql in _WANTED:
        db.execute(f"INSERT OR IGNORE INTO temp.wanted {sql}", {"before": before})
    db.execute("DELETE FROM temp.wanted WHERE id IS NULL")  # else `NOT IN` would find nothing
    (last,) = db.execute("SELECT seq FROM chain_head").fetchone()
    most_go = cut.head.seq - base_of(db).seq > last - cut.head.seq
    _events_leave(db, "seq <= ?", cut.head.seq, most_go=most_go)
    # A change that stayed when it was archived may have been told of since: then it stays for good.
    db.execute("CREATE TEMP TABLE going (number INTEGER PRIMARY KEY, id TEXT UNIQUE)")
    db.execute(
        """INSERT INTO temp.going SELECT number, id FROM changes WHERE number <= ?
        AND id NOT IN (SELECT id FROM temp.wanted) AND id NOT IN (SELECT change_id FROM events)""",
        [cut.number],
    )
    for column in ("change_id", "claim_id"):
        db.execute(f"UPDATE checkpoints SET {column} = NULL WHERE {column} IN (SELECT id FROM temp.going)")  # noqa: S608
    db.execute(
        """INSERT INTO archived_changes
        SELECT verb, state, count(*) FROM changes WHERE number IN (SELECT number FROM temp.going) GROUP BY verb, state
        ON CONFLICT (verb, state) DO UPDATE SET count = count + excluded.count"""
    )
    db.execute("DELETE FROM change_vms WHERE change IN (SELECT number FROM temp.going)")
    db.execute("DELETE FROM changes WHERE number IN (SELECT number FROM temp.going)")
    for table in ("wanted", "going"):
        db.execute(f"DROP TABLE temp.{table}")


def _without_triggers(db: Database) -> Iterable[str]:
    """What keeps events and changes from being deleted is put aside; the SQL that brings it back, within the same
    transaction."""
    names = ("events_are_never_deleted", "changes_are_never_deleted")
    found = db.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)", names
    ).fetchall()
    for name, _ in found:
        db.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in found]

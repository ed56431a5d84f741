from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from bot.ledger import ChangeState, Ledger, LedgerError
from bot.ledger.migrations import MIGRATIONS
from bot.ledger.store import CACHE
from tests.support.accounts import CAN_FORK, as_nobody, open_to_all
from tests.support.clock import StoppedClock
from tests.support.ledger import ADA, ORIGIN, carry, plan


def refusal(path: Path, clock: StoppedClock, *, read_only: bool = False) -> str:
    with pytest.raises(LedgerError) as caught:
        Ledger(path, clock=clock, read_only=read_only, busy_timeout=0.05)
    return caught.value.sentence


def test_a_new_ledger_is_made_with_its_folder_for_this_account_alone(tmp_path: Path, clock: StoppedClock) -> None:
    path = tmp_path / "data" / "ledger.db"
    with Ledger(path, clock=clock) as ledger:
        carry(ledger, "c1")
        if os.name == "posix":
            assert {p.stat().st_mode & 0o777 for p in path.parent.glob("ledger.db*")} == {0o600}
    assert path.exists()


def test_commits_are_on_the_disk_and_readers_do_not_wait(ledger: Ledger) -> None:
    with ledger._store.write() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert db.journal_mode == "wal"


def test_no_reader_keeps_much_of_the_file_in_memory(ledger: Ledger) -> None:
    with ledger._store.read() as one, ledger._store.read() as another:
        kept = [db.execute("PRAGMA cache_size").fetchone() for db in (one, another)]
    assert kept == [(-CACHE,), (-CACHE,)]


def test_a_ledger_that_is_opened_again_goes_on_where_it_was(ledger: Ledger, path: Path, clock: StoppedClock) -> None:
    carry(ledger, "c1")
    ledger.close()
    with Ledger(path, clock=clock) as again:
        carry(again, "c2")
        assert again.audit.verify().head.seq == 12


def test_a_block_that_fails_leaves_nothing_behind(ledger: Ledger) -> None:
    carry(ledger, "c1")
    before = ledger.audit.head()
    with pytest.raises(ZeroDivisionError), ledger._store.write() as db:
        db.execute("UPDATE chain_head SET seq = 99")
        raise ZeroDivisionError
    assert ledger.audit.head() == before


def test_reads_in_one_block_see_one_moment(ledger: Ledger) -> None:
    with ledger._store.read() as db:
        assert db.execute("SELECT count(*) FROM changes").fetchone() == (0,)
        ledger.changes.request("c1", plan(), ADA, ORIGIN)
        assert db.execute("SELECT count(*) FROM changes").fetchone() == (0,)
    assert ledger.changes.get("c1") is not None


def test_a_reader_cannot_write(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="read-only"), ledger._store.read() as db:
        db.execute("UPDATE chain_head SET seq = 99")


def test_a_closed_ledger_says_so(ledger: Ledger) -> None:
    ledger.close()
    ledger.close()
    with pytest.raises(LedgerError, match="closed"):
        ledger.history.find()
    with pytest.raises(LedgerError, match="closed"):
        ledger.changes.request("c1", plan(), ADA, ORIGIN)


def test_a_ledger_opened_to_read_takes_no_writes(ledger: Ledger, path: Path, clock: StoppedClock) -> None:
    carry(ledger, "c1")
    with Ledger(path, clock=clock, read_only=True) as reading:
        assert reading.audit.verify().whole
        with pytest.raises(LedgerError, match="opened only to read"):
            reading.changes.move("c1", ChangeState.FAILED, by="bot")


def test_a_ledger_that_is_not_there_cannot_be_read(tmp_path: Path, clock: StoppedClock) -> None:
    assert refusal(tmp_path / "none.db", clock, read_only=True).startswith("There is no ledger at")
    assert not (tmp_path / "none.db").exists()


def test_an_empty_file_cannot_be_read_as_a_ledger(path: Path, clock: StoppedClock) -> None:
    path.touch()
    assert "older version of Checkpoint Bot, or empty" in refusal(path, clock, read_only=True)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_file_that_is_no_database_is_left_alone(path: Path, clock: StoppedClock, read_only: bool) -> None:
    path.write_text("dear diary " * 100)
    assert refusal(path, clock, read_only=read_only).endswith("is not a ledger: it is not an SQLite database.")
    assert path.read_text().startswith("dear diary")


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_of_another_program_is_left_alone(path: Path, clock: StoppedClock, read_only: bool) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    assert "a database of another program" in refusal(path, clock, read_only=read_only)
    assert path.read_bytes() == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_ledger_of_a_newer_version_is_left_alone(
    ledger: Ledger, path: Path, clock: StoppedClock, read_only: bool
) -> None:
    ledger.close()
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES (?, 'teleport', '')",
            [MIGRATIONS.name],
        )
    assert "made by a newer version" in refusal(path, clock, read_only=read_only)


@pytest.mark.parametrize(
    "statement",
    ["DROP TABLE changes_fts", "DROP TABLE chain_head", "ALTER TABLE events RENAME COLUMN why TO because"],
)
def test_a_ledger_that_lost_a_part_of_it_is_damaged(
    ledger: Ledger, path: Path, clock: StoppedClock, statement: str
) -> None:
    ledger.close()
    with closing(sqlite3.connect(path)) as db, db:
        for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
    assert "is damaged: it has no column" in refusal(path, clock, read_only=True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET why = 'as agreed'",
        "DELETE FROM events",
        "INSERT INTO events SELECT 9, change_id, at, event, state, done_by, why, result, detail, previous_hash, hash "
        "FROM events WHERE seq = 1",
        "REPLACE INTO events SELECT * FROM events WHERE seq = 1",
        "DELETE FROM changes",
        "UPDATE changes SET summary = 'nothing'",
        "UPDATE changes SET expires_at = '2030-01-01T00:00:00.000000Z'",
        "REPLACE INTO changes (id, verb, state, person_id, person_name, channel, summary, note, vm_names, created_at, "
        "updated_at) SELECT id, 'keep', state, person_id, person_name, channel, summary, note, vm_names, created_at, "
        "updated_at FROM changes",
    ],
)
def test_what_was_written_cannot_be_rewritten_in_passing(ledger: Ledger, path: Path, statement: str) -> None:
    carry(ledger, "c1")
    with closing(sqlite3.connect(path)) as db, pytest.raises(sqlite3.IntegrityError, match=r"only ever added|never"):
        db.execute(statement)
    assert ledger.audit.verify().whole


def test_a_ledger_of_an_older_version_is_brought_up_to_date(path: Path, clock: StoppedClock) -> None:
    with closing(Database(path)) as db:
        MIGRATIONS.apply(db, stop_before="checkpoints")
    assert "Start the bot once" in refusal(path, clock, read_only=True)
    with Ledger(path, clock=clock) as ledger:
        carry(ledger, "c1")
        assert ledger.checkpoints.notes(["cp-1"]) == {}


def test_a_path_that_is_a_folder_is_refused(tmp_path: Path, clock: StoppedClock) -> None:
    assert "cannot be opened" in refusal(tmp_path, clock)
    assert "There is no ledger" in refusal(tmp_path, clock, read_only=True)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path, clock: StoppedClock) -> None:
    (tmp_path / "data").touch()
    assert "cannot be opened" in refusal(tmp_path / "data" / "ledger.db", clock)


def test_a_locked_ledger_says_so_and_works_afterwards(path: Path, clock: StoppedClock) -> None:
    with (
        Ledger(path, clock=clock, busy_timeout=0.05) as ledger,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerError, match="Another program holds the ledger") as caught:
            ledger.changes.request("c1", plan(), ADA, ORIGIN)
        assert caught.value.cause.startswith("SQLITE_BUSY")
        other.execute("ROLLBACK")
        assert ledger.changes.request("c1", plan(), ADA, ORIGIN)


def test_a_full_disk_says_so_and_the_ledger_stays_whole(ledger: Ledger) -> None:
    carry(ledger, "c1")
    with ledger._store.write() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LedgerError, match=r"is full\. Free some space"):
        for n in range(1000):
            ledger.changes.note("c1", "sent", by="bot", why=f"{n}" * 1000)
    assert ledger.audit.verify().whole
    with ledger._store.write() as db:
        db.execute("PRAGMA max_page_count = 1000000")
    carry(ledger, "c2")
    assert ledger.audit.verify().whole


def test_a_damaged_ledger_says_so(ledger: Ledger, path: Path, clock: StoppedClock) -> None:
    for n in range(200):
        carry(ledger, f"c{n}")
    ledger.close()
    content = bytearray(path.read_bytes())
    content[4096 * 8 :] = b"\xff" * len(content[4096 * 8 :])
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="is damaged"), Ledger(path, clock=clock) as again:
        again.audit.verify()


def test_a_mistake_in_the_program_is_no_ledger_error(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), ledger._store.read() as db:
        db.execute("SELECT * FROM nowhere")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    yield from open_to_all()


@CAN_FORK
def test_a_ledger_in_a_read_only_folder_can_be_verified_and_not_written(open_folder: Path, clock: StoppedClock) -> None:
    path = open_folder / "ledger.db"
    with Ledger(path, clock=clock) as ledger:
        carry(ledger, "c1")
    path.chmod(0o444)
    open_folder.chmod(0o555)

    def read() -> bool:
        with Ledger(path, clock=clock, read_only=True) as reading:
            return reading.audit.verify().whole

    assert as_nobody(read)
    assert as_nobody(lambda: "read-only" in refusal(path, clock))
    assert as_nobody(lambda: "Permission denied" in refusal(open_folder / "new.db", clock))


def test_the_views_for_datasette_answer(ledger: Ledger) -> None:
    carry(ledger, "c1")
    ledger.changes.request("c2", plan("db01"), ADA, ORIGIN)
    with ledger._store.read() as db:
        assert [row["summary"] for row in db["open_changes"].rows] == ["apply before-upgrade to db01"]
        assert [row["event"] for row in db["history"].rows][:2] == ["requested", "succeeded"]
        assert list(db["checkpoint_owners"].rows) == []
        assert db.table("changes").detect_fts() == "changes_fts"

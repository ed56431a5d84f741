"""What an earlier build has written is brought up to date at the first start."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.ledger import ChangeState, Head, Ledger, LedgerError
from tests.support.clock import START, StoppedClock
from tests.support.data_folders import restore
from tests.support.ledger import carry


@pytest.fixture
def older(tmp_path: Path) -> Path:
    return restore("first", tmp_path) / "ledger.db"


def test_a_ledger_of_the_first_build_goes_on(older: Path) -> None:
    with Ledger(older, clock=StoppedClock()) as ledger:
        states = {entry.summary: entry.state for entry in ledger.history.find(limit=100)}
        assert states["take before-upgrade of web01"] == ChangeState.SUCCEEDED
        assert states["take running-when-killed of web01"] == ChangeState.RUNNING
        assert [row.vms[0].name for row in ledger.changes.unfinished()] == ["web02", "sql01", "web01", "web01"]
        for row in ledger.changes.unfinished():
            assert ledger.changes.load(row.id).plan is not None
        running = ledger.changes.unfinished()[2]
        assert ledger.events.has(running.id, "sent", vm_id=running.vms[0].id)

        carry(ledger, "one more")

        assert ledger.audit.verify().whole
        assert ledger.audit.head().seq > 40


def test_its_notes_its_digest_and_its_requests_are_there(older: Path) -> None:
    with Ledger(older, clock=StoppedClock()) as ledger:
        (entry,) = ledger.history.find(text="kernel")
        assert ledger.history.find(text="テナンス") == (entry,)
        assert entry.summary == "take before-upgrade of web01"
        assert ledger.digests.last("C0OPS") is not None
        assert [one.text for one in ledger.arrivals.unanswered()] == ["/checkpoint list web*"]
        expiring = ledger.checkpoints.expiring(START.replace(year=2200))
        assert len(expiring) > 1
        assert all(one.note.keeper for one in expiring), "whoever took them, or said how long they are kept"


def test_who_said_how_long_it_is_kept_is_read_from_the_changes(older: Path) -> None:
    with closing(sqlite3.connect(older)) as before, before:
        before.execute("UPDATE checkpoints SET owner = 'U0BOB'")
    with Ledger(older, clock=StoppedClock()) as ledger:
        keepers = {one.name[:14]: one.note.keeper for one in ledger.checkpoints.expiring(START.replace(year=2200))}
    assert keepers == {"before-upgrade": "U0ADA", "safety 2026-11": "U0BOB"}


def test_what_was_proven_then_is_proven_still(older: Path) -> None:
    """The chain goes over the same bytes: no migration rewrites an event."""
    with Ledger(older, clock=StoppedClock()) as ledger:
        before = ledger.events.of(ledger.history.find(limit=100)[-1].change_id)
        last = before[-1]
        assert ledger.audit.verify(Head(last.seq, last.hash)).whole


def test_who_only_reads_asks_for_a_start_first(older: Path) -> None:
    with pytest.raises(LedgerError, match="Start the bot once"):
        Ledger(older, clock=StoppedClock(), read_only=True)

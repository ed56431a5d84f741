from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.ledger import Ledger
from bot.messages import Origin
from tests.support.clock import StoppedClock

ORIGIN = Origin("C0OPS", "U0ADA")


def test_a_request_is_there_at_the_next_start_until_it_is_answered(path: Path, clock: StoppedClock) -> None:
    with Ledger(path, clock=clock) as ledger:
        for id in ("1", "2", "2"):
            ledger.arrivals.arrived(id, ORIGIN, f"list {id}", change_id="c1")
        ledger.arrivals.answered("1", "unknown")
    with Ledger(path, clock=clock) as ledger:
        (kept,) = ledger.arrivals.unanswered()
        assert (kept.delivery_id, kept.origin, kept.text, kept.change_id) == ("2", ORIGIN, "list 2", "c1")
    with closing(sqlite3.connect(path.with_name("ledger.db-arrivals"))) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_damaged_file_is_set_aside_and_said(
    path: Path, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.with_name("ledger.db-arrivals").write_bytes(b"no database at all, and long enough for one" * 100)
    with Ledger(path, clock=clock) as ledger:
        ledger.arrivals.arrived("1", ORIGIN, "list")
        assert len(ledger.arrivals.unanswered()) == 1
    assert path.with_name("ledger.db-arrivals.damaged").exists()
    assert "is damaged" in caplog.text

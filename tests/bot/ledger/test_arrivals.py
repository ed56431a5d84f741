from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
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


def test_of_many_that_come_and_go_at_the_same_time_exactly_the_unanswered_are_there(
    path: Path, clock: StoppedClock
) -> None:
    def asks(number: int) -> None:
        ledger.arrivals.arrived(str(number), ORIGIN, f"list {number}")
        if number % 3:
            ledger.arrivals.answered(str(number))

    with Ledger(path, clock=clock) as ledger, ThreadPoolExecutor(16) as people:
        list(people.map(asks, range(300)))
        assert {kept.text for kept in ledger.arrivals.unanswered()} == {f"list {n}" for n in range(0, 300, 3)}


def test_a_damaged_file_is_set_aside_and_said(
    path: Path, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.with_name("ledger.db-arrivals").write_bytes(b"no database at all, and long enough for one" * 100)
    with Ledger(path, clock=clock) as ledger:
        ledger.arrivals.arrived("1", ORIGIN, "list")
        assert len(ledger.arrivals.unanswered()) == 1
    assert path.with_name("ledger.db-arrivals.damaged").exists()
    assert "is damaged" in caplog.text

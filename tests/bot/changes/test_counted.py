"""How often a change looks at itself: counted on the real ledger, the real grants and the real gate."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.simulator.model.faults import FaultKind
from bot.ledger import ChangeState
from bot.ledger.store import Store
from bot.people import access
from bot.people.identity import Gate
from tests.support.headquarters import Headquarters
from tests.support.waiting import wait_until

QUIET = 2.0
"""Seconds. What looks now and then looks within them."""


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the row of a change was read, a plan decided on, and a person admitted."""
    counted: Counter[str] = Counter()

    def counting(owner: object, name: str, what: str) -> None:
        act = getattr(owner, name)

        def counted_act(*given: Any, **named: Any) -> Any:
            counted[what] += 1
            return act(*given, **named)

        monkeypatch.setattr(owner, name, counted_act)

    connect: Callable[..., Any] = Store._connect

    def traced(*given: Any) -> Any:
        database = connect(*given)
        connection: sqlite3.Connection = database.conn
        connection.set_trace_callback(lambda sql: counted.update(statements=1, row_reads=reads_a_row(sql)))
        return database

    monkeypatch.setattr(Store, "_connect", traced)
    counting(access, "decide", "decisions")
    counting(Gate, "admit", "admissions")
    return counted


def reads_a_row(sql: str) -> bool:
    return "FROM changes c WHERE c.id =" in " ".join(sql.split())


@pytest.fixture
def hq(counts: Counter[str], tmp_path: Path) -> Iterator[Headquarters]:
    with Headquarters(tmp_path) as running:
        yield running


def test_a_create_looks_at_itself_a_few_times_only(hq: Headquarters, counts: Counter[str]) -> None:
    hq.add_vm("web01")
    hq.core.inventory.refresh()
    counts.clear()

    hq.type("create web01 fresh")
    hq.board.pulse.wait_for(lambda: any("Took fresh" in text for text in hq.board.texts))
    hq.stop()

    expect_few(counts)


def test_a_create_that_is_shown_twice_looks_at_itself_no_more_often(hq: Headquarters, counts: Counter[str]) -> None:
    hq.add_vm("web01")
    hq.core.inventory.refresh()
    counts.clear()

    hq.arm(FaultKind.HANG, "Checkpoint-VM")
    hq.type("create web01 fresh")
    hq.board.pulse.wait_for(lambda: any("Under way" in text for text in hq.board.texts))
    hq.host().faults.disarm()
    hq.host().faults.release()
    hq.board.pulse.wait_for(lambda: any("Took fresh" in text for text in hq.board.texts))
    hq.stop()

    expect_few(counts)


def expect_few(counts: Counter[str]) -> None:
    assert counts["row_reads"] <= 4, counts
    assert counts["decisions"] <= 2, counts
    assert counts["admissions"] <= 2, counts


def test_nobody_looks_whether_a_waiting_change_was_answered(hq: Headquarters, counts: Counter[str]) -> None:
    hq.add_vm("web02")
    hq.type("create web02 first")
    hq.wait_for(ChangeState.SUCCEEDED)
    hq.type("delete web02 first")
    hq.wait_for(ChangeState.AWAITING)

    wait_until(lambda: not statements_within(QUIET, counts))


def statements_within(seconds: float, counts: Counter[str]) -> int:
    """Statements that the ledger was sent meanwhile."""
    counts.clear()
    time.sleep(seconds)
    return counts["statements"]

"""Verdicts in the ledger: since when, what later looks know, and whom they were told to."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.ledger import Ledger, Remembered
from commands.base.health import Reason, Verdict, VMHealth
from tests.support.clock import StoppedClock

VM = "11111111-aaaa-4aaa-8aaa-111111111111"
FORK = Reason("fork failed", Verdict.HOLD, "A checkpoint failed half-way.", StoppedClock().now)
HELD = VMHealth(VM, "web01", "hv01", Verdict.HOLD, (FORK,))
FINE = VMHealth(VM, "web01", "hv01", Verdict.FINE)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def book(tmp_path: Path, clock: StoppedClock) -> Ledger:
    return Ledger(tmp_path / "ledger.db", clock=clock)


def keep(book: Ledger, health: VMHealth, kept: Remembered | None = None) -> VMHealth:
    book.verdicts.keep([(health, kept or Remembered())])
    return book.verdicts.of([VM])[VM]


def test_a_verdict_comes_back_as_it_was_with_when_it_was_judged(book: Ledger, clock: StoppedClock) -> None:
    assert keep(book, HELD) == replace(HELD, at=clock.now, since=clock.now)
    assert book.verdicts.of(["another"]) == {}
    assert set(book.verdicts.of()) == {VM}


def test_since_when_it_is_so_stays_while_it_is_the_same(book: Ledger, clock: StoppedClock) -> None:
    first = clock.now
    keep(book, HELD)
    later = clock.forward(hours=1)
    assert (keep(book, HELD).since, keep(book, HELD).at) == (first, later)
    assert keep(book, FINE).since == later


def test_what_later_looks_must_know_comes_back(book: Ledger, clock: StoppedClock) -> None:
    day = timedelta(days=1)
    known = Remembered(clock.now - day, clock.now - 2 * day, clock.now, None, clock.now)
    keep(book, HELD, known)
    assert book.verdicts.remembered([VM]) == {VM: known}


def test_who_has_looked_stays_whatever_is_judged_later(book: Ledger, clock: StoppedClock) -> None:
    keep(book, FINE)
    book.verdicts.acknowledge(VM, "U0ADA", "ada", "it was the backup")
    clock.forward(hours=1)
    found = keep(book, HELD).acknowledged
    assert found is not None
    assert (found.person_id, found.person_name, found.reason) == ("U0ADA", "ada", "it was the backup")
    assert book.verdicts.remembered()[VM].acknowledged == found.at


def test_a_hold_and_its_end_are_claimed_once_each(book: Ledger) -> None:
    keep(book, FINE)
    assert book.verdicts.untold() == ()
    keep(book, HELD)
    (turn,) = book.verdicts.untold()
    assert (turn.held, book.verdicts.claim(turn), book.verdicts.claim(turn)) == (True, True, False)
    keep(book, HELD)
    assert book.verdicts.untold() == ()
    keep(book, FINE)
    (turn,) = book.verdicts.untold()
    assert (turn.held, book.verdicts.claim(turn)) == (False, True)
    assert book.verdicts.untold() == ()


def test_what_nobody_heard_is_told_again(book: Ledger) -> None:
    keep(book, HELD)
    (turn,) = book.verdicts.untold()
    book.verdicts.claim(turn)
    book.verdicts.release(turn)
    assert book.verdicts.untold() == (turn,)


def test_reasons_of_another_version_do_not_hide_the_verdict(book: Ledger, tmp_path: Path) -> None:
    keep(book, HELD)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("UPDATE verdicts SET reasons = '{\"version\": 9}'")
    assert book.verdicts.of([VM])[VM].verdict is Verdict.HOLD


def test_a_token_in_a_reason_does_not_get_into_the_ledger(book: Ledger) -> None:
    said = keep(book, FINE)
    book.verdicts.acknowledge(said.vm_id, "U0ADA", "ada", "xoxb-123-abc is fine")
    found = book.verdicts.of([VM])[VM].acknowledged
    assert found is not None
    assert "xoxb" not in found.reason

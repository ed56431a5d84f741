"""Signed requests that were taken."""

from __future__ import annotations

from pathlib import Path

from bot.ledger import Ledger
from bot.ledger.signatures import VALID
from tests.support.clock import StoppedClock


def test_only_the_first_of_its_kind_is_the_first_also_after_a_restart(tmp_path: Path, clock: StoppedClock) -> None:
    for first in (True, False):
        with Ledger(tmp_path / "signed.db", clock=clock) as ledger:
            assert ledger.signatures.first("v0=a") is first
            assert ledger.signatures.first("v0=a") is False
    with Ledger(tmp_path / "signed.db", clock=clock) as ledger:
        ledger.signatures.forget("v0=a")
        assert ledger.signatures.first("v0=a")


def test_they_are_kept_as_hashes_and_no_longer_than_they_could_come_again(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.signatures.first("v0=a")
    clock.forward(minutes=10)
    assert not ledger.signatures.first("v0=a")
    clock.forward(seconds=VALID.total_seconds())
    assert ledger.signatures.first("v0=b")
    with ledger._store.read() as db:
        rows = db.execute("SELECT signature FROM signatures").fetchall()
    assert len(rows) == 1
    assert "v0" not in rows[0][0]

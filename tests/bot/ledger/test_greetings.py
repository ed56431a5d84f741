"""Who was told what the bot is for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bot.ledger import Ledger
from tests.support.clock import StoppedClock


def test_everybody_is_new_once(ledger: Ledger) -> None:
    assert ledger.greetings.begin("U0ADA")
    assert not ledger.greetings.begin("U0ADA")
    assert ledger.greetings.begin("U0GRACE")


def test_who_was_greeted_is_known_over_a_restart(ledger: Ledger, path: Path, clock: StoppedClock) -> None:
    ledger.greetings.begin("U0ADA")
    with Ledger(path, clock=clock) as again:
        assert not again.greetings.begin("U0ADA")


def test_for_whom_is_known_the_file_is_not_read_with_every_request(ledger: Ledger, path: Path) -> None:
    ledger.greetings.begin("U0ADA")
    with closing(sqlite3.connect(path)) as other:
        other.execute("DELETE FROM greetings")
        other.commit()
    assert not ledger.greetings.begin("U0ADA")
    assert ledger.greetings.begin("U0GRACE")

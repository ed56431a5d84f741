from __future__ import annotations

from datetime import time, timedelta

from bot.ledger import Ledger
from commands.base import Schedule
from tests.support.clock import START, StoppedClock
from tests.support.ledger import ADA

NIGHTLY = Schedule("s-1", "nightly", ("web*",), ADA.id, "ada", "C0OPS", at=time(2))


def test_a_run_of_a_clock_that_was_ahead_once_is_not_the_last_for_years(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.schedules.put(NIGHTLY)
    ahead = clock.forward(days=3650)
    assert ledger.schedules.claim("of 2036", NIGHTLY.id, ahead, "token")
    clock.now = START + timedelta(hours=1)
    assert ledger.schedules.claim("of now", NIGHTLY.id, START, "token")

    last = ledger.schedules.last_run(NIGHTLY.id)
    assert last is not None
    assert last.occurrence == "of now"
    assert ledger.schedules.last_due(NIGHTLY.id) == clock.now

"""What the doctor says of the receiver of the audit stream."""

from __future__ import annotations

from pathlib import Path

from bot.ledger import Ledger
from bot.operations.doctor.stream import look
from bot.settings import AuditSettings, Settings
from tests.support.clock import StoppedClock
from tests.support.ledger import carry
from tests.support.settings import NO_SLACK


def test_what_waits_is_counted_and_since_when_nothing_was_taken_is_said(tmp_path: Path) -> None:
    clock, place = StoppedClock(), str(tmp_path / "audit.jsonl")
    settings = Settings(slack=NO_SLACK, data_dir=tmp_path, audit=AuditSettings(stream=place))

    def said() -> str:
        (check,) = look(settings, clock)
        return check.said

    with Ledger(tmp_path / "ledger.db", clock=clock) as ledger:
        carry(ledger, "one")
        ledger.streams.begin(place)
        assert said() == f"{place} can be reached. It has not taken 6 events yet, and nothing so far."
        ledger.streams.sent(place, ledger.audit.head())
        assert said() == f"{place} can be reached."
        clock.forward(hours=5)
        carry(ledger, "two")
        assert said().endswith("It has not taken 6 events yet, and nothing since 2026-11-20 09:00 UTC.")

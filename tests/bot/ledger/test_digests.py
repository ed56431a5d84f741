from __future__ import annotations

from bot.ledger import Ledger
from bot.messages import MessageRef
from tests.support.clock import START, StoppedClock

MORNING = "C0OPS 2026-11-20T08:00Z"
REF = MessageRef("C0OPS", "1763629200.000100")


def test_an_occurrence_is_claimed_once(ledger: Ledger) -> None:
    assert ledger.digests.claim(MORNING, "C0OPS")
    assert not ledger.digests.claim(MORNING, "C0OPS")
    assert ledger.digests.claim("C0OPS 2026-11-21T08:00Z", "C0OPS")


def test_a_claim_outlives_the_program(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.digests.claim(MORNING, "C0OPS")
    ledger.close()
    with Ledger(ledger._store.path, clock=clock) as again:
        assert not again.digests.claim(MORNING, "C0OPS")
        row = again.digests.get(MORNING)
        assert row is not None
        assert (row.claimed_at, row.posted_at, row.message) == (START, None, None)


def test_a_posted_digest_is_known_with_its_message_and_text(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.digests.claim(MORNING, "C0OPS")
    clock.forward(seconds=2)
    assert ledger.digests.posted(MORNING, REF, "2 stale checkpoints")
    row = ledger.digests.last("C0OPS")
    assert row is not None
    assert (row.message, row.text, row.posted_at) == (REF, "2 stale checkpoints", clock.now)


def test_a_digest_is_confirmed_once_and_only_after_its_claim(ledger: Ledger) -> None:
    assert not ledger.digests.posted(MORNING, REF, "")
    ledger.digests.claim(MORNING, "C0OPS")
    assert ledger.digests.posted(MORNING, None, "by direct message")
    assert not ledger.digests.posted(MORNING, REF, "")


def test_a_claim_that_led_to_nothing_can_be_given_back(ledger: Ledger) -> None:
    ledger.digests.claim(MORNING, "C0OPS")
    ledger.digests.release(MORNING)
    assert ledger.digests.get(MORNING) is None
    assert ledger.digests.claim(MORNING, "C0OPS")


def test_a_digest_that_was_posted_cannot_be_given_back(ledger: Ledger) -> None:
    ledger.digests.claim(MORNING, "C0OPS")
    ledger.digests.posted(MORNING, REF, "")
    ledger.digests.release(MORNING)
    assert not ledger.digests.claim(MORNING, "C0OPS")


def test_the_last_digest_of_a_channel_is_the_newest_posted(ledger: Ledger, clock: StoppedClock) -> None:
    for day, posted in (("20", True), ("21", True), ("22", False)):
        ledger.digests.claim(day, "C0OPS")
        if posted:
            ledger.digests.posted(day, REF, f"of the {day}")
        clock.forward(days=1)
    row = ledger.digests.last("C0OPS")
    assert row is not None
    assert row.text == "of the 21"
    assert ledger.digests.last("C0DEV") is None


def test_a_digest_of_a_clock_that_was_ahead_once_is_not_the_last_for_years(ledger: Ledger, clock: StoppedClock) -> None:
    for day, ahead in (("2036", 3650), ("22", -3650)):
        clock.forward(days=ahead)
        ledger.digests.claim(day, "C0OPS")
        ledger.digests.posted(day, REF, f"of the {day}")
    row = ledger.digests.last("C0OPS")
    assert row is not None
    assert row.text == "of the 22"

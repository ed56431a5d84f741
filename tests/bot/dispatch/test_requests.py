"""What arrives, as values, and what came lately."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.dispatch.requests import SeenLately

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_the_same_is_first_once() -> None:
    seen = SeenLately()
    assert [seen.first("a"), seen.first("a"), seen.first("b")] == [True, False, True]


def test_the_same_is_first_again_after_its_span() -> None:
    seen = SeenLately()
    moments = [NOW, NOW + SECOND / 2, NOW + 2 * SECOND]
    assert [seen.first("a", at, within=SECOND) for at in moments] == [True, False, True]


def test_a_clock_that_was_set_back_does_not_hold_it_up() -> None:
    seen = SeenLately()
    assert seen.first("a", NOW, within=SECOND)
    assert seen.first("a", NOW - timedelta(hours=1), within=SECOND)


def test_only_the_last_are_known() -> None:
    seen = SeenLately(size=2)
    assert [seen.first(id) for id in "abca"] == [True] * 4


def test_what_is_forgotten_is_first_again() -> None:
    seen = SeenLately()
    seen.first("a")
    seen.forget("a")
    assert seen.first("a")

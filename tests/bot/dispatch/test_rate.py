"""How fast one person may ask."""

from __future__ import annotations

from collections import Counter

from bot.dispatch.rate import A_SECOND, AT_ONCE, Rate
from tests.support.people import ADA, BOB


class Seconds:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_ten_thousand_requests_in_a_minute_are_slowed_with_one_word_and_nobody_elses_are() -> None:
    clock = Seconds()
    rate = Rate(clock=clock)
    came: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for number in range(10_000):
        clock.now = number * 60 / 10_000
        came[rate.of(ADA)] += 1
        if number % 100 == 0:
            others[rate.of(BOB)] += 1

    assert came["tell"] == 1
    assert abs(came["take"] - (AT_ONCE + 60 * A_SECOND)) < 3
    assert others == {"take": 100}


def test_who_asks_slower_again_is_taken_again() -> None:
    clock = Seconds()
    rate = Rate(at_once=2, a_second=1, clock=clock)
    assert [rate.of(ADA) for _ in range(4)] == ["take", "take", "tell", "drop"]

    clock.now = 1.5
    assert [rate.of(ADA) for _ in range(2)] == ["take", "drop"]
    clock.now = 61
    assert [rate.of(ADA) for _ in range(3)] == ["take", "take", "tell"]

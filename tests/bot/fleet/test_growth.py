"""Rates and forecasts from samples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import sin, tau
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.fleet.growth import HORIZON, KnownGrowth, held, rate, until_full, written
from bot.ledger import Ledger
from tests.support.clock import START, StoppedClock
from tests.support.ledger import inventory, vm

GB = 1024**3
HOUR, DAY = 3600, 86400
BEGUN = 1_790_000_000


def hourly(days: float, size, every: float = HOUR):
    """Samples of `size(day)`, the last after that many days."""
    return [(BEGUN + round(n * every), round(size(n * every / DAY))) for n in range(int(days * DAY // every) + 1)]


@pytest.mark.parametrize("days", [3, 4.3, 7, 14])
@pytest.mark.parametrize("every", [600, HOUR, 4 * HOUR, DAY])
def test_linear_growth_is_told_within_a_fifth(days: float, every: float) -> None:
    if days % 1 and every == DAY:
        days = 5
    told = rate(hourly(days, lambda day: 7 * GB + 2 * GB * day, every))
    assert told is not None
    assert told.per_day == pytest.approx(2 * GB, rel=0.2)
    assert told.low <= 2 * GB <= told.high


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([3, 5, 9, 14]))
def test_linear_growth_with_noise_is_told_within_a_fifth(seed: int, days: int) -> None:
    random = Random(seed)
    told = rate(hourly(days, lambda day: 50 * GB + 2 * GB * day + random.gauss(0, 0.2 * GB)))
    assert told is not None
    assert told.per_day == pytest.approx(2 * GB, rel=0.2)


@settings(max_examples=60, deadline=None)
@given(st.integers(3 * 24, 14 * 24), st.floats(0.0, 1.0), st.floats(0.1, 8.0))
def test_of_a_daily_pattern_the_truth_is_within_the_range(hours: int, phase: float, swing: float) -> None:
    """What is free goes up and down within each day, by up to four days' worth, and less becomes of it."""

    def free(day: float) -> float:
        return 100 * GB - 2 * GB * day + swing * GB * sin(tau * (day + phase))

    samples = hourly(hours / 24, free)
    told = until_full(samples)
    assert told is not None
    days, soonest, latest = told
    left = samples[-1][1] / (2 * GB)
    assert soonest <= left <= latest
    assert days == pytest.approx(left, rel=0.2)


def test_work_that_rests_at_the_weekend_is_within_the_range() -> None:
    def size(day: float) -> float:
        week, rest = divmod(day, 7)
        return GB * (10 * week + 2 * min(rest, 5))

    for start in range(7):
        told = rate(hourly(14, lambda day, start=start: size(day + start)))
        assert told is not None
        assert told.low <= 10 * GB / 7 <= told.high


def test_below_three_days_of_samples_nothing_is_told() -> None:
    assert rate(hourly(2.95, lambda day: 2 * GB * day)) is None
    assert rate([]) is None
    assert until_full(hourly(2.95, lambda day: 90 * GB - 2 * GB * day)) is None


def test_of_what_jumps_nothing_is_told() -> None:
    random = Random(7)
    assert rate(hourly(14, lambda day: random.uniform(0, 100) * GB)) is None
    assert rate(hourly(14, lambda day: 0 if day < 12 else 40 * GB)) is None


def test_what_stands_still_or_shrinks_does_not_grow() -> None:
    assert rate(hourly(9, lambda day: 5 * GB)) is None
    assert until_full(hourly(9, lambda day: 50 * GB + GB * day)) is None


def test_one_odd_day_changes_little() -> None:
    told = rate(hourly(14, lambda day: 2 * GB * day + (3 * GB if 5 <= day < 6 else 0)))
    assert told is not None
    assert told.per_day == pytest.approx(2 * GB, rel=0.2)


def test_after_a_clean_up_only_what_came_since_counts() -> None:
    def free(day: float) -> float:
        return (90 if day < 8 else 190) * GB - 2 * GB * day

    told = until_full(hourly(14, free))
    assert told is not None
    assert told[0] == pytest.approx(81, rel=0.1)
    assert until_full(hourly(9.5, free)) is None, "a day and a half is too little"


def test_a_merge_takes_nothing_off_what_was_written() -> None:
    assert written([(0, 5), (1, 9), (2, 3), (3, 4)]) == [(0, 0), (1, 4), (2, 4), (3, 5)]
    assert written([(0, 5), (1, 0), (2, 3)]) == [(1, 0), (2, 3)], "since it last had no checkpoints"
    assert written([]) == []


def test_what_checkpoints_held_together_is_summed_at_equal_steps() -> None:
    until = datetime.fromtimestamp(BEGUN, UTC) + timedelta(days=6)
    one, other = hourly(6, lambda day: GB * day), [(BEGUN + 5 * DAY, 3 * GB)]
    points = held([one, other], until, days=6, points=3)
    assert [size for _, size in points] == [2 * GB, 4 * GB, 9 * GB]
    assert [day for day, _ in points] == [(until - timedelta(days=n)).date() for n in (4, 2, 0)]
    assert held([], until, days=30, points=15) == ()


def test_what_is_gone_holds_nothing_any_more() -> None:
    until = datetime.fromtimestamp(BEGUN, UTC) + timedelta(days=30)
    assert held([[(BEGUN + 20 * DAY, GB)]], until, days=30, points=15)[-1][0] < until.date()


class TestOfTheLedger:
    @pytest.fixture
    def clock(self) -> StoppedClock:
        return StoppedClock()

    @pytest.fixture
    def ledger(self, tmp_path: Path, clock: StoppedClock) -> Iterator[Ledger]:
        with Ledger(tmp_path / "ledger.db", clock=clock) as ledger:
            yield ledger

    @pytest.fixture
    def growth(self, ledger: Ledger, clock: StoppedClock) -> KnownGrowth:
        for hour in range(0, 5 * 24 + 1, 6):
            clock.now = START + timedelta(hours=hour)
            free = 40 * GB - hour * GB // 6
            ledger.samples.add(inventory(vm("web01", growth=hour * GB // 12), at=clock.now, free=free))
        return KnownGrowth(ledger, clock)

    def test_a_vm_has_its_rate(self, growth: KnownGrowth) -> None:
        told = growth.of_vms(["id-web01", "id-nope"])
        assert set(told) == {"id-web01"}
        assert told["id-web01"].per_day == pytest.approx(2 * GB, rel=0.2)

    def test_a_volume_that_fills_within_a_month_is_named(self, growth: KnownGrowth) -> None:
        (one,) = growth.of_volumes(["hv01"])
        assert (one.host, one.path) == ("hv01", "C:\\")
        assert one.days == pytest.approx(5, rel=0.2)
        assert one.soonest < one.days < one.latest < HORIZON.days
        assert growth.of_volumes(["hv02"]) == ()

    def test_days_count_from_now_and_not_from_the_newest_sample(self, growth: KnownGrowth, clock: StoppedClock) -> None:
        (then,) = growth.of_volumes(["hv01"])
        clock.forward(hours=18)
        (now,) = growth.of_volumes(["hv01"])
        assert (then.age, now.age) == (timedelta(0), timedelta(hours=18))
        assert now.days == pytest.approx(then.days - 0.75)
        assert now.soonest == pytest.approx(then.soonest - 0.75)
        assert now.free == then.free

    def test_what_was_not_sampled_for_a_day_is_not_spoken_of(self, growth: KnownGrowth, clock: StoppedClock) -> None:
        clock.forward(days=1)
        assert growth.of_volumes(["hv01"]) == ()
        assert growth.of_vms(["id-web01"]) == {}

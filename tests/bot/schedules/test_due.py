"""When a schedule is due: each time once a day, also on the days on which the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.schedules.due import last_due, next_run
from commands.base import Schedule

PARIS, UTC_ZONE = ZoneInfo("Europe/Paris"), ZoneInfo("UTC")
HOUR = 3600.0


def daily(at: str = "02:30", **more: object) -> Schedule:
    hours, minutes = map(int, at.split(":"))
    return Schedule("id", "nightly", ("*",), "U0ADA", "ada", "C0OPS", at=time(hours, minutes), **more)  # type: ignore[arg-type]


def every(hours: float, **more: object) -> Schedule:
    return Schedule("id", "often", ("*",), "U0ADA", "ada", "C0OPS", every=hours * HOUR, **more)  # type: ignore[arg-type]


def due(schedule: Schedule, begin: datetime, days: int, zone: ZoneInfo = PARIS) -> list[datetime]:
    found, end = [next_run(schedule, begin, zone)], begin + timedelta(days=days)
    while found[-1] < end:
        found.append(next_run(schedule, found[-1], zone))
    return found[:-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_it_is_due_at_its_time_of_day_in_the_time_zone() -> None:
    assert next_run(daily(), at("2026-11-20 09:00"), PARIS) == at("2026-11-21 01:30")
    assert next_run(daily(), at("2026-11-20 09:00"), UTC_ZONE) == at("2026-11-21 02:30")


@pytest.mark.parametrize(
    ("change", "times"),
    [
        # 02:30 does not exist on 28 March: it comes at 03:30, as much later as the clocks are put forward.
        ("2027-03-27", ["2027-03-27 01:30", "2027-03-28 01:30", "2027-03-29 00:30"]),
        # 02:30 comes twice on 25 October: the first counts.
        ("2026-10-24", ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
    ],
)
def test_both_clock_changes_run_it_once(change: str, times: list[str]) -> None:
    assert due(daily(), at(change), 3) == [at(one) for one in times]


@pytest.mark.parametrize("day", ["2027-03-27 23:00", "2026-10-24 22:00"])
def test_every_six_hours_is_four_times_a_day_by_the_clock_on_the_wall(day: str) -> None:
    times = due(every(6), at(day) - timedelta(seconds=1), 1)

    assert [f"{one.astimezone(PARIS):%H:%M}" for one in times][:4] == ["00:00", "06:00", "12:00", "18:00"]


def test_every_hour_is_never_twice_at_one_moment() -> None:
    for change in ("2027-03-27 12:00", "2026-10-24 12:00"):
        times = due(every(1), at(change), 2)
        assert all(timedelta(hours=1) <= after - before <= timedelta(hours=2) for before, after in pairwise(times))


def test_on_weekdays_it_leaves_out_saturday_and_sunday() -> None:
    days = [f"{one:%a}" for one in due(daily(weekdays=True), at("2026-11-20 09:00"), 7)]

    assert days == ["Mon", "Tue", "Wed", "Thu", "Fri"]


def test_every_two_days_leaves_out_every_other_day() -> None:
    times = due(every(48), at("2026-11-20 09:00"), 8)

    assert {after - before for before, after in pairwise(times)} == {timedelta(days=2)}


def test_every_week_is_on_mondays_so_that_it_comes_also_where_weekends_are_left_out() -> None:
    found = due(every(7 * 24, weekdays=True), at("2026-11-20 09:00"), 30)

    assert [one.astimezone(PARIS).strftime("%a %d") for one in found] == ["Mon 23", "Mon 30", "Mon 07", "Mon 14"]


def test_a_time_that_is_years_away_is_found() -> None:
    assert next_run(every(5000 * 24), at("2027-11-20 09:00"), PARIS).year == 2040


def test_after_downtime_one_run_is_due_not_seven() -> None:
    before, now = at("2026-11-13 09:00"), at("2026-11-20 09:00")

    assert last_due(daily(), before, now, PARIS) == at("2026-11-20 01:30")
    assert last_due(daily(), at("2026-11-20 01:30"), now, PARIS) is None
    assert last_due(every(1), at("2019-01-01 00:00"), now, PARIS) == at("2026-11-20 09:00")


def test_a_time_that_a_clock_noted_which_was_years_ahead_puts_nothing_off() -> None:
    now = at("2026-11-20 09:00")
    assert last_due(daily(), at("2036-01-01 01:30"), now, PARIS) == at("2026-11-20 01:30")
    assert last_due(daily(), at("2026-11-20 10:00"), now, PARIS) is None


@given(
    begin=st.integers(0, 2 * 365 * 24 * 60),
    minute=st.integers(0, 24 * 60 - 1),
    zone=st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_any_time_of_day_is_due_once_for_each_day(begin: int, minute: int, zone: str) -> None:
    schedule = daily(f"{minute // 60:02}:{minute % 60:02}")

    times = due(schedule, at("2026-01-01") + timedelta(minutes=begin), 10, ZoneInfo(zone))

    assert len(times) in (9, 10, 11)
    assert all(timedelta(hours=22) < after - before < timedelta(hours=26) for before, after in pairwise(times))

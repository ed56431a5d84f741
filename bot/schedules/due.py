"""When a schedule is due. Functions of values.

Times of day are those of the settings' time zone, also on the days on which its clocks change: a time that a day does
not have comes as much later as the clocks were put forward, and of a time that a day has twice the first counts. So
each time is due once a day, whatever the clocks do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commands.base import Schedule

DAY = timedelta(days=1)

BEFORE = timedelta(days=40)
"""How far back it is looked for a time that was missed. What was noted as further ahead than that, a clock that was
wrong has noted: it says nothing."""


def next_run(schedule: Schedule, after: datetime, zone: ZoneInfo) -> datetime:
    """The first time after that moment at which it is due, in UTC."""
    begin = after.astimezone(zone).date() - DAY  # a time of yesterday that yesterday did not have
    days = (begin + DAY * number for number in itertools.count())
    return next(due for day in days for due in _times(schedule, day, zone) if due > after)


def last_due(schedule: Schedule, after: datetime, now: datetime, zone: ZoneInfo) -> datetime | None:
    """The last time after that moment at which it was due by now; None where there is none. What was missed is made up
    by one run, however many were due."""
    found = None
    earliest = now - BEFORE
    due = next_run(schedule, max(after, earliest) if after < now + BEFORE else earliest, zone)
    while due <= now:
        found, due = due, next_run(schedule, due, zone)
    return found


def _times(schedule: Schedule, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    if schedule.weekdays and day.weekday() > 4:
        return
    every = timedelta(seconds=schedule.every) if schedule.every else DAY
    if every > DAY and (day.toordinal() - 1) % (every // DAY):  # weeks begin on Mondays
        return
    at = datetime.combine(day, schedule.at or time(), zone)
    midnight = datetime.combine(day, time()) + DAY
    while at.replace(tzinfo=None) < midnight:
        yield at.astimezone(UTC)
        at += every

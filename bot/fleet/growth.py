"""How fast VMs and volumes grow, and when a volume is full: functions of samples, silent where these tell too little.

The means of whole days are compared, counted back from the newest sample, so that what goes up and down within a day
cancels out. The rate is the median of the slopes between days that lie half of the time apart, and its bounds hold four
slopes of five: one odd day in a week moves neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean, median, quantiles

from bot.ledger import Ledger, Sample
from commands.base import Filling, Rate

WINDOW = timedelta(days=14)
"""Samples older than this say nothing about today's rate."""

LEAST = timedelta(days=3)
"""Below this there is no rate."""

HORIZON = timedelta(days=30)
"""A volume that is full later is not spoken of."""

TOO_OLD = timedelta(days=1)
"""What was not sampled for this long is not spoken of either."""

NOTHING = 1024.0**2
"""Bytes a day below which something does not grow."""

JUMPY = 4.0
"""So many times the lower bound is the upper one of what is too jumpy to tell."""

AT_ONCE = 250
"""VMs whose samples are in memory at once: those of thousands would take hundreds of megabytes."""

LEAST_DOUBT = 0.1
"""Part of a rate by which it may be off at the least."""

_DAY = 86400


def rate(samples: Sequence[Sample]) -> Rate | None:
    """How fast something grows; None where that cannot be told, and for what does not grow."""
    if not samples or samples[-1][0] - samples[0][0] < LEAST.total_seconds():
        return None
    days = _since_it_fell(_days(samples))
    if len(days) < LEAST.days:
        return None
    apart = max(1, len(days) // 2)
    slopes = [(size - before) / (at - then) for n, (then, before) in enumerate(days) for at, size in days[n + apart :]]
    middle, tenths = median(slopes), quantiles(slopes, n=10, method="inclusive")
    doubt = abs(middle) * LEAST_DOUBT
    low, high = min(tenths[0], middle - doubt), max(tenths[-1], middle + doubt)
    return Rate(middle, low, high) if low > NOTHING and high <= JUMPY * low else None


def written(samples: Sequence[Sample]) -> list[Sample]:
    """All that was written to the disks of a VM's checkpoints since it last had none: a merge takes nothing off."""
    start = next((n for n in range(len(samples) - 1, -1, -1) if samples[n][1] == 0), 0)
    total, sums = 0, [(samples[start][0], 0)] if samples else []
    for (_, before), (at, size) in pairwise(samples[start:]):
        total += max(size - before, 0)
        sums.append((at, total))
    return sums


def until_full(free: Sequence[Sample]) -> tuple[float, float, float] | None:
    """In how many days from the newest sample nothing is free any more: as it goes today, at the soonest, and at the
    latest. None where that cannot be told."""
    used = rate([(at, -left) for at, left in free])
    if used is None:
        return None
    left = free[-1][1]
    return left / used.per_day, left / used.high, left / used.low


def held(
    series: Iterable[Sequence[Sample]], until: datetime, *, days: int, points: int
) -> tuple[tuple[date, int], ...]:
    """What all of them held together at the end of each of so many equal spans, as far as anything was sampled then. A
    day or two without a sample changes nothing."""
    step = days * _DAY // points
    end = int(until.timestamp())
    ends = [end - step * n for n in range(points - 1, -1, -1)]
    sums: dict[int, int] = {}
    for samples in series:
        n, count = 0, len(samples)
        for moment in ends:
            while n < count and samples[n][0] <= moment:
                n += 1
            if n and samples[n - 1][0] > moment - max(step, 2 * _DAY):
                sums[moment] = sums.get(moment, 0) + samples[n - 1][1]
    return tuple(
        (datetime.fromtimestamp(moment, until.tzinfo).date(), sums[moment]) for moment in ends if moment in sums
    )


@dataclass(frozen=True, slots=True)
class KnownGrowth:
    """The `Growth` of commands and digests, from the ledger's samples."""

    ledger: Ledger
    clock: Callable[[], datetime]

    def of_vms(self, vm_ids: Iterable[str]) -> Mapping[str, Rate]:
        now, ids = self.clock(), list(vm_ids)
        rates: dict[str, Rate | None] = {}
        for begin in range(0, len(ids), AT_ONCE):
            found = self.ledger.samples.of_vms(now - WINDOW, ids[begin : begin + AT_ONCE])
            rates |= {vm_id: rate(written(one)) for vm_id, one in found.items() if _is_recent(one, now)}
        return {vm_id: one for vm_id, one in rates.items() if one is not None}

    def of_volumes(self, hosts: Iterable[str]) -> tuple[Filling, ...]:
        now = self.clock()
        found = self.ledger.samples.of_volumes(now - WINDOW, hosts)
        filling = [_filling(*key, one, now) for key, one in found.items() if _is_recent(one, now)]
        soon = (one for one in filling if one is not None and one.days <= HORIZON.days)
        return tuple(sorted(soon, key=lambda one: one.days))


def _filling(host: str, path: str, free: Sequence[Sample], now: datetime) -> Filling | None:
    """From now on: some of the days that are left may be over since the newest sample."""
    days, (at, left) = until_full(free), free[-1]
    if days is None:
        return None
    age = max(0, int(now.timestamp()) - at)
    from_now, soonest, latest = (max(0.0, one - age / _DAY) for one in days)
    return Filling(host, path, left, from_now, soonest, latest, timedelta(seconds=age))


def _is_recent(samples: Sequence[Sample], now: datetime) -> bool:
    return now.timestamp() - samples[-1][0] < TOO_OLD.total_seconds()


def _days(samples: Sequence[Sample]) -> list[tuple[float, float]]:
    """The mean time, in days, and the mean size of each day, oldest first. A first day that was not seen whole is left
    out: it would be of another time of day than the others."""
    newest = samples[-1][0]
    by_day: dict[int, list[Sample]] = {}
    for one in samples:
        by_day.setdefault((newest - one[0]) // _DAY, []).append(one)
    found = [by_day[day] for day in sorted(by_day, reverse=True)]
    if len(found) > 1 and len(found[0]) < 0.9 * len(found[1]):
        del found[0]
    return [(fmean(at for at, _ in day) / _DAY, fmean(size for _, size in day)) for day in found]


def _since_it_fell(days: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Only what came after somebody has cleaned up: a fall by far more than a usual day's change."""
    changes = [after - before for (_, before), (_, after) in pairwise(days)]
    usual = median(map(abs, changes)) if changes else 0.0
    falls = [n for n, change in enumerate(changes, start=1) if change < -3 * usual]
    return days[falls[-1] :] if falls else days

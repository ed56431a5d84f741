"""A year of samples of 5,000 VMs: how much room and memory it takes, and how long a forecast for all of them does."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.fleet.growth import KnownGrowth
from bot.ledger import Ledger
from bot.ledger.samples import KEPT
from tests.support.clock import START, StoppedClock
from tests.support.ledger import inventory, vm

VMS, HOSTS = int(os.environ.get("BENCH_VMS", "5000")), 100
GB, DAY = 1024**3, 86400

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def clock() -> StoppedClock:
    return StoppedClock(START + KEPT[-1])


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory, clock: StoppedClock) -> Iterator[Ledger]:
    """As a year of hourly looks leaves it: the spacing is of `test_samples_become_fewer_with_age`."""
    path = tmp_path_factory.mktemp("bench") / "ledger.db"
    end = int(clock().timestamp()) // DAY * DAY
    ages = [*range(0, 2 * DAY, 3600), *range(2 * DAY, 14 * DAY, 14400), *range(14 * DAY, 365 * DAY, DAY)]
    with Ledger(path, clock=clock) as ledger:
        before = room(ledger)
        volumes = [(VMS + n, f"hv{n:03}", "D:\\", 9000 * GB) for n in range(HOSTS)]
        with ledger._store.write() as db:
            db.conn.executemany("INSERT INTO sampled VALUES (?, '', ?, NULL)", [(n, guid(n)) for n in range(VMS)])
            db.conn.executemany("INSERT INTO sampled VALUES (?, ?, ?, ?)", volumes)
            db.conn.executemany("INSERT INTO samples VALUES (?, ?, ?, ?)", rows(end, ages))
        taken, count = room(ledger) - before, len(ages) * (VMS + HOSTS)
        print(f"\na year of {VMS:,} VMs: {count:,} samples, {taken / 1e6:.0f} MB, {taken / count:.0f} bytes each")
        clock.now = clock.now.fromtimestamp(end, clock.now.tzinfo)
        yield ledger


def room(ledger: Ledger) -> int:
    """Bytes of the database."""
    with ledger._store.read() as db:
        return int(db.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0])


def guid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def rows(end: int, ages: list[int]) -> Iterator[tuple[int, int, int, int]]:
    for what in range(VMS + HOSTS):
        for age in reversed(ages):
            rank = 2 if (end - age) % DAY == 0 else 1 if (end - age) % 14400 == 0 else 0
            used = (365 * DAY - age) * (what % 9 + 1) * GB // DAY
            yield what, end - age, rank, used if what < VMS else 4000 * GB - used // 4


def test_a_forecast_for_all(ledger: Ledger, clock: StoppedClock) -> None:
    growth, before = KnownGrowth(ledger, clock), most()
    ids, hosts = [guid(n) for n in range(VMS)], [f"hv{n:03}" for n in range(HOSTS)]
    assert len(growth.of_vms(ids)) == VMS
    after = most()
    print(f"memory: at most {before / 1e6:.0f} MB before a forecast for all, {after / 1e6:.0f} MB with it")
    all_vms, volumes = seconds(lambda: growth.of_vms(ids)), seconds(lambda: growth.of_volumes(hosts))
    bare = seconds(lambda: bare_slopes(ledger, clock))
    print(
        f"forecast: {VMS:,} VMs {all_vms:.2f} s, {HOSTS} volumes {volumes * 1000:.0f} ms; bare reading {bare:.2f} s, "
        f"ratio {all_vms / bare:.1f}"
    )


def test_one_hosts_addition(ledger: Ledger, clock: StoppedClock) -> None:
    """With what it drops of old samples."""
    seen = [vm(f"vm{n}", growth=n, vm_id=guid(n)) for n in range(VMS // HOSTS)]
    for _ in range(3):
        clock.forward(hours=1)
        spent = seconds(lambda: ledger.samples.add(inventory(*seen, at=clock.now, free=1)))
        print(f"a host's {len(seen)} VMs added: {spent * 1000:.1f} ms")


def most() -> int:
    """Bytes that this process ever held at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def bare_slopes(ledger: Ledger, clock: StoppedClock) -> float:
    """The same samples, read and walked through once."""
    found = ledger.samples.of_vms(clock() - timedelta(days=14))
    return sum(b - a for samples in found.values() for (_, a), (_, b) in pairwise(samples))


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from backends.base import ReplicationMode
from bot.ledger import Ledger
from bot.ledger.samples import KEPT
from tests.support.clock import START, StoppedClock
from tests.support.data_folders import restore
from tests.support.ledger import inventory, vm

HOUR = timedelta(hours=1)


def sample(ledger: Ledger, clock: StoppedClock, *sizes: int, name: str = "web01") -> None:
    for size in sizes:
        ledger.samples.add(inventory(vm(name, growth=size), at=clock.now))
        clock.forward(hours=1)


def sizes(ledger: Ledger, **more: list[str]) -> dict[str, list[int]]:
    found = ledger.samples.of_vms(START, more.get("only"))
    return {vm_id: [size for _, size in samples] for vm_id, samples in found.items()}


def test_each_vm_has_its_own_samples(ledger: Ledger, clock: StoppedClock) -> None:
    sample(ledger, clock, 0, 10)
    sample(ledger, clock, 0, 20, name="db01")
    assert sizes(ledger) == {"id-web01": [0, 10], "id-db01": [0, 20]}
    assert sizes(ledger, only=["id-db01", "id-nope"]) == {"id-db01": [0, 20]}


def test_only_samples_since_the_moment_count(ledger: Ledger, clock: StoppedClock) -> None:
    sample(ledger, clock, 0, 1000, 1010)
    assert [size for _, size in ledger.samples.of_vms(START + HOUR)["id-web01"]] == [1000, 1010]
    assert ledger.samples.of_vms(START + 10 * HOUR) == {}


def test_an_inventory_without_disks_adds_nothing(ledger: Ledger) -> None:
    ledger.samples.add(inventory(vm("web01"), at=START))
    assert ledger.samples.of_vms(START) == {}
    assert ledger.samples.of_volumes(START) == {}


def test_the_same_inventory_twice_counts_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.samples.add(inventory(vm("web01", growth=5), at=START, free=10))
    assert sizes(ledger) == {"id-web01": [5]}


def test_a_volume_shows_what_was_free_on_it(ledger: Ledger, clock: StoppedClock) -> None:
    for free in (500, 300):
        ledger.samples.add(inventory(at=clock.now, free=free))
        clock.forward(hours=12)
    begun = int(START.timestamp())
    expected = {("hv01", "C:\\"): [(begun, 500), (begun + 43200, 300)]}
    assert ledger.samples.of_volumes(START) == expected
    assert ledger.samples.of_volumes(START, ["hv01"]) == expected
    assert ledger.samples.of_volumes(START, ["hv02"]) == {}


def test_the_disks_of_a_replica_are_not_those_of_the_vm(ledger: Ledger) -> None:
    copy = vm("web01", growth=7)
    copy = replace(copy, vm=replace(copy.vm, replication_mode=ReplicationMode.REPLICA))
    ledger.samples.add(inventory(copy, at=START, free=1))
    assert ledger.samples.of_vms(START) == {}


def test_samples_become_fewer_with_age(ledger: Ledger, clock: StoppedClock) -> None:
    for turn in range(12 * 17):
        ledger.samples.add(inventory(vm("web01", growth=turn), at=clock.now))
        last = clock.now.timestamp()
        clock.forward(hours=2)
    ages = [(last - at) / 3600 for at, _ in ledger.samples.of_vms(START)["id-web01"]]

    assert sum(age <= 48 for age in ages) == 25
    assert sum(48 < age <= 14 * 24 for age in ages) == 12 * 6, "the first of four hours"
    assert sum(age > 14 * 24 for age in ages) == 4, "the first of a day"


def test_samples_of_more_than_a_year_ago_are_dropped(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.samples.add(inventory(vm("web01", growth=1), at=START, free=1))
    later = [clock.forward(days=KEPT[-1].days, seconds=1), clock.forward(days=1)]
    for at in later:
        ledger.samples.add(inventory(vm("web01", growth=2), at=at, free=2))
    expected = [(int(at.timestamp()), 2) for at in later]
    assert ledger.samples.of_vms(START) == {"id-web01": expected}
    assert list(ledger.samples.of_volumes(START).values()) == [expected]


def test_a_clock_that_ran_ahead_leaves_nothing_behind_and_takes_nothing_away(
    ledger: Ledger, clock: StoppedClock
) -> None:
    for size in range(20):
        sample(ledger, clock, size)
        clock.forward(hours=11)
    now = clock.now
    clock.forward(days=4000)
    sample(ledger, clock, *range(1000, 1012))
    clock.now = now
    sample(ledger, clock, 20)
    assert sizes(ledger) == {"id-web01": list(range(21))}


def test_what_a_site_dates_ahead_of_the_bot_is_of_now(ledger: Ledger, clock: StoppedClock) -> None:
    ledger.samples.add(inventory(vm("web01", growth=1), at=START + 24 * HOUR, free=1))
    assert ledger.samples.of_vms(START) == {"id-web01": [(int(START.timestamp()), 1)]}


def test_the_same_sample_added_again_keeps_its_rank(ledger: Ledger, clock: StoppedClock) -> None:
    for _ in range(2):
        ledger.samples.add(inventory(vm("web01", growth=1), at=START))
    clock.forward(days=3)
    ledger.samples.add(inventory(vm("web01", growth=2), at=clock.now))
    assert [size for _, size in ledger.samples.of_vms(START)["id-web01"]] == [1, 2]


def test_what_an_older_version_sampled_goes_on(tmp_path: Path) -> None:
    with Ledger(restore("first", tmp_path) / "ledger.db", clock=StoppedClock()) as ledger:
        with ledger._store.read() as db:
            vms, volumes = db.execute("SELECT sum(host = ''), sum(host <> '') FROM sampled").fetchone()
        assert vms > 0
        assert volumes > 0
        assert all(samples for samples in ledger.samples.of_vms(START.replace(year=2000)).values())

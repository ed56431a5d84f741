from __future__ import annotations

from datetime import timedelta

from bot.ledger import Ledger
from bot.ledger.samples import KEPT
from tests.support.ledger import START, Clock, inventory, vm

HOUR = timedelta(hours=1)


def sample(ledger: Ledger, clock: Clock, *sizes: int, name: str = "web01") -> None:
    for size in sizes:
        ledger.samples.add(inventory(vm(name, growth=size), at=clock.now))
        clock.forward(hours=1)


def test_growth_is_bytes_written_per_day(ledger: Ledger, clock: Clock) -> None:
    sample(ledger, clock, 100, 150, 200)
    growth = ledger.samples.growth(START)["id-web01"]
    assert (growth.bytes_now, growth.bytes_grown) == (200, 100)
    assert (growth.since, growth.until) == (START, START + 2 * HOUR)
    assert growth.bytes_per_day == 1200


def test_a_merge_takes_nothing_off_the_growth(ledger: Ledger, clock: Clock) -> None:
    sample(ledger, clock, 100, 200, 0, 50)
    growth = ledger.samples.growth(START)["id-web01"]
    assert (growth.bytes_now, growth.bytes_grown) == (50, 150)


def test_a_single_sample_says_nothing_about_the_rate(ledger: Ledger, clock: Clock) -> None:
    sample(ledger, clock, 100)
    assert ledger.samples.growth(START)["id-web01"].bytes_per_day is None


def test_only_samples_since_the_moment_count(ledger: Ledger, clock: Clock) -> None:
    sample(ledger, clock, 0, 1000, 1010)
    assert ledger.samples.growth(START + HOUR)["id-web01"].bytes_grown == 10
    assert ledger.samples.growth(START + 10 * HOUR) == {}


def test_each_vm_has_its_own_growth(ledger: Ledger, clock: Clock) -> None:
    sample(ledger, clock, 0, 10)
    sample(ledger, clock, 0, 20, name="db01")
    assert {id: g.bytes_grown for id, g in ledger.samples.growth(START).items()} == {"id-web01": 10, "id-db01": 20}
    assert set(ledger.samples.growth(START, ["id-db01", "id-nope"])) == {"id-db01"}


def test_an_inventory_without_disks_adds_nothing(ledger: Ledger) -> None:
    ledger.samples.add(inventory(vm("web01"), at=START))
    assert ledger.samples.growth(START) == {}
    assert ledger.samples.volumes(START) == ()


def test_the_same_inventory_twice_counts_once(ledger: Ledger) -> None:
    for _ in range(2):
        ledger.samples.add(inventory(vm("web01", growth=5), at=START, free=10))
    assert ledger.samples.growth(START)["id-web01"].bytes_now == 5


def test_a_volume_shows_where_its_free_space_goes(ledger: Ledger, clock: Clock) -> None:
    for free in (500, 300, 400):
        ledger.samples.add(inventory(at=clock.now, free=free))
        clock.forward(hours=12)
    (trend,) = ledger.samples.volumes(START)
    assert (trend.host, trend.path, trend.size, trend.free, trend.free_before) == ("hv01", "C:\\", 1000, 400, 500)
    assert trend.bytes_per_day == 100


def test_old_samples_are_dropped(ledger: Ledger, clock: Clock) -> None:
    ledger.samples.add(inventory(vm("web01", growth=1), at=START, free=1))
    later = clock.forward(days=KEPT.days, seconds=1)
    ledger.samples.add(inventory(vm("web01", growth=2), at=later, free=2))
    assert ledger.samples.growth(START)["id-web01"].since == later
    assert ledger.samples.volumes(START)[0].since == later

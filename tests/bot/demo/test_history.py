"""What a new demo's ledger says of the weeks before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import HostInventory
from backends.simulator.fleets.demo import demo_fleet
from backends.simulator.model.clock import ManualClock
from bot.demo import history
from bot.fleet.growth import KnownGrowth
from bot.ledger import Ledger
from tests.support.hosts import Hosts

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def inventories() -> list[HostInventory]:
    hosts = Hosts(demo_fleet(NOW, clock=ManualClock(NOW.timestamp())))
    return [replace(one.inventory(disks=True), taken_at=NOW) for one in hosts.in_process().values()]


@pytest.fixture(scope="module")
def ledger(inventories: list[HostInventory], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("demo") / "ledger.db"
    history.write(path, inventories, NOW)
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    with Ledger(path, clock=lambda: NOW) as made:
        yield made


def test_it_is_whole(ledger: Ledger) -> None:
    assert ledger.audit.verify().whole
    assert ledger.changes.unfinished() == ()


def test_the_schedule_has_run_and_one_night_went_wrong(ledger: Ledger, inventories: list[HostInventory]) -> None:
    (schedule,) = ledger.schedules.all()
    last = ledger.schedules.last_run(schedule.id)
    states = [entry.state for entry in ledger.history.find()]

    assert last is not None
    assert (last.due_at, last.outcome) == (NOW.replace(hour=2), "2 taken")
    assert ledger.schedules.last_due(schedule.id) == last.due_at  # nothing is made up at the start
    assert states.count("failed") == 1


def test_what_the_schedule_made_is_there_and_what_its_retention_deleted_is_not(
    ledger: Ledger, inventories: list[HostInventory]
) -> None:
    (schedule,) = ledger.schedules.all()
    for one in inventories:
        ledger.checkpoints.seen(one)

    for seen in (seen for one in inventories for seen in one.vms if seen.vm.name.startswith("crm")):
        own = {one.id for one in ledger.schedules.made_by(schedule.id, seen.vm.id)}
        assert own & {one.id for one in seen.checkpoints} == {one.id for one in seen.checkpoints}


def test_one_checkpoint_is_nearly_over(ledger: Ledger) -> None:
    assert [one.name for one in ledger.checkpoints.expiring(NOW + timedelta(days=2))] == ["before-tls-change"]
    assert ledger.checkpoints.expiring(NOW) == ()


def test_one_volume_fills_in_nine_days(ledger: Ledger, inventories: list[HostInventory]) -> None:
    for one in inventories:
        ledger.samples.add(one)

    (filling,) = KnownGrowth(ledger, lambda: NOW).of_volumes(["hv01", "hv02"])

    assert (filling.host, filling.path) == ("hv02", "E:\\")
    assert filling.days == pytest.approx(9, abs=0.2)

"""The regular look at the fleet: what the ledger knows of it without anybody having asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backends.base import HostInventory
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.fleet.inventory import Inventory
from bot.fleet.scanner import Scanner
from tests.support.waiting import wait_until
from tests.support.workbench import Workbench


@pytest.fixture
def scanner(bench: Workbench) -> Iterator[Scanner]:
    made = Scanner(bench.inventory, bench.ledger, every=timedelta(milliseconds=20))
    yield made
    made.stop()


def test_what_was_seen_of_a_checkpoint_is_in_the_ledger(bench: Workbench, scanner: Scanner) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))

    scanner.look(disks=False)

    assert seen.checkpoints[0].id in bench.ledger.checkpoints.notes([seen.checkpoints[0].id])


def test_samples_are_kept_of_looks_with_disks(bench: Workbench, scanner: Scanner) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))
    bench.host().vm(seen.vm.id).write_rate = 1024.0**2

    scanner.look(disks=True)
    bench.clock.forward(hours=1)
    scanner.look(disks=True)

    assert seen.vm.id in bench.ledger.samples.of_vms(bench.clock() - timedelta(days=1), [seen.vm.id])


def test_a_host_that_is_down_does_not_end_it(bench: Workbench, scanner: Scanner) -> None:
    bench.arm(FaultKind.REFUSE_CONNECTION, times=None)
    bench.add_vm("web02", host="hv02")

    scanner.look(disks=False)

    assert [one.vm.name for one in bench.inventory.seen()] == ["web02"]


def test_it_goes_on_until_it_is_stopped(bench: Workbench, scanner: Scanner) -> None:
    ran = bench.ran("Get-VM")
    scanner.start()
    wait_until(lambda: bench.ran("Get-VM") > ran + 2)

    scanner.stop()


def test_an_answer_that_nobody_understands_does_not_end_it(bench: Workbench) -> None:
    """A defect in reading one host's answer must not leave the whole fleet unwatched."""
    broken = Broken()
    scanner = Scanner(Inventory({"hv01": broken}, bench.clock), bench.ledger, every=timedelta(milliseconds=20))  # type: ignore[dict-item]
    scanner.start()
    try:
        wait_until(lambda: broken.asked > 2)
    finally:
        scanner.stop()


class Broken:
    """A host of which only the inventory is asked for, in vain."""

    host = "hv01"
    asked = 0

    def inventory(self, *, disks: bool = False) -> HostInventory:
        self.asked += 1
        raise ZeroDivisionError

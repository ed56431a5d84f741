"""The regular look at the fleet: what the ledger knows of it without anybody having asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest

from backends.base import HostInventory, Unreachable, VMInventory, Volume
from backends.hyperv.psrp.pool import IDLE_LIMIT
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.fleet.inventory import FEW, SCAN_DISKS, Inventory
from bot.fleet.scanner import PATIENCE, Scanner
from bot.ledger import Ledger
from tests.support.clock import StoppedClock
from tests.support.ledger import vm
from tests.support.waiting import DEADLINE, wait_until
from tests.support.workbench import Workbench


@pytest.fixture
def scanner(bench: Workbench) -> Iterator[Scanner]:
    made = Scanner(bench.inventory, bench.ledger, every=timedelta(milliseconds=20))
    yield made
    made.stop()


def test_what_was_seen_of_a_checkpoint_is_in_the_ledger(bench: Workbench, scanner: Scanner) -> None:
    seen = bench.add_vm("web01", Past("first", DAY))

    scanner.look(disks=False)

    with bench.ledger._store.read() as db:
        assert db.execute("SELECT id FROM checkpoints").fetchall() == [(seen.checkpoints[0].id,)]


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


def test_it_is_stopped_at_once_while_a_host_hangs(bench: Workbench) -> None:
    bench.arm(FaultKind.HANG, times=None)
    scanner = Scanner(bench.inventory, bench.ledger, every=timedelta(hours=1))
    scanner.start()
    wait_until(lambda: any(turn.look for turn in scanner._turns.values()))
    began = time.monotonic()

    scanner.stop()

    assert scanner._thread is not None
    scanner._thread.join(PATIENCE)
    assert time.monotonic() - began < PATIENCE / 3
    bench.host().faults.release()


class Hand:
    """A steady clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Quiet:
    """A host that shows what it is told to, and notes when it was asked and how."""

    def __init__(self, host: str, clock: StoppedClock, hand: Hand) -> None:
        self.host = host
        self.clock, self.hand = clock, hand
        self.vms: tuple[VMInventory, ...] = ()
        self.free = 900
        self.asked: list[tuple[float, bool]] = []
        self.is_down = self.hides_disks = False
        self.hangs = Event()
        self.hangs.set()

    def inventory(self, *, disks: bool = False) -> HostInventory:
        self.asked.append((self.hand.now, disks))
        assert self.hangs.wait(DEADLINE)
        if self.is_down or (disks and self.hides_disks):
            raise Unreachable("It does not answer.", "down")
        at = self.clock() + timedelta(seconds=self.hand.now)
        return HostInventory(self.host, at, self.vms, (Volume("D:\\", 1000, self.free),) if disks else None)


@dataclass
class Rounds:
    """Some hosts and a scanner with rounds of two minutes, moved by hand."""

    hosts: list[Quiet]
    scanner: Scanner
    inventory: Inventory
    hand: Hand
    told: list[float]

    def run(self, minutes: float) -> None:
        end = self.hand.now + 60 * minutes
        while self.hand.now < end:
            self.hand.now += 10
            self.scanner.turn()


@pytest.fixture
def rounds(ledger: Ledger, request: pytest.FixtureRequest) -> Iterator[Rounds]:
    """Of so many hosts as a test says, or of twelve."""
    count = getattr(request, "param", 12)
    hand, clock, told = Hand(), StoppedClock(), list[float]()
    hosts = [Quiet(f"hv{number:02}", clock, hand) for number in range(1, count + 1)]
    inventory = Inventory({one.host: one for one in hosts}, clock, fresh_for=timedelta(0))  # type: ignore[dict-item, misc]
    scanner = Scanner(inventory, ledger, lambda: told.append(hand.now), steady=hand)
    scanner.look(disks=True)
    yield Rounds(hosts, scanner, inventory, hand, told)
    inventory.close()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.db", clock=StoppedClock()) as made:
        yield made


def test_after_a_sleep_the_whole_fleet_is_looked_at_and_the_looks_are_spread_anew(rounds: Rounds) -> None:
    scanner = Scanner(rounds.inventory, rounds.scanner.ledger, every=timedelta(milliseconds=20), steady=rounds.hand)

    def slept() -> bool:
        rounds.hand.now += 3600
        return all(len(host.asked) > 2 for host in rounds.hosts)

    scanner.start()
    wait_until(lambda: scanner.has_disks)
    wait_until(slept)
    scanner.stop()

    assert scanner._thread is not None
    scanner._thread.join(DEADLINE)
    assert len({turn.due for turn in scanner._turns.values()}) == len(rounds.hosts)


def test_looks_are_spread_over_the_round(rounds: Rounds) -> None:
    rounds.run(2)

    times = sorted(at for host in rounds.hosts for at, _ in host.asked[1:])
    assert len(times) == 12
    assert len(set(times)) >= 10


def test_a_host_on_which_nothing_changes_is_asked_more_and_more_seldom(rounds: Rounds) -> None:
    quiet, busy = rounds.hosts[:2]
    for number in range(60):
        busy.vms = (vm(f"web{number}"),)
        rounds.run(1)

    often, seldom = len(busy.asked), len(quiet.asked)
    assert often >= 28
    assert seldom <= 11
    late = [at for at, _ in quiet.asked if at > 1800]
    assert max(b - a for a, b in pairwise(late)) <= 500


@pytest.mark.parametrize("rounds", [FEW + 1], indirect=True)
def test_of_a_large_fleet_a_quiet_host_is_asked_while_its_session_is_warm(rounds: Rounds) -> None:
    rounds.run(180)
    late = [at for at, _ in rounds.hosts[0].asked if at > 7200]
    assert SCAN_DISKS.total_seconds() / 3 < max(b - a for a, b in pairwise(late)) < IDLE_LIMIT


def test_a_host_that_changes_again_is_asked_as_often_as_before(rounds: Rounds) -> None:
    host = rounds.hosts[0]
    rounds.run(60)
    host.vms, at = (vm("web01"),), rounds.hand.now

    rounds.run(15)

    first, second, *_ = (asked for asked, _ in host.asked if asked > at)
    assert second - first <= 130


def test_where_the_bot_has_changed_something_a_quiet_host_is_asked_within_a_round(rounds: Rounds) -> None:
    host = rounds.hosts[0]
    rounds.run(60)
    rounds.inventory.forget(host.host)
    at = rounds.hand.now

    rounds.run(2.5)

    assert any(asked > at for asked, _ in host.asked)


def test_a_quiet_host_that_did_not_answer_a_person_is_asked_within_a_round(rounds: Rounds) -> None:
    host = rounds.hosts[0]
    rounds.run(60)
    host.is_down = True
    rounds.inventory.refresh((host.host,))
    host.is_down, at = False, rounds.hand.now
    assert not rounds.inventory.answers(host.host)

    rounds.run(2.5)

    assert [asked for asked, _ in host.asked if asked > at] != []
    assert rounds.inventory.answers(host.host)


def test_disks_are_looked_at_once_an_hour_and_not_on_all_hosts_at_once(rounds: Rounds) -> None:
    rounds.run(121)

    with_disks = [[at for at, disks in host.asked if disks] for host in rounds.hosts]
    assert all(2 <= len(times) <= 3 for times in with_disks)
    assert len({times[1] for times in with_disks}) >= 10


def test_disks_that_were_not_looked_at_first_are_looked_at_within_two_rounds(rounds: Rounds) -> None:
    scanner = Scanner(rounds.inventory, rounds.scanner.ledger, steady=rounds.hand)
    scanner.look(disks=False)
    assert not scanner.has_disks
    for _ in range(25):
        rounds.hand.now += 10
        scanner.turn()

    assert scanner.has_disks


def with_disks(host: Quiet) -> list[float]:
    return [at for at, disks in host.asked if disks]


def test_disks_that_could_not_be_looked_at_are_looked_at_again_within_ten_minutes(rounds: Rounds) -> None:
    host = rounds.hosts[-1]
    host.hides_disks = True
    rounds.run(62)
    assert 2 <= len(with_disks(host)) <= 3
    rounds.run(11)
    host.hides_disks = False
    rounds.run(11)

    assert rounds.inventory.answers(host.host, disks=True)
    assert all(590 < later - at < 700 for at, later in pairwise(with_disks(host)[1:]))
    before = len(with_disks(host))
    rounds.run(50)
    assert len(with_disks(host)) == before


def test_disks_beside_a_volume_that_fills_are_looked_at_every_ten_minutes_until_it_does_not(rounds: Rounds) -> None:
    host = rounds.hosts[-1]
    host.free = 190
    rounds.run(62)
    assert len(with_disks(host)) == 2
    for _ in range(90):
        host.free -= 1
        rounds.run(1)
    assert sum(later - at < 700 for at, later in pairwise(with_disks(host))) >= 5

    rounds.run(22)
    before = len(with_disks(host))
    rounds.run(35)
    assert len(with_disks(host)) == before


def test_disks_of_a_host_that_was_down_at_the_start_are_looked_at_within_two_rounds(rounds: Rounds) -> None:
    host = rounds.hosts[-1]
    host.is_down = True
    scanner = Scanner(rounds.inventory, rounds.scanner.ledger, steady=rounds.hand)
    scanner.look(disks=True)
    host.is_down = False
    for _ in range(25):
        rounds.hand.now += 10
        scanner.turn()

    assert rounds.inventory.answers(host.host, disks=True)


def test_disks_are_there_when_every_host_has_answered_or_failed_to(rounds: Rounds) -> None:
    slow, down = rounds.hosts[-1], rounds.hosts[0]
    down.is_down = True
    slow.hangs.clear()
    scanner = Scanner(rounds.inventory, rounds.scanner.ledger, steady=rounds.hand)
    looking = Thread(target=scanner.look, kwargs={"disks": True})
    looking.start()
    wait_until(lambda: sum(turn.disks_asked for turn in scanner._turns.values()) == len(rounds.hosts) - 1)
    assert not scanner.has_disks

    slow.hangs.set()
    looking.join(DEADLINE)

    assert scanner.has_disks


def test_who_listens_is_told_of_news_and_else_once_a_round(rounds: Rounds) -> None:
    rounds.run(60)
    before = len(rounds.told)
    rounds.run(10)
    assert len(rounds.told) - before <= 6
    rounds.hosts[0].vms = (vm("web01"),)
    rounds.run(9)

    assert len(rounds.told) - before <= 12


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

"""The commands against simulated Hyper-V hosts, through the backend that production uses."""

from collections.abc import Iterable
from datetime import UTC, datetime

import pytest

import commands
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.demo import demo_fleet
from backends.simulator.fleets.seed import add_vm
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.dispatch.grammar import normalise_name, split
from bot.fleet.digest import compose
from bot.fleet.inventory import Inventory
from bot.fleet.message import as_reply
from bot.fleet.view import FleetView
from commands.base import Context, NotKnown, Person, Plan, Policy, Reply, UsageError
from tests.support.memory import Book

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


class Simulated:
    """The hosts of the demo, and somebody who types at them."""

    def __init__(self) -> None:
        self.hosts = demo_fleet(NOW, clock=NOW.timestamp, durations=Durations(scale=0))
        self.backends = {host.name: HyperVBackend(host.name, self._session(host)) for host in self.hosts}
        self.inventory = Inventory(self.backends, lambda: NOW)

    def type(self, text: str) -> Reply | Plan:
        fleet = FleetView(self.inventory, lambda vm: vm.name != "mail01", normalise_name)
        return commands.run(split(text), Context(Person("U1", "ada"), "C1", NOW, fleet, Book(), Policy()))

    @staticmethod
    def _session(host: SimulatedHost) -> SimulatedSession:
        return SimulatedSession(SimulatedPowerShell(host))


@pytest.fixture
def simulated() -> Iterable[Simulated]:
    made = Simulated()
    yield made
    made.inventory.close()


def test_the_whole_fleet_is_a_table(simulated):
    told = simulated.type("list").text + simulated.type("list --page 2").text
    assert "web01 | hv01 | running | 2 | 41 days | 2" in told
    assert "テスト環境" in told
    assert "mail01" not in told


def test_a_vm_is_a_tree_with_what_was_written_since(simulated):
    told = simulated.type("list web01").text
    assert "○ before-december-patches" in told
    assert "18.0 GB since" in told
    assert "\n● you are here" in told


def test_a_vm_and_a_checkpoint_with_brackets_are_one_of_each(simulated):
    (target,) = simulated.type("delete lab[1] “start [clean]”").targets
    assert (target.vm_name, target.checkpoint_name) == ("lab[1]", "start [clean]")


def test_two_vms_of_one_name_are_told_apart_by_short_id(simulated):
    with pytest.raises(UsageError) as asked:
        simulated.type("test01 before")
    assert "hv01" in asked.value.hint
    short = asked.value.hint.split(": ")[1][:8]
    assert simulated.type(f"{short} before").targets[0].vm_id.startswith(short)


def test_points_of_a_replica_are_not_deleted(simulated):
    simulated.inventory.refresh()
    replica = next(one for one in simulated.inventory.seen() if one.vm.name == "erp01-replica")
    with pytest.raises(UsageError, match="belongs to Hyper-V Replica"):
        simulated.type(f"delete erp01-replica {replica.checkpoints[0].id}")


def test_a_vm_that_may_not_be_seen_is_not_known(simulated):
    with pytest.raises(NotKnown) as refused:
        simulated.type("list mail01")
    assert refused.value.hidden


@pytest.mark.parametrize("name", ["web[1]", "*", "$(Stop-VM *)", "a'b\"c", "😀" * 50, "خادم الويب"])
def test_a_vm_of_any_name_is_found_by_it_alone(simulated, name):
    vm = add_vm(simulated.hosts[0], name)
    fleet = FleetView(simulated.inventory, lambda vm: True, normalise_name)
    assert [one.id for one in fleet.find(name)] == [str(vm.id)]


def test_the_digest_has_the_stale_ones_largest_first(simulated):
    simulated.inventory.renew(disks=True)
    made = compose(
        simulated.inventory.inventories(disks=True),
        {},
        simulated.inventory.hosts(),
        policy=Policy(),
        now=NOW,
        verdicts={},
    )
    sizes = [one.grown for one in made.stale]
    assert sizes == sorted(sizes, reverse=True)
    assert "archive01" in as_reply(made).text
    assert not any(one.checkpoint.managed_by for one in made.stale)

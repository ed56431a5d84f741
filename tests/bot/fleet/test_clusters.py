"""A cluster in the fleet: one entry among the hosts, with VMs that are its own wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import unmarked
from backends.simulator.fleets.seed import add_clustered_vm
from bot.fleet.inventory import Inventory
from bot.fleet.view import FleetView
from bot.operations.doctor import hosts
from commands.kit.telling import present
from tests.support.clusters import CLUSTER, ClusterWorld


@pytest.fixture
def world() -> ClusterWorld:
    return ClusterWorld()


@pytest.fixture
def inventory(world: ClusterWorld) -> Iterator[Inventory]:
    made = Inventory({CLUSTER: world.backend()}, lambda: datetime.now(UTC), fresh_for=timedelta(0))
    yield made
    made.close()


def test_a_vm_that_moved_is_known_by_its_name_on_the_cluster(world: ClusterWorld, inventory: Inventory) -> None:
    vm = add_clustered_vm(world.nodes["hv01"], "web01")
    view = FleetView(inventory, lambda _: True)
    (before,) = view.find("web01")
    world.cluster.move(vm.id, "hv02")
    (after,) = view.find("web*")
    assert (before.host, before.node) == (CLUSTER, "hv01")
    assert (after.host, after.node) == (CLUSTER, "hv02")
    assert unmarked(present([after])[0]).startswith("web01 is on prod (hv02), running")


def test_a_vm_of_a_dead_node_is_found_by_its_name_all_the_while(world: ClusterWorld, inventory: Inventory) -> None:
    add_clustered_vm(world.nodes["hv01"], "web01")
    view = FleetView(inventory, lambda _: True)
    view.find("web01")
    world.cluster.die("hv01")
    assert [vm.name for vm in view.find("web*")] == ["web01"]
    world.clock.advance(60)
    assert [vm.node for vm in view.find("web*")] == ["hv02"]


def test_a_cluster_is_one_among_the_hosts_and_says_what_is_with_its_nodes(
    world: ClusterWorld, inventory: Inventory
) -> None:
    add_clustered_vm(world.nodes["hv01"], "web01")
    world.cluster.die("hv02")
    inventory.refresh()
    (status,) = inventory.hosts()
    assert (status.name, status.reachable, status.vms) == (CLUSTER, True, 1)
    assert status.remarks == ("hv02 is down.",)


def test_the_doctor_says_of_which_nodes_a_cluster_is_and_which_of_them_are_not_well(world: ClusterWorld) -> None:
    def looked() -> list[str]:
        seen = hosts.ask({CLUSTER: world.backend()})
        return [
            f"{one.about}: {unmarked(one.said)}" for one in hosts.look(seen[0], lambda: datetime.now(UTC), [CLUSTER])
        ]

    (well,) = looked()
    assert well.startswith("clusters.prod: a cluster of hv01, hv02 and hv03, all of which show it")
    world.cluster.drain("hv03")
    world.cluster.die("hv02")
    assert looked() == ["clusters.prod: hv02 is down.", "clusters.prod: hv03 is paused."]


def test_the_doctor_says_which_right_is_missing_where_no_node_shows_the_cluster(world: ClusterWorld) -> None:
    world.cluster.readable = False
    seen = hosts.ask({CLUSTER: world.backend()})
    (check,) = hosts.look(seen[0], lambda: datetime.now(UTC), [CLUSTER])
    assert "Grant-ClusterAccess" in check.mend

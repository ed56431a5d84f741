"""A cluster in the fleet: one entry among the hosts, with VMs that are its own wherever they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import unmarked
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm
from backends.simulator.model.faults import Fault, FaultKind
from bot.fleet.inventory import Inventory
from bot.fleet.view import FleetView
from bot.operations.doctor import ask, hosts
from commands.base import Reply
from commands.kit.telling import present
from tests.support.clusters import CLUSTER, ClusterWorld
from tests.support.memory import World


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
        seen = ask({CLUSTER: world.backend()})
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
    seen = ask({CLUSTER: world.backend()})
    (check,) = hosts.look(seen[0], lambda: datetime.now(UTC), [CLUSTER])
    assert "Grant-ClusterAccess" in check.mend


@pytest.fixture
def typist(inventory: Inventory) -> Iterator[World]:
    """Somebody who types at a fleet that is this cluster."""
    made = World()
    made.inventory.close()
    made.inventory = inventory
    made.now = datetime.now(UTC)
    yield made


def shown(reply: object) -> str:
    assert isinstance(reply, Reply)
    return unmarked(reply.text)


def test_vms_are_listed_by_their_cluster_and_by_the_node_that_they_are_on_now(
    world: ClusterWorld, typist: World
) -> None:
    add_clustered_vm(world.nodes["hv01"], "web01")
    moved = add_clustered_vm(world.nodes["hv01"], "web02")
    add_clustered_vm(world.nodes["hv01"], "web03")
    world.cluster.move(moved.id, "hv02")
    assert "3 VMs" in shown(typist.run("list", "--host", "PROD"))
    on_node = shown(typist.run("list", "--host", "hv02"))
    assert "web02 | prod" in on_node
    assert "web01" not in on_node
    assert "2 VMs" in shown(typist.run("list", "prod/web0?", "--host", "hv01"))
    assert "on prod" in shown(typist.run("list", "prod/web02"))


def test_a_node_before_a_slash_is_answered_with_what_to_type_instead(world: ClusterWorld, typist: World) -> None:
    add_clustered_vm(world.nodes["hv01"], "web01")
    typist.run("list")
    told = unmarked(typist.refuse("create", "hv01/web*", "x"))
    assert "hv01 is a node of the cluster prod" in told
    assert "prod/web*" in told


def test_a_vm_is_shown_with_its_cluster_and_the_node_that_owns_it_now(world: ClusterWorld, typist: World) -> None:
    vm = add_clustered_vm(world.nodes["hv01"], "web01", past=[Past("first", DAY)])
    world.cluster.move(vm.id, "hv03")
    told = shown(typist.run("list", "web01"))
    assert "web01 on prod" in told
    assert "It is running on hv03 and takes" in told


def test_a_cluster_is_shown_with_its_nodes_and_how_each_is(world: ClusterWorld, typist: World) -> None:
    add_clustered_vm(world.nodes["hv01"], "web01", past=[Past("first", DAY)])
    add_clustered_vm(world.nodes["hv02"], "web02")
    before = shown(typist.run("hosts"))
    assert "prod | yes | 0 seconds ago | 2 | 1 |" in before
    assert "prod: hv01 | up | 0 seconds ago | 1 | 1 |" in before
    world.cluster.die("hv03")
    world.cluster.drain("hv02")
    world.nodes["hv01"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
    after = shown(typist.run("hosts"))
    assert "prod: hv03 | down | 0 seconds ago | 0 | 0 |" in after
    assert "prod: hv02 | draining | 0 seconds ago | 1 | 0 |" in after
    assert "prod: hv01 | up, no answer | 0 seconds ago | 1 | 1 |" in after


def test_the_doctor_names_a_host_that_is_a_node_of_a_cluster_too(world: ClusterWorld) -> None:
    add_clustered_vm(world.nodes["hv02"], "web01")
    seen = ask({CLUSTER: world.backend(), "hv02": world.connect("hv02")})
    (check,) = hosts.listed_twice(seen, [CLUSTER])
    assert unmarked(f"{check.about}: {check.said}").startswith("hosts.hv02: web01 is on it, and on prod (hv02).")

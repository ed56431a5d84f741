"""A simulated cluster: one storage, and VMs that are on one node at a time, whatever moves them."""

from __future__ import annotations

import pytest

from backends.base import OperationalStatus, VMState
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm, new_cluster, new_host
from backends.simulator.model import checkpoints
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.enums import DrainStatus, NodeState, ResourceState
from backends.simulator.model.errors import HostError
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM


@pytest.fixture
def nodes(clock: ManualClock) -> list[SimulatedHost]:
    return new_cluster("prod", ("hv01", "hv02", "hv03"), clock=clock)


@pytest.fixture
def cluster(nodes: list[SimulatedHost]) -> SimulatedCluster:
    assert nodes[0].cluster is not None
    return nodes[0].cluster


@pytest.fixture
def vm(nodes: list[SimulatedHost]) -> SimulatedVM:
    return add_clustered_vm(nodes[0], "web01", past=[Past("first", DAY)])


def on(nodes: list[SimulatedHost], vm: SimulatedVM) -> list[str]:
    return [node.name for node in nodes if vm in node.all()]


def test_a_live_migration_takes_its_time_and_shows_in_the_status(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    cluster.migrate(vm.id, "hv02")
    assert on(nodes, vm) == ["hv01"]
    assert vm.busy_with is OperationalStatus.MIGRATING

    clock.advance(10)

    assert on(nodes, vm) == ["hv02"]
    assert (vm.busy_with, vm.state) == (None, VMState.RUNNING)


def test_the_files_of_a_vm_that_moved_are_there_on_its_new_node(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM
) -> None:
    cluster.move(vm.id, "hv02")
    assert [file.path for file in nodes[1].storage.owned_by(vm.id)] == [
        file.path for file in nodes[0].storage.owned_by(vm.id)
    ]
    checkpoints.create(nodes[1], vm.id, "on hv02")
    assert nodes[0].storage.volume("C:\\ClusterStorage\\Volume1\\x") is nodes[1].storage.volume(
        "C:\\ClusterStorage\\Volume1\\x"
    )


def test_nothing_begins_on_a_vm_that_is_being_migrated(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM
) -> None:
    cluster.migrate(vm.id, "hv02")
    with pytest.raises(HostError, match="in use"):
        checkpoints.create(nodes[0], vm.id, "too late")


def test_the_vms_of_a_dead_node_start_on_another_one_after_a_while(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    cluster.die("hv01")
    assert on(nodes, vm) == []
    (role,) = cluster.roles()
    assert (role.owner, role.state) == ("hv02", ResourceState.ONLINE_PENDING)

    clock.advance(60)

    assert on(nodes, vm) == ["hv02"]
    assert vm.state is VMState.RUNNING
    assert cluster.owner(vm.id) is nodes[1]


def test_what_a_node_did_when_it_died_has_not_happened(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    checkpoints.create(nodes[0], vm.id, "half-way")
    cluster.die("hv01")
    clock.advance(60)
    assert [one.name for one in vm.ordered()] == ["first"]
    assert on(nodes, vm) == ["hv02"]


def test_a_vm_that_was_on_its_way_when_either_node_died_is_on_one_node_afterwards(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    cluster.migrate(vm.id, "hv02")
    cluster.die("hv02")
    clock.advance(60)
    assert on(nodes, vm) == ["hv01"]
    cluster.migrate(vm.id, "hv03")
    cluster.die("hv01")
    clock.advance(60)
    assert on(nodes, vm) == ["hv03"]


def test_a_node_that_drains_loses_its_vms_one_after_the_other_and_takes_none(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    more = [add_clustered_vm(nodes[0], f"app{number}") for number in range(4)]
    cluster.drain("hv01")
    nodes[0].all()
    assert sum(one.busy_with is OperationalStatus.MIGRATING for one in (vm, *more)) == 2
    for _ in range(4):
        clock.advance(10)
        nodes[0].all()

    assert not nodes[0].all()
    assert cluster.nodes["hv01"].drain is DrainStatus.COMPLETED
    cluster.resume("hv01")
    assert cluster.nodes["hv01"].state is NodeState.UP


def test_a_vm_that_nobody_can_take_over_stays_with_its_dead_node(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    for name in ("hv03", "hv02", "hv01"):
        cluster.die(name)
    clock.advance(60)
    assert cluster.roles()[0].state is ResourceState.FAILED
    cluster.come_back("hv01")
    assert on(nodes, vm) == ["hv01"]
    assert vm.state is VMState.RUNNING


def test_nodes_come_and_go(
    nodes: list[SimulatedHost], cluster: SimulatedCluster, vm: SimulatedVM, clock: ManualClock
) -> None:
    further = new_host("hv04", clock=clock)
    cluster.join(further)
    cluster.move(vm.id, "hv04")
    cluster.evict("hv04")
    assert further.cluster is None
    assert on([*nodes, further], vm) == ["hv01"]

"""A cluster as one backend: its VMs are found on whichever node they are, and changed there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm
from backends.simulator.model.machines import SimulatedVM
from tests.backends.cluster.contract_cluster import ClusterAsABackend, ClusterContract
from tests.support.clusters import ClusterWorld


@pytest.fixture
def world() -> ClusterWorld:
    return ClusterWorld()


class TestClusterBackend(ClusterContract):
    pass


class TestAsEveryBackend(ClusterAsABackend):
    pass


@pytest.fixture
def vm(world: ClusterWorld) -> SimulatedVM:
    return add_clustered_vm(world.nodes["hv01"], "web01", past=[Past("first", DAY)])


def test_a_vm_on_its_way_that_the_cluster_forgot_to_tell_of_once_is_not_said_to_be_gone(
    world: ClusterWorld, vm: SimulatedVM
) -> None:
    """The parameter of one resource could not be read in that moment, which PowerShell passes over in silence."""
    backend = world.reach()
    backend.inventory()
    world.cluster.die("hv01")
    told = backend._nodes.read
    answers = iter([replace(told(), owners={})])
    backend._nodes.read = lambda: next(answers, None) or told()  # type: ignore[method-assign]
    assert backend.vm(vm.id).vm.node in ("hv02", "hv03")


def test_what_a_program_that_died_may_have_lost_is_ended_on_nodes_that_nobody_has_asked_since(
    world: ClusterWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    monkeypatch.setattr(HyperVBackend, "end_lost_calls", lambda node: ended.append(node.host))
    world.cluster.die("hv03")
    world.reach().end_lost_calls()
    assert ended == ["hv01", "hv02"]


def test_the_logs_of_a_node_that_has_been_down_for_long_are_missed_no_more(world: ClusterWorld) -> None:
    backend = world.reach()
    world.time.forward(days=6)
    backend.inventory()
    world.cluster.die("hv03")

    def missed() -> set[str]:
        return {one.host for one in backend.events(datetime(2026, 1, 1, tzinfo=UTC)).readings if one.trouble}

    world.time.forward(days=6)
    assert missed() == {"hv03"}
    world.time.forward(days=1)
    assert missed() == set()


def test_an_inventory_is_as_of_when_the_nodes_were_asked_and_not_as_of_its_end(
    world: ClusterWorld, vm: SimulatedVM
) -> None:
    """What is taken while they answer is not in it, and has not gone for that."""
    backend = world.reach()
    begun = world.time()
    world.moments.at, world.moments.happens = 0, lambda: world.time.forward(minutes=2)
    seen = backend.inventory()
    assert world.time() - begun >= timedelta(minutes=2)
    assert seen.taken_at - begun < timedelta(minutes=1)
    assert {node.seen_at for node in seen.nodes} == {seen.taken_at}

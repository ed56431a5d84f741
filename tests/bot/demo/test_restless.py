"""The demo's cluster whose VMs move."""

from __future__ import annotations

from datetime import UTC, datetime

from backends.simulator.fleets.demo import NODES, demo_cluster
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.enums import NodeState
from bot.demo.restless import drained_in_turn
from tests.support.waiting import wait_until


def test_its_vms_are_on_both_nodes_in_turn_and_at_the_end_both_are_up() -> None:
    clock = ManualClock()
    hosts = demo_cluster(datetime(2026, 11, 28, tzinfo=UTC), clock=clock)
    cluster = hosts[0].cluster
    assert isinstance(cluster, SimulatedCluster)

    def all_on(node: str) -> bool:
        clock.advance(10.0)
        cluster.carry_on()
        return {one.owner for one in cluster.roles()} == {node}

    with drained_in_turn(hosts, every=0.3):
        for node in reversed(NODES):
            wait_until(lambda node=node: all_on(node))

    assert [one.state for one in cluster.nodes.values()] == [NodeState.UP, NodeState.UP]

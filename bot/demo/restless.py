"""Drains the nodes of the demo's cluster in turn, as somebody does who patches them, so that its VMs move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from threading import Event, Thread

from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.fleet import SimulatedHost

EVERY = 30.0
"""Seconds that a node is drained, and then that both are up."""


@contextmanager
def drained_in_turn(hosts: Sequence[SimulatedHost], every: float = EVERY) -> Iterator[None]:
    """Meanwhile. At the end all nodes are up again."""
    clusters = {id(host.cluster): host.cluster for host in hosts if isinstance(host.cluster, SimulatedCluster)}
    stopping = Event()
    threads = [Thread(target=_drain, args=(one, stopping, every), daemon=True) for one in clusters.values()]
    for one in threads:
        one.start()
    try:
        yield
    finally:
        stopping.set()
        for one in threads:
            one.join()


def _drain(cluster: SimulatedCluster, stopping: Event, every: float) -> None:
    for node in cycle(list(cluster.nodes)):
        if stopping.wait(every):
            return
        cluster.drain(node)
        stopping.wait(every)
        cluster.resume(node)

"""A simulated cluster as the bot reaches it, and whatever happens to it at a moment that a test chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from backends.base import Backend, MayWait
from backends.cluster.backend import ClusterBackend, Waits
from backends.cluster.nodes import Nodes
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import new_cluster
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.faults import Fault, FaultKind, Faults
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from tests.support.clock import Clock

CLUSTER = "prod"
NODES = ("hv01", "hv02", "hv03")


class WaitingBackend(Backend, MayWait, Protocol):
    """What the bot has of a cluster."""


class Moments:
    """Counts the moments at which something may happen on the nodes, and lets it happen at one of them: right before
    each cmdlet, and in the middle of each job."""

    def __init__(self) -> None:
        self.at = -1
        self.happens: Callable[[], object] = lambda: None
        self.passed: list[str] = []
        self._within = False

    def pass_by(self, what: str) -> None:
        if self._within:
            return
        number = len(self.passed)
        self.passed.append(what)
        if number == self.at:
            self._within = True
            self.happens()
            self._within = False


class CountedFaults(Faults):
    """Tells of each cmdlet that is about to run."""

    def __init__(self, moments: Moments) -> None:
        super().__init__()
        self._moments = moments

    def take(self, kind: FaultKind, cmdlet: str | None = None) -> Fault | None:
        if kind is FaultKind.HANG:  # the first that is looked for when a cmdlet runs
            self._moments.pass_by(cmdlet or "")
        return super().take(kind, cmdlet)


class CountedClock(ManualClock):
    """Passes by itself while somebody waits, and tells of each job that somebody begins to wait for."""

    def __init__(self, moments: Moments) -> None:
        super().__init__()
        self._moments = moments

    def sleep(self, seconds: float) -> None:
        self._moments.pass_by("job")
        super().sleep(seconds * 20)  # a wait looks twenty times


class ClusterWorld:
    """Three nodes, and ways to them."""

    def __init__(self, *, durations: Durations | None = None, names: Sequence[str] = NODES) -> None:
        self.moments = Moments()
        self.clock = CountedClock(self.moments)
        self.time = Clock()
        """As the bot has it."""
        self.nodes = {node.name: node for node in new_cluster(CLUSTER, names, clock=self.clock, durations=durations)}
        for node in self.nodes.values():
            node.faults = CountedFaults(self.moments)
        self.shells = {name: SimulatedPowerShell(node, [bot_configuration()]) for name, node in self.nodes.items()}

    @property
    def cluster(self) -> SimulatedCluster:
        first = next(iter(self.nodes.values()))
        assert first.cluster is not None
        return first.cluster

    def connect(self, node: str) -> HyperVBackend:
        session = SimulatedSession(self.shells[node], configuration=NAME)
        return HyperVBackend(node, session, find_endpoint=True)

    def backend(self, *, entrance: str = "hv01", listed: Sequence[str] = ()) -> WaitingBackend:
        """A new one, which knows nothing yet."""
        return self.reach(entrance=entrance, listed=listed)

    def reach(self, *, entrance: str = "hv01", listed: Sequence[str] = ()) -> ClusterBackend:
        """The same, for whoever is beside the nodes."""
        nodes = Nodes(CLUSTER, self.connect(entrance), self.connect, listed)
        waits, pause = Waits(20.0, 60.0, 1.0), self.clock.advance
        return ClusterBackend(CLUSTER, nodes, waits=waits, now=self.time, steady=self.clock, sleep=pause)

    def add(self, node: SimulatedHost) -> None:
        """A further node, which can be reached."""
        self.cluster.join(node)
        self.nodes[node.name] = node
        self.shells[node.name] = SimulatedPowerShell(node, [bot_configuration()])

    def where(self, vm_id: str) -> list[str]:
        """The nodes that have the VM, which has to be one."""
        return [name for name, node in self.nodes.items() if any(vm.id == vm_id for vm in node.all())]

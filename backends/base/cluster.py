"""What a failover cluster shows of itself: its nodes, where its VMs are, and the volumes that all nodes share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, runtime_checkable

from backends.base.backend import Backend
from backends.base.records import Volume


class NodeState(IntEnum):
    """`ClusterNodeState`."""

    UP = 0
    DOWN = 1
    PAUSED = 2
    JOINING = 3
    UNKNOWN = -1

    @classmethod
    def _missing_(cls, value: object) -> NodeState:
        return cls.UNKNOWN


class DrainStatus(IntEnum):
    """`ClusterNodeDrainStatus`."""

    NOT_INITIATED = 0
    IN_PROGRESS = 1
    COMPLETED = 2
    FAILED = 3

    @classmethod
    def _missing_(cls, value: object) -> DrainStatus:
        return cls.NOT_INITIATED


@dataclass(frozen=True, slots=True)
class ClusterNode:
    """One node of a cluster."""

    name: str
    """As the cluster calls it, in lower case."""
    state: NodeState = NodeState.UP
    drain: DrainStatus = DrainStatus.NOT_INITIATED

    @property
    def takes_changes(self) -> bool:
        """Its VMs stay where they are, as far as it is known. One that is paused is about to be taken away."""
        return self.state is NodeState.UP and not self.drains

    @property
    def drains(self) -> bool:
        """Its VMs leave it, one after the other."""
        return self.drain is DrainStatus.IN_PROGRESS

    @property
    def is_down(self) -> bool:
        """Nothing runs on it."""
        return self.state is NodeState.DOWN

    @property
    def word(self) -> str:
        """How it is, in a word."""
        return "draining" if self.drains else self.state.name.casefold()

    @property
    def remark(self) -> str:
        """What is out of the ordinary with it, as a clause; empty when nothing is."""
        if self.drains:
            return "is being drained"
        if self.drain is DrainStatus.FAILED:
            return "could not be drained"
        return _REMARKS.get(self.state, "")


_REMARKS = {
    NodeState.DOWN: "is down",
    NodeState.PAUSED: "is paused",
    NodeState.JOINING: "is joining",
    NodeState.UNKNOWN: "is in an unknown state",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster at one moment, as one of its nodes tells of it."""

    nodes: tuple[ClusterNode, ...]
    owners: Mapping[str, str] = field(default_factory=dict)
    """The name of the node that owns each VM, by the VM's id."""
    volumes: tuple[Volume, ...] = ()
    """The shared ones."""
    trouble: tuple[str, ...] = ()
    """What is out of the ordinary with them, as sentences."""

    def node(self, name: str) -> ClusterNode | None:
        return next((one for one in self.nodes if one.name == name), None)


OnWait = Callable[[str, str], object]
"""Told the id of a VM on which something is to begin and why it does not yet, as a sentence; with an empty one the wait
is over."""

Still = Callable[[], object]
"""Raises `BackendError` where a change that is about to be sent is not wanted any more."""


@runtime_checkable
class MayWait(Protocol):
    """A backend that lets a change wait while its VM is on its way: that of a cluster, and no other."""

    def tell_waits(self, on_wait: OnWait) -> None:
        """Tell `on_wait` of each wait from now on, on the thread of the call."""


@runtime_checkable
class SendsLate(MayWait, Protocol):
    """One that itself sends a change to the node of its VM, once that stays there: whoever asked for it may have given
    it up by then."""

    def ask_first(self, still: Still) -> None:
        """Ask `still` from now on before each change is sent, on the thread of the call."""


class ClusteredBackend(Backend, Protocol):
    """A host that may be a node of a cluster."""

    def cluster(self) -> Cluster:
        """The cluster that it is a node of. Raises `Refused` where the account or the endpoint may not see it or the
        host lacks the commands for it, `OperationFailed` where it is no node, and other `BackendError`s."""

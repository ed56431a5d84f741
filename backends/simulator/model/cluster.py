"""A failover cluster: nodes over one storage, the VMs that it keeps running, and what moves them from node to node.

Sources: Microsoft's reference of the module FailoverClusters. All nodes share one lock and one clock, so a VM is on
exactly one node at every moment, or on none while a failover is under way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from backends.base import EventLog, OperationalStatus, VMState
from backends.simulator.model import forks
from backends.simulator.model.enums import DrainStatus, NodeState, ResourceState
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.host import HostState
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.requirements import require_free
from backends.simulator.model.storage import VolumeSpace

ROOT = "C:\\ClusterStorage\\"
"""Where shared volumes are mounted on every node."""

AT_ONCE = 2
"""Live migrations that a node which drains has under way at the same time."""

MIGRATED = 20415

SILENT = (FaultKind.REFUSE_CONNECTION, FaultKind.RESET_BEFORE_ANSWER)
"""What a dead node does to whoever talks to it."""

_DEAD = (VMState.OFF, VMState.SAVED)
"""States that a VM keeps when its node dies; from every other one it is started anew."""


@dataclass(slots=True)
class ClusterNode:
    """A host as its cluster sees it."""

    host: HostState
    state: NodeState = NodeState.UP
    drain: DrainStatus = DrainStatus.NOT_INITIATED

    @property
    def name(self) -> str:
        return self.host.name


@dataclass(slots=True)
class Move:
    """A VM on its way. One that its dead node left behind is on no node meanwhile."""

    vm: SimulatedVM
    source: str
    target: str
    ends: float
    is_failover: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """What the cluster says of one VM that it keeps."""

    vm: SimulatedVM
    owner: str
    state: ResourceState


class SimulatedCluster:
    """Implements `backends.simulator.model.host.Membership`. Safe to use from many threads."""

    def __init__(self, name: str, hosts: Sequence[HostState], volumes: Sequence[VolumeSpace]) -> None:
        """`volumes` are the shared ones, below `ROOT`. Hosts that have VMs keep them for themselves: only those that
        `keep` is told of belong to the cluster."""
        self.name = name
        self.volumes = list(volumes)
        self.readable = True
        """False: the account has no right to the cluster."""
        self.nodes: dict[str, ClusterNode] = {}
        self._moves: dict[str, Move] = {}
        self._first = hosts[0]
        self.lock = self._first.lock
        self._first.storage.volumes = [*self._first.storage.volumes, *self.volumes]
        for host in hosts:
            self.join(host)

    def join(self, host: HostState) -> None:
        """A further node."""
        with self.lock:
            if host is not self._first:
                host.storage = host.storage.together_with(self._first.storage, self.volumes)
                host.lock = self.lock
            host.cluster = self
            self.nodes[host.name] = ClusterNode(host)

    def evict(self, name: str) -> None:
        """The node is one no longer. Its VMs go to others before."""
        with self.lock:
            for vm in self._kept_on(self.nodes[name]):
                self.move(vm.id, self._best(name).name)
            self.nodes.pop(name).host.cluster = None

    def keep(self, vm: SimulatedVM) -> SimulatedVM:
        """From now on the VM belongs to the cluster."""
        vm.clustered = True
        return vm

    def owner(self, vm_id: str) -> HostState:
        """The host that the VM is on, or is about to be started on."""
        with self.lock:
            self.carry_on()
            return self.nodes[next(role.owner for role in self.roles() if role.vm.id == vm_id)].host

    def roles(self) -> list[Role]:
        """All VMs that it keeps, by name."""
        with self.lock:
            found = [
                Role(vm, node.name, _state(vm, node)) for node in self.nodes.values() for vm in self._kept_on(node)
            ]
            found += [
                Role(move.vm, move.target, ResourceState.ONLINE_PENDING)
                for move in self._moves.values()
                if move.is_failover
            ]
            return sorted(found, key=lambda role: (role.vm.name.casefold(), role.vm.id))

    # ------------------------------------------------------------ what moves VMs

    def migrate(self, vm_id: str, target: str) -> None:
        """Begin a live migration. Raises `HostError` when the VM is busy."""
        with self.lock:
            source = self._node_of(vm_id)
            vm = source.host.vm(vm_id)
            require_free(vm)
            self._begin(vm, source, self.nodes[target])

    def move(self, vm_id: str, target: str) -> None:
        """Let the VM be on that node from this very moment, whatever it does."""
        with self.lock:
            source = self._node_of(vm_id)
            self._moves.pop(vm_id, None)
            self._arrive(source.host.vms[vm_id], source, self.nodes[target])

    def drain(self, name: str) -> None:
        """`Suspend-ClusterNode -Drain`: its VMs leave it, those that are busy when they are free."""
        with self.lock:
            node = self.nodes[name]
            node.state, node.drain = NodeState.PAUSED, DrainStatus.IN_PROGRESS

    def resume(self, name: str) -> None:
        """`Resume-ClusterNode`."""
        with self.lock:
            node = self.nodes[name]
            node.state, node.drain = NodeState.UP, DrainStatus.NOT_INITIATED

    def die(self, name: str) -> None:
        """The node loses power: what it did has an end, nobody gets an answer, and its VMs start on others."""
        with self.lock:
            self.carry_on()
            node = self.nodes[name]
            node.state, node.drain = NodeState.DOWN, DrainStatus.NOT_INITIATED
            self._silence(node)
            for move in [one for one in self._moves.values() if name in (one.source, one.target)]:
                self._break_off(move, name)
            for vm in self._kept_on(node):
                self._leave_behind(vm, node)

    def come_back(self, name: str) -> None:
        """The node has power again and joins."""
        with self.lock:
            node = self.nodes[name]
            node.state = NodeState.UP
            for kind in SILENT:
                node.host.faults.disarm(kind)
            self._start_what_stayed(node)

    # ------------------------------------------------------------ as time passes

    def carry_on(self) -> None:
        with self.lock:
            for node in self.nodes.values():
                if node.state is not NodeState.DOWN:
                    node.host.settle_own()
            now = self._first.clock()
            for move in sorted(self._moves.values(), key=lambda one: one.ends):
                if move.ends <= now:
                    self._end(move)
            for node in self.nodes.values():
                if node.drain is DrainStatus.IN_PROGRESS:
                    self._go_on_draining(node)

    def _go_on_draining(self, node: ClusterNode) -> None:
        left = self._kept_on(node)
        if not left:
            node.drain = DrainStatus.COMPLETED
            return
        free = [vm for vm in left if vm.job is None and vm.busy_with is None]
        under_way = sum(move.source == node.name for move in self._moves.values())
        for vm in free[: max(0, AT_ONCE - under_way)]:
            if self._up(node.name):
                self._begin(vm, node, self._best(node.name))

    def _begin(self, vm: SimulatedVM, source: ClusterNode, target: ClusterNode) -> None:
        vm.busy_with = OperationalStatus.MIGRATING
        took = source.host.seconds(source.host.durations.migrate) if vm.running else 0.0
        self._moves[vm.id] = Move(vm, source.name, target.name, source.host.clock() + took)
        source.host.revision += 1

    def _end(self, move: Move) -> None:
        del self._moves[move.vm.id]
        target = self.nodes[move.target]
        if not move.is_failover:
            self._arrive(move.vm, self.nodes[move.source], target)
            return
        if move.vm.state not in _DEAD:
            move.vm.state, move.vm.started = VMState.RUNNING, move.ends
        target.host.vms[move.vm.id] = move.vm
        target.host.revision += 1

    def _arrive(self, vm: SimulatedVM, source: ClusterNode, target: ClusterNode) -> None:
        if vm.busy_with is OperationalStatus.MIGRATING:
            vm.busy_with = None
        forks.roll_back(source.host, vm, "migration")
        del source.host.vms[vm.id]
        target.host.vms[vm.id] = vm
        target.host.tell(EventLog.VMMS, MIGRATED, vm, at=target.host.clock())
        source.host.revision += 1
        target.host.revision += 1

    def _break_off(self, move: Move, dead: str) -> None:
        """A migration whose source dies is a failover like the others; one whose target dies has not been."""
        del self._moves[move.vm.id]
        move.vm.busy_with = None
        if move.is_failover:
            self.nodes[dead].host.vms[move.vm.id] = move.vm

    def _silence(self, node: ClusterNode) -> None:
        for kind in SILENT:
            node.host.faults.arm(Fault(kind, times=None))

    def _leave_behind(self, vm: SimulatedVM, node: ClusterNode) -> None:
        """What the VM did is over, and the next node opens its disks from what its configuration names."""
        if vm.job is not None and vm.state not in _DEAD:
            vm.state = VMState.RUNNING
        vm.job = vm.busy_with = None
        forks.roll_back(node.host, vm, "failover")
        if not self._up(node.name):
            return
        del node.host.vms[vm.id]
        ends = node.host.clock() + node.host.seconds(node.host.durations.failover)
        self._moves[vm.id] = Move(vm, node.name, self._best(node.name).name, ends, is_failover=True)

    def _start_what_stayed(self, node: ClusterNode) -> None:
        for vm in self._kept_on(node):
            if vm.state not in _DEAD:
                vm.state, vm.started = VMState.RUNNING, node.host.clock()

    # ------------------------------------------------------------ to be kept

    def moves(self) -> tuple[Move, ...]:
        """What is on its way now."""
        return tuple(self._moves.values())

    def resume_at(self, nodes: Mapping[str, tuple[NodeState, DrainStatus]], moves: Iterable[Move]) -> None:
        """Go on with nodes and VMs as they were when they were kept, once the hosts have their VMs."""
        with self.lock:
            for name, (state, drain) in nodes.items():
                if state is NodeState.DOWN:
                    self._silence(self.nodes[name])
                self.nodes[name].state, self.nodes[name].drain = state, drain
            for move in moves:
                vm = self.nodes[move.source].host.vms.get(move.vm.id, move.vm)
                self._moves[vm.id] = replace(move, vm=vm)

    # ------------------------------------------------------------ who is where

    def _kept_on(self, node: ClusterNode) -> list[SimulatedVM]:
        return [vm for vm in node.host.vms.values() if vm.clustered]

    def _node_of(self, vm_id: str) -> ClusterNode:
        return next(node for node in self.nodes.values() if vm_id in node.host.vms)

    def _up(self, besides: str) -> list[ClusterNode]:
        return [node for node in self.nodes.values() if node.state is NodeState.UP and node.name != besides]

    def _best(self, besides: str) -> ClusterNode:
        """The node that is up and has the fewest VMs."""
        return min(self._up(besides), key=lambda node: len(node.host.vms))


def _state(vm: SimulatedVM, node: ClusterNode) -> ResourceState:
    if node.state is NodeState.DOWN:
        return ResourceState.FAILED
    if vm.busy_with is OperationalStatus.MIGRATING:
        return ResourceState.OFFLINE_PENDING
    return ResourceState.OFFLINE if vm.state in _DEAD else ResourceState.ONLINE

"""A fleet in a file: saved whole and atomically, so that a demo goes on where it ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter

from backends.base import EventLog
from backends.simulator.model.clock import Clock, SystemClock
from backends.simulator.model.cluster import Move, SimulatedCluster
from backends.simulator.model.enums import DrainStatus, NodeState
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations, HostSpec
from backends.simulator.model.logs import SimulatedLog
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import DiskFile, VolumeSpace


@dataclass(slots=True)
class SavedNode:
    """What makes a host a node of a cluster. The first of its nodes holds what they share."""

    cluster: str
    state: NodeState = NodeState.UP
    drain: DrainStatus = DrainStatus.NOT_INITIATED
    volumes: list[VolumeSpace] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)


@dataclass(slots=True)
class SavedHost:
    """All that a host is made of, but its clock and its faults."""

    spec: HostSpec
    durations: Durations
    settled: float
    volumes: list[VolumeSpace]
    files: list[DiskFile]
    taken: dict[str, tuple[str, int]]
    vms: list[SimulatedVM]
    logs: dict[EventLog, SimulatedLog] = field(default_factory=dict)
    node: SavedNode | None = None


_host = TypeAdapter(SavedHost)
_hosts = TypeAdapter(list[SavedHost])


def save(hosts: Sequence[SimulatedHost], path: Path) -> None:
    """Write the hosts to the file: wholly, or not at all."""
    text = b"[\n" + b",\n".join(_saved(host) for host in hosts) + b"\n]\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(file.name).replace(path)


def load(path: Path, *, clock: Clock | None = None) -> list[SimulatedHost]:
    """The hosts of the file. What was under way goes on, and what has come due since is done at the first look.

    Raises `OSError` when there is no such file, `pydantic.ValidationError` when it is none of `save`.
    """
    clock = clock or SystemClock()
    saved = _hosts.validate_json(path.read_bytes())
    hosts = [_restored(one, clock) for one in saved]
    for name in dict.fromkeys(one.node.cluster for one in saved if one.node):
        _join(name, [(one, one.node, host) for one, host in zip(saved, hosts, strict=True) if _is_of(one, name)])
    for one, host in zip(saved, hosts, strict=True):
        _fill(host, one)
    return hosts


def _is_of(saved: SavedHost, cluster: str) -> bool:
    return saved.node is not None and saved.node.cluster == cluster


def _join(name: str, nodes: Sequence[tuple[SavedHost, SavedNode | None, SimulatedHost]]) -> None:
    """Make them nodes again, over what the first of them holds for all."""
    kept = {saved.spec.name: node for saved, node, _ in nodes if node is not None}
    first = next(iter(kept.values()))
    for volume in first.volumes:
        volume.used = 0
    cluster = SimulatedCluster(name, [host for _, _, host in nodes], first.volumes)
    for saved, _, host in nodes:
        host.vms = {vm.id: vm for vm in saved.vms}
    cluster.resume_at({node: (one.state, one.drain) for node, one in kept.items()}, first.moves)


def _node(host: SimulatedHost) -> SavedNode | None:
    cluster = host.cluster
    if not isinstance(cluster, SimulatedCluster):
        return None
    node, first = cluster.nodes[host.name], _holds_what_is_shared(host)
    shared, moves = (cluster.volumes, list(cluster.moves())) if first else ([], [])
    return SavedNode(cluster.name, node.state, node.drain, shared, moves)


def _holds_what_is_shared(host: SimulatedHost) -> bool:
    return not isinstance(host.cluster, SimulatedCluster) or next(iter(host.cluster.nodes)) == host.name


def _own_volumes(host: SimulatedHost) -> list[VolumeSpace]:
    shared = host.cluster.volumes if isinstance(host.cluster, SimulatedCluster) else []
    return [one for one in host.storage.volumes if not any(one is other for other in shared)]


def _saved(host: SimulatedHost) -> bytes:
    with host.moment():
        holds = _holds_what_is_shared(host)
        saved = SavedHost(
            spec=host.spec,
            durations=host.durations,
            settled=host.settled,
            volumes=_own_volumes(host),
            files=list(host.storage) if holds else [],
            taken=host.storage.taken() if holds else {},
            vms=list(host.vms.values()),
            logs=host.logs,
            node=_node(host),
        )
        return _host.dump_json(saved)


def _restored(saved: SavedHost, clock: Clock) -> SimulatedHost:
    """Its volumes and its time, without what it holds."""
    for volume in saved.volumes:
        volume.used = 0
    host = SimulatedHost(saved.spec, saved.volumes, clock=clock, durations=saved.durations)
    host.resume_at(saved.settled)
    return host


def _fill(host: SimulatedHost, saved: SavedHost) -> None:
    for file in saved.files:
        host.storage.add(file)
    for owner, (folder, size) in saved.taken.items():
        host.storage.take(owner, folder, size)
    host.vms = {vm.id: vm for vm in saved.vms}
    host.logs |= saved.logs

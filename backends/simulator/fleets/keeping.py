"""A fleet in a file: saved whole and atomically, so that a demo goes on where it ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter

from backends.base import EventLog
from backends.simulator.model.clock import Clock
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations, HostSpec
from backends.simulator.model.logs import SimulatedLog
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import DiskFile, VolumeSpace


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
    return [_restored(one, clock) for one in _hosts.validate_json(path.read_bytes())]


def _saved(host: SimulatedHost) -> bytes:
    with host.moment():
        saved = SavedHost(
            spec=host.spec,
            durations=host.durations,
            settled=host.settled,
            volumes=host.storage.volumes,
            files=list(host.storage),
            taken=host.storage.taken(),
            vms=list(host.vms.values()),
            logs=host.logs,
        )
        return _host.dump_json(saved)


def _restored(saved: SavedHost, clock: Clock | None) -> SimulatedHost:
    for volume in saved.volumes:
        volume.used = 0
    host = SimulatedHost(saved.spec, saved.volumes, clock=clock, durations=saved.durations)
    host.resume_at(saved.settled)
    for file in saved.files:
        host.storage.add(file)
    for owner, (folder, size) in saved.taken.items():
        host.storage.take(owner, folder, size)
    host.vms = {vm.id: vm for vm in saved.vms}
    host.logs |= saved.logs
    return host

"""Building blocks for simulated hosts: VMs with disks, and a history that has happened already."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from uuid import UUID

from backends.base import CheckpointType, SnapshotType, VMState
from backends.simulator.model.checkpoints import freeze
from backends.simulator.model.clock import Clock, SystemClock
from backends.simulator.model.cluster import ROOT, SimulatedCluster
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations, HostSpec
from backends.simulator.model.machines import Drive, SimulatedCheckpoint, SimulatedVM, Vss
from backends.simulator.model.storage import GB, DiskFile, VolumeSpace
from backends.simulator.model.texts import Language

DAY = 86_400.0
HOUR = 3_600.0
TB = 1024 * GB


@dataclass(frozen=True, slots=True)
class Past:
    """A checkpoint that was taken `age` seconds ago; the VM has written `growth` bytes since, up to the next one."""

    name: str
    age: float
    growth: int = GB
    has_memory: bool = False
    automatic: bool = False
    type: SnapshotType = SnapshotType.STANDARD


def seeded_ids(seed: int) -> Callable[[], UUID]:
    """GUIDs that are the same for the same seed."""
    random = Random(seed)  # noqa: S311 - identifiers of a pretend host, not secrets
    return lambda: UUID(int=random.getrandbits(128), version=4)


def add_vm(
    host: SimulatedHost,
    name: str,
    *,
    state: VMState = VMState.RUNNING,
    checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    disks: Iterable[int] = (60 * GB,),
    memory: int = 4 * GB,
    age: float = 400 * DAY,
    write_rate: float = 0.0,
    vss: Vss = Vss.OK,
    folder: str | None = None,
    past: Iterable[Past] = (),
) -> SimulatedVM:
    """A VM with base disks half full (`disks` gives their virtual sizes) and the checkpoints of `past`, oldest first,
    each under the one before. `write_rate` in bytes a second; `folder` instead of the host's own."""
    now = host.clock()
    vm_id = host.new_id()
    file_name = "".join(char if char.isascii() and (char.isalnum() or char in "-_.") else "_" for char in name)
    vm = SimulatedVM(
        id=vm_id,
        name=name,
        created=now - age,
        folder=f"{folder or host.spec.folder}{file_name[:40]}-{vm_id[:8]}",
        state=state,
        checkpoint_type=checkpoint_type,
        memory=memory,
        started=now - 12 * DAY if state in (VMState.RUNNING, VMState.PAUSED) else None,
        vss=vss,
        write_rate=write_rate,
    )
    for number, size in enumerate(disks):
        path = f"{vm.folder}\\Virtual Hard Disks\\{file_name[:40]}{f'-{number}' if number else ''}.vhdx"
        host.storage.add(DiskFile(path, size, size // 2, vm.id, identifier=host.new_id()))
        vm.drives.append(Drive(path, location=number))
    host.vms[vm.id] = vm
    if state is VMState.SAVED:
        host.storage.take(vm.id, vm.folder, memory)
    for one in past:
        add_past(host, vm, one)
    return vm


def add_past(host: SimulatedHost, vm: SimulatedVM, past: Past) -> SimulatedCheckpoint:
    """A checkpoint of long ago on top of the VM's present one."""
    checkpoint = freeze(
        host,
        vm,
        host.new_id(),
        past.name,
        host.clock() - past.age,
        has_memory=past.has_memory,
        automatic=past.automatic,
        type=past.type,
    )
    for drive in vm.drives:
        file = host.storage.find(drive.path) if drive.path else None
        if file and file.parent:
            host.storage.resize(file, min(file.size, max(file.file_size, past.growth // len(vm.drives))))
    return checkpoint


def new_host(
    name: str,
    *,
    clock: Clock | None = None,
    durations: Durations | None = None,
    language: Language = Language.EN,
    powershell: str = "5.1",
    ids: Callable[[], UUID] | None = None,
    data_size: int = 8 * TB,
    data_other: int = 0,
) -> SimulatedHost:
    """A host with a system volume `C:\\` and a data volume `D:\\`, and no VM."""
    volumes = [
        VolumeSpace("C:\\", 240 * GB, other=70 * GB, label="System"),
        VolumeSpace("D:\\", data_size, other=data_other, label="Data"),
    ]
    spec = HostSpec(name, language=language, powershell=powershell)
    ids = ids or seeded_ids(_number(name))
    return SimulatedHost(spec, volumes, clock=clock, durations=durations, ids=ids)


def new_cluster(
    name: str, nodes: Iterable[str], *, clock: Clock | None = None, durations: Durations | None = None
) -> list[SimulatedHost]:
    """The nodes of a cluster, which are such hosts over the shared volumes `Volume1` and `Volume2`, without a VM."""
    clock = clock or SystemClock()
    hosts = [new_host(one, clock=clock, durations=durations) for one in nodes]
    SimulatedCluster(name, hosts, [VolumeSpace(f"{ROOT}Volume{n}\\", 4 * TB, label=f"CSV {n}") for n in (1, 2)])
    return hosts


def add_clustered_vm(
    node: SimulatedHost,
    name: str,
    *,
    state: VMState = VMState.RUNNING,
    checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    past: Iterable[Past] = (),
) -> SimulatedVM:
    """A VM of the node's cluster, on that node for now, with its disks on the first shared volume."""
    vm = add_vm(node, name, state=state, checkpoint_type=checkpoint_type, folder=f"{ROOT}Volume1\\", past=past)
    if node.cluster:
        node.cluster.keep(vm)
    return vm


def random_fleet(
    seed: int,
    hosts: int,
    vms: int,
    checkpoints: int,
    *,
    clock: Clock | None = None,
    durations: Durations | None = None,
) -> list[SimulatedHost]:
    """Hosts `hv001`, `hv002` …, each with `vms` VMs of `checkpoints` checkpoints; the same for the same seed."""
    clock = clock or SystemClock()
    fleet = []
    for number in range(1, hosts + 1):
        random = Random(seed * 100_003 + number)  # noqa: S311 - a pretend fleet
        ids = seeded_ids(random.getrandbits(64))
        host = new_host(f"hv{number:03}", clock=clock, durations=durations, ids=ids, data_size=1024 * TB)
        _fill(host, random, vms, checkpoints)
        fleet.append(host)
    return fleet


def _fill(host: SimulatedHost, random: Random, vms: int, checkpoints: int) -> None:
    kinds = (VMState.RUNNING, VMState.RUNNING, VMState.RUNNING, VMState.OFF, VMState.SAVED, VMState.PAUSED)
    for index in range(1, vms + 1):
        ages = sorted((random.uniform(HOUR, 120 * DAY) for _ in range(checkpoints)), reverse=True)
        past = [
            Past(f"{random.choice(REASONS)}-{place}", age, random.randrange(GB // 16, 12 * GB), random.random() < 0.3)
            for place, age in enumerate(ages, 1)
        ]
        add_vm(
            host,
            f"{random.choice(ROLES)}{index:03}",
            state=random.choice(kinds),
            checkpoint_type=random.choice((CheckpointType.PRODUCTION, CheckpointType.STANDARD)),
            disks=(random.choice((40, 60, 127)) * GB,),
            memory=random.choice((2, 4, 8)) * GB,
            write_rate=random.uniform(0, 20_000),
            past=past,
        )


def _number(name: str) -> int:
    return int.from_bytes(name.encode()[:16])


ROLES = ("web", "app", "build", "test", "db", "file", "mail")
REASONS = ("before-upgrade", "before-patch", "clean-install", "pre-release", "daily")

"""The state of a Hyper-V host: VMs, checkpoints and disks that change as time passes.

Time is what the clock says. A job (a checkpoint being taken, a merge) is written down with the moment of its end, and
`settle`, which every look at the host begins with, carries out what has come due. So what Hyper-V has begun goes on
though its caller is gone, and a host that was saved to a file goes on when it is loaded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, RLock
from typing import Protocol
from uuid import UUID, uuid4

from backends.base import EventLog, VMState
from backends.simulator.model.clock import Clock, SystemClock
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import FaultKind, Faults
from backends.simulator.model.logs import SimulatedLog
from backends.simulator.model.machines import Job, Merge, SimulatedCheckpoint, SimulatedVM
from backends.simulator.model.storage import GB, MB, Storage, VolumeSpace
from backends.simulator.model.texts import Language

GRAIN = 1.0
"""Seconds of writing that are added up before files grow: a scan looks at a host hundreds of times a second."""

INSTALLED, SINCE_INSTALLATION = 1, 2 * 365 * 86_400.0
"""The first event of every log, and how many seconds ago that was."""

CRITICAL = 200 * MB
"""Below this a volume makes Hyper-V pause the VMs that write to it."""


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things take, in seconds and bytes a second, all times `scale`; a scale of 0 makes them instant."""

    scale: float = 1.0
    create: float = 2.0
    apply: float = 3.0
    remove: float = 0.7
    start: float = 2.0
    stop: float = 3.0
    merge: float = 3.0
    memory_rate: float = 1.0 * GB
    copy_rate: float = 500.0 * MB
    migrate: float = 4.0
    """A live migration to another node of a cluster."""
    failover: float = 6.0
    """From the death of a node until its VMs run on others."""
    merge_rate: float = 200.0 * MB
    costly_property: float = 0.0
    """Reading one expensive property of one VM (published: about 0.15 s)."""


@dataclass(frozen=True, slots=True)
class HostSpec:
    """What a host is and does not change."""

    name: str
    language: Language = Language.EN
    domain: str = "example.net"
    memory: int = 256 * GB
    processors: int = 32
    powershell: str = "5.1"
    """`5.1`, or `7.4`, which writes other JSON."""
    utc_offset: int = 0
    """Minutes that its local time is ahead of UTC."""
    folder: str = "D:\\Hyper-V\\"
    """Where new VMs live."""


class Membership(Protocol):
    """The cluster that a host is a node of."""

    def carry_on(self) -> None:
        """Carry out what has come due on all nodes, and move what is to move."""


class HostState(ABC):
    """What one Hyper-V host holds. Safe to use from many threads: hold `lock` to see several things at one moment."""

    cluster: Membership | None = None

    def __init__(
        self,
        spec: HostSpec,
        volumes: list[VolumeSpace],
        *,
        clock: Clock | None = None,
        durations: Durations | None = None,
        ids: Callable[[], UUID] = uuid4,
    ) -> None:
        self.spec = spec
        self.clock = clock or SystemClock()
        self.durations = durations or Durations()
        self.storage = Storage(volumes)
        self.faults = Faults()
        self.lock = RLock()
        self.vms: dict[str, SimulatedVM] = {}
        self.hidden_folders: set[str] = set()
        """Folders that the account may not list, in lower case."""
        self.logs = {log: SimulatedLog() for log in EventLog}
        self.revision = 0
        """Grows with every change that is not mere growth."""
        self.settled = self.clock()
        for log in self.logs.values():
            log.write(INSTALLED, self.settled - SINCE_INSTALLATION)
        self._looked = self.settled
        self._ids = ids

    @property
    def name(self) -> str:
        return self.spec.name

    def new_id(self) -> str:
        return str(self._ids())

    def all(self) -> list[SimulatedVM]:
        """Its VMs by name, as of now."""
        with self.moment():
            return sorted(self.vms.values(), key=lambda vm: (vm.name.casefold(), vm.id))

    def vm(self, vm_id: str) -> SimulatedVM:
        """The VM of that GUID, as of now. Raises `HostError` (VM_ID_NOT_FOUND)."""
        with self.moment():
            vm = self.vms.get(vm_id.lower())
            if vm is None:
                raise HostError(Case.VM_ID_NOT_FOUND, id=vm_id)
            return vm

    def checkpoint(self, checkpoint_id: str) -> tuple[SimulatedVM, SimulatedCheckpoint]:
        """The checkpoint of that GUID and its VM, as of now. Raises `HostError` (CHECKPOINT_NOT_FOUND)."""
        wanted = checkpoint_id.lower()
        with self.moment():
            for vm in self.vms.values():
                if wanted in vm.checkpoints:
                    return vm, vm.checkpoints[wanted]
        raise HostError(Case.CHECKPOINT_NOT_FOUND)

    @contextmanager
    def moment(self) -> Iterator[float]:
        """Hold the host still, with everything done that has come due; gives the time."""
        with self.lock:
            yield self.settle()

    def resume_at(self, moment: float) -> None:
        """Take what the host holds for its state at that moment: all that comes after is still to be done."""
        self.settled = self._looked = moment

    def begin(self, vm: SimulatedVM, job: Job) -> Job:
        """Write down what the VM does from now on. The caller holds the lock and has checked that it may."""
        vm.job = job
        self.revision += 1
        return job

    def seconds(self, plain: float) -> float:
        """A duration at this host's scale."""
        return plain * self.durations.scale

    def wait(self, job: Job, on_progress: Callable[[int], None], stop: Event | None = None) -> None:
        """Wait until the job is over, telling percentages; with `stop` set the job goes on without its caller."""
        length = job.ends - job.started
        while (now := self.clock()) < job.ends:
            if stop and stop.is_set():
                return
            on_progress(min(99, int(100 * (now - job.started) / length)))
            self.clock.sleep(min(job.ends - now, max(0.02, min(0.5, length / 20))))
        self.settle()
        on_progress(100)

    def tell(self, log: EventLog, id: int, vm: SimulatedVM, *values: str, at: float) -> None:
        """Write down an event of a VM, as Hyper-V does: its name, its GUID in capitals, and what else there is."""
        self.logs[log].write(id, self.wall_time(at), vm.name, vm.id.upper(), *values)

    def wall_time(self, moment: float) -> float:
        """What the host's own clock shows at a moment of the simulator's."""
        skew = self.faults.armed(FaultKind.CLOCK_SKEW)
        return moment + (skew.seconds if skew else 0.0)

    @abstractmethod
    def complete(self, vm: SimulatedVM, work: Job | Merge) -> None:
        """Carry out what the work comes to at its end."""

    def settle(self) -> float:
        """Carry out what has come due since the last look, in its order; gives the time."""
        with self.lock:
            if self.cluster is not None:
                self.cluster.carry_on()
            return self.settle_own()

    def settle_own(self) -> float:
        """The same on this host alone."""
        with self.lock:
            since, now = self._looked, max(self.clock(), self._looked)
            self._looked = now
            stalled = self.faults.armed(FaultKind.MERGE_STALL) is not None
            while due := self._next_due(now, stalled):
                vm, work = due
                self._grow(work.ends)
                self.complete(vm, work)
                self.revision += 1
            if now - self.settled >= GRAIN:
                self._grow(now)
            if stalled:
                self._hold_back(since, now)
            return now

    def _next_due(self, now: float, stalled: bool) -> tuple[SimulatedVM, Job | Merge] | None:
        under_way = [(vm, work) for vm in self.vms.values() for work in (vm.merge, vm.job) if work]
        due = [one for one in under_way if one[1].ends <= now and not (stalled and isinstance(one[1], Merge))]
        return min(due, key=lambda one: one[1].ends) if due else None

    def _hold_back(self, since: float, now: float) -> None:
        """Let all merges lose the time that has passed."""
        for vm in self.vms.values():
            if vm.merge:
                vm.merge.ends += now - max(since, vm.merge.started)

    def _grow(self, at: float) -> None:
        """Let running guests write to their AVHDX files up to the moment `at`."""
        passed = at - self.settled
        self.settled = max(at, self.settled)
        if passed <= 0:
            return
        for vm in self.vms.values():
            if vm.write_rate and vm.state in (VMState.RUNNING, VMState.PAUSED_CRITICAL):
                self._write(vm, passed)

    def _write(self, vm: SimulatedVM, passed: float) -> None:
        found = [self.storage.find(drive.path) for drive in vm.written if drive.path]
        leaves = [file for file in found if file and file.parent]
        for file in leaves:
            free = self.storage.volume(file.path).free
            vm.state = VMState.PAUSED_CRITICAL if free < CRITICAL else VMState.RUNNING
            room = min(file.size - file.file_size, free - CRITICAL + 1)
            if vm.running and room > 0:
                self.storage.resize(file, file.file_size + min(room, int(vm.write_rate * passed / len(leaves))))

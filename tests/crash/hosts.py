"""A simulated host that is watched: what takes effect on it is counted, and a kill can be timed by what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Lock

from backends.base import CheckpointType, VMState
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.errors import ErrorData
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import GB
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.shell import Sink, Statement
from tests.support.watched import WatchedHost

Reached = Callable[[str], None]
"""Told each moment of a cmdlet that changes something: `Checkpoint-VM 1 / half way`."""

TIMED = ("safety", "nightly")
CHANGES = ("Checkpoint-VM", "Restore-VMSnapshot", "Remove-VMSnapshot", "Set-VM", "Start-VM")

ARRIVED, BEGUN, HALF_WAY, NEARLY_DONE, UNREAD = "arrived", "begun", "half way", "nearly done", "done, answer not read"


@dataclass(frozen=True)
class Picture:
    """A VM as far as a change may change it."""

    state: VMState
    checkpoint_type: CheckpointType
    current: str
    """The name of the checkpoint that it descends from."""
    checkpoints: tuple[str, ...]


def effects(host: WatchedHost) -> list[str]:
    """What has begun, which is what will take effect: `web01: create before-upgrade`, `web01: start`."""
    return [
        f"{host.vms[one.vm_id].name}: {one.what} {plain(host.name_of(one.about))}".strip()
        for one in host.effects
        if one.what not in ("rename", "type")
    ]


def pictures(host: SimulatedHost) -> dict[str, Picture]:
    with host.moment():
        return {vm.name: _picture(vm) for vm in host.vms.values()}


class WatchedPowerShell(SimulatedPowerShell):
    """Tells the moments of the cmdlets that change something."""

    def __init__(self, host: WatchedHost, reached: Reached) -> None:
        super().__init__(host)
        self._reached = reached
        self._numbers = dict.fromkeys(CHANGES, 0)
        self._lock = Lock()

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str = PLAIN_NAME) -> None:
        changing = next((c.name for one in statements for c in one if c.name in CHANGES), None)
        if changing is None:
            super().run(statements, sink, stop, configuration=configuration)
            return
        with self._lock:
            self._numbers[changing] += 1
            which = f"{changing} {self._numbers[changing]}"
        self._reached(f"{which} / {ARRIVED}")
        super().run(statements, _WatchedSink(sink, which, self._reached), stop, configuration=configuration)


class _WatchedSink:
    def __init__(self, sink: Sink, which: str, reached: Reached) -> None:
        self._sink = sink
        self._which = which
        self._reached = reached

    def output(self, value: object) -> None:
        self._reached(f"{self._which} / {UNREAD}")
        self._sink.output(value)

    def error(self, error: ErrorData) -> None:
        self._sink.error(error)

    def warning(self, text: str) -> None:
        self._sink.warning(text)

    def progress(self, activity: str, percent: int) -> None:
        for moment, least in ((BEGUN, 0), (HALF_WAY, 45), (NEARLY_DONE, 85)):
            if least <= percent < 100:
                self._reached(f"{self._which} / {moment}")
        self._sink.progress(activity, percent)


def fleet_host(durations: Durations) -> WatchedHost:
    """`hv01` with running VMs that take production checkpoints, each with two old ones."""
    host = WatchedHost("hv01", durations)
    for name in ("web01", "web02", "web03"):
        add_vm(host, name, past=[Past("good", 9 * DAY, GB), Past("later", 2 * DAY, GB)])
    host.watch()
    return host


def plain(name: str) -> str:
    """A safety checkpoint and one of a schedule have the time in their names."""
    word = name.partition(" ")[0]
    return word if word in TIMED else name


def _picture(vm: SimulatedVM) -> Picture:
    current = vm.checkpoints[vm.parent_id].name if vm.parent_id else ""
    return Picture(vm.state, vm.checkpoint_type, plain(current), tuple(plain(one.name) for one in vm.ordered()))

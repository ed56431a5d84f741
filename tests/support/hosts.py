"""Simulated hosts: empty ones and a small fleet, in this process or behind WinRM, and what a test does with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from backends.base import CheckpointType, VMInventory, VMState
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import GB
from backends.simulator.powershell.interpreter import CommandLog, SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from backends.simulator.winrm import WinRMServer

ACCOUNT, PASSWORD = "CONTOSO\\svc-checkpoint", "a password of this test"
PLAIN = "hv02"
"""The host that is reached by Basic over plain HTTP; the others by NTLM, with encrypted messages."""
AT_ONCE = Durations(scale=0.0)


class Hosts:
    """Some hosts by name, each with the PowerShell that reaches it."""

    def __init__(self, hosts: Iterable[SimulatedHost]) -> None:
        self.hosts = {host.name: host for host in hosts}
        self.shells = {name: SimulatedPowerShell(host) for name, host in self.hosts.items()}

    def in_process(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> dict[str, HyperVBackend]:
        """New backends, without a wire, which date what they see by this clock."""
        return {name: HyperVBackend(name, SimulatedSession(shell), now=clock) for name, shell in self.shells.items()}

    def look(self, vm_id: str, host: str = "hv01") -> VMInventory:
        """A VM as its host shows it."""
        return HyperVBackend(host, SimulatedSession(self.shells[host])).vm(vm_id, disks=True)

    def host(self, name: str = "hv01") -> SimulatedHost:
        """The model of a host, to look at, to change behind the bot's back, and to arm faults on."""
        return self.hosts[name]

    def vm(self, name: str, host: str = "hv01") -> SimulatedVM:
        """The only VM of that name on a host, as it is now."""
        (found,) = (vm for vm in self.hosts[host].all() if vm.name == name)
        return found

    def checkpoints(self, vm: str, host: str = "hv01") -> list[str]:
        """The names of a VM's checkpoints on the host itself, oldest first."""
        return [one.name for one in self.vm(vm, host).ordered()]

    def put(
        self,
        name: str,
        *past: Past,
        host: str = "hv01",
        state: VMState = VMState.RUNNING,
        checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    ) -> SimulatedVM:
        """Another VM."""
        return add_vm(self.hosts[host], name, state=state, checkpoint_type=checkpoint_type, past=past)

    def arm(self, kind: FaultKind, cmdlet: str | None = None, *, times: int | None = 1, host: str = "hv01") -> None:
        self.hosts[host].faults.arm(Fault(kind, cmdlet, times))

    @contextmanager
    def refusing(self, host: str) -> Iterator[None]:
        """The host refuses every connection meanwhile."""
        self.arm(FaultKind.REFUSE_CONNECTION, times=None, host=host)
        try:
            yield
        finally:
            self.hosts[host].faults.disarm()

    def commands(self, host: str = "hv01") -> CommandLog:
        """What ran on a host."""
        return self.shells[host].log

    def ran(self, cmdlet: str, host: str = "hv01") -> int:
        """How often a cmdlet has run."""
        return len(self.commands(host).seen(cmdlet))

    @contextmanager
    def nothing_changes(self) -> Iterator[None]:
        """Fails when anything but the growth of disks changes on any host meanwhile."""
        before = {name: host.revision for name, host in self.hosts.items()}
        yield
        for host in self.hosts.values():
            host.all()
        assert {name: host.revision for name, host in self.hosts.items()} == before


def empty_hosts(durations: Durations = AT_ONCE) -> tuple[SimulatedHost, ...]:
    """`hv01` and `hv02` with no VMs yet."""
    return tuple(new_host(name, durations=durations) for name in ("hv01", "hv02"))


def small_fleet(durations: Durations = AT_ONCE) -> tuple[SimulatedHost, ...]:
    """`hv01` and `hv02`: some VMs, some of them with old checkpoints, and a name that both have."""
    first, second = hosts = empty_hosts(durations)
    add_vm(first, "web01", past=[Past("before-december-patches", 41 * DAY, 18 * GB), Past("nginx-1.27", 9 * DAY)])
    add_vm(first, "web02", past=[Past("before-december-patches", 40 * DAY, 21 * GB)])
    add_vm(first, "dc01", checkpoint_type=CheckpointType.PRODUCTION_ONLY)
    add_vm(first, "test01", checkpoint_type=CheckpointType.STANDARD)
    add_vm(second, "build01", checkpoint_type=CheckpointType.STANDARD, past=[Past("toolchain 17", 26 * DAY)])
    add_vm(second, "test01", state=VMState.OFF, past=[Past("daily", 5 * DAY)])
    return hosts


def serve(shell: SimulatedPowerShell, port: int = 0) -> WinRMServer:
    """The host behind WinRM, not started yet."""
    host = shell.host
    return WinRMServer(
        shell,
        users={ACCOUNT: PASSWORD},
        port=port,
        allow_unencrypted=host.name == PLAIN,
        faults=host.faults,
        machine=host.name.upper(),
    )

"""A workspace with the bot over a large fleet: 5,000 VMs in memory, and small hosts that do what a host does."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from backends.base import (
    VM,
    Checkpoint,
    CheckpointType,
    FolderFiles,
    HostEvents,
    HostFacts,
    Unreachable,
    VMInventory,
    VMState,
)
from backends.base.backend import Progress
from backends.hyperv.backend import HyperVBackend
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.sandbox import Sandbox
from bot.settings import AccessSettings, ApprovalSettings, DigestChannelSettings, DigestSettings, Settings
from bot.slack.pace import Pace
from bot.wiring import Bot
from tests.support import jobs
from tests.support.hosts import small_fleet
from tests.support.memory import MemoryHost
from tests.support.receiving import Beside
from tests.support.settings import HOST_DEFAULTS, host_at, owners, slack_of
from tests.support.waiting import DEADLINE, OFTEN, wait_until

VMS = 5_000


class LargeHost(MemoryHost):
    """It shows its VMs, and answers nothing else."""

    def __init__(self, host: str, vms: int) -> None:
        super().__init__(host)
        for number in range(vms):
            vm = VM(
                str(uuid.UUID(int=number + 1)),
                f"shop{number:04}",
                host,
                VMState.RUNNING,
                checkpoint_type=CheckpointType.PRODUCTION,
            )
            self.vms[vm.id] = VMInventory(vm)

    def facts(self) -> HostFacts:
        raise self._nothing()

    def events(self, since: datetime) -> HostEvents:
        raise self._nothing()

    def folder_files(self, folders: Sequence[str]) -> FolderFiles:
        raise self._nothing()

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        raise self._nothing()

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        raise self._nothing()

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        raise self._nothing()

    def rename(self, checkpoint_id: str, name: str) -> None:
        raise self._nothing()

    def export(self, checkpoint_id: str, path: str, *, on_progress: Progress | None = None) -> None:
        raise self._nothing()

    def configure(
        self, vm_id: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
    ) -> None:
        raise self._nothing()

    def start(self, vm_id: str) -> None:
        raise self._nothing()

    def end_lost_calls(self) -> None:
        return

    def close(self) -> None:
        return

    def _nothing(self) -> Unreachable:
        return Unreachable(f"{self.host} shows its VMs and nothing else.")


@dataclass
class LargeOffice:
    sandbox: Sandbox
    bot: Bot
    hosts: dict[str, SimulatedHost]


@contextmanager
def large_office(folder: Path) -> Iterator[LargeOffice]:
    """It runs inside. Ada and Oskar may do all, and the other one approves checkpoints of a domain controller. #ops has
    a digest."""
    hosts = {host.name: host for host in small_fleet()}
    backends = {name: HyperVBackend(name, SimulatedSession(SimulatedPowerShell(host))) for name, host in hosts.items()}
    with ExitStack() as running:
        sandbox = running.enter_context(Sandbox(ack_timeout=DEADLINE, timeout=DEADLINE))
        settings = Settings(
            slack=slack_of(sandbox),
            data_dir=folder,
            host_defaults=HOST_DEFAULTS,
            hosts=tuple(host_at(name, 5985) for name in (*hosts, "large01")),
            access=AccessSettings(
                grants=(owners("S0VMADMIN"),),
                approvals=(ApprovalSettings(vms=("dc*",), actions=("create",), by=("S0VMADMIN",)),),
            ),
            digest=DigestSettings(channels=(DigestChannelSettings(channel="C0OPS0001", vms=("old*",)),)),
        )
        everywhere = {**backends, "large01": LargeHost("large01", VMS)}
        pace = Pace(interval=0.02, update_interval=0.06)
        bot = Bot(jobs.placed(settings), backends=everywhere, pace=pace, seldom=OFTEN, receiver=Beside())
        running.callback(bot.stop)
        bot.start()
        sandbox.wait_for_connections(2)
        wait_until(lambda: all(host.vms for host in bot.inventory.hosts()))
        yield LargeOffice(sandbox, bot, hosts)

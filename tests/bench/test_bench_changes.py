"""What it costs that a change cannot be lost: from a button to the host, and beside the same calls made bare."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles
from threading import Event

import pytest
from pydantic import SecretStr

from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleet import Durations
from backends.simulator.interpreter import SimulatedPowerShell
from backends.simulator.seed import DAY, Past, add_vm, new_host
from backends.simulator.session import SimulatedSession
from bot.announcer import MessageRef, Origin
from bot.cards import SIGNS
from bot.core import Core
from bot.directory import Channel, Member
from bot.ledger import ChangeState
from bot.settings import AccessSettings, GrantSettings, HostSettings, Settings, SlackSettings
from commands.base import Create, Person, Plan, Reply, Target
from tests.office import PATIENCE, Office

pytestmark = pytest.mark.bench

CHANGES = 50
ADA = Person("UADA", "ada")
AT_ONCE = Durations(scale=0.0)


def test_from_a_button_to_the_host(tmp_path: Path) -> None:
    """Hosts over WinRM, the workspace and the bot share this process, so all of their work is in it too."""
    first_of_all, first_change, acks, bare = [], [], [], []
    with Office(tmp_path / "data") as office:
        for number in range(CHANGES):
            vm = office.add_vm(f"bench{number:02}", Past("before", 3 * DAY))
            if number % 10 == 0:
                office.move_to_a_new_channel()
            office.type("ada", f"/checkpoint apply {vm.name} before")
            office.wait_for_text(f"Apply before to {vm.name}?", "Cancel" if False else "open until")
            time.sleep(0.5)
            log, before = office.commands(), len(office.commands().seen())
            pressed = time.time()
            acks.append(office.press("ada", "Apply", about=vm.name).ack_ms or 0.0)
            office.wait_for_text(f"{vm.name} is back at before")
            seen = log.seen()[before:]
            first_of_all.append(1000 * (seen[0].at - pressed))
            first_change.append(1000 * (next(s.at for s in seen if s.command == "Checkpoint-VM") - pressed))
            bare.append(1000 * seconds(lambda id=vm.id: office.bot.backends["hv01"].vm(id)))
    print(f"\nover {CHANGES} applies with a safety checkpoint:")
    print(f"button to first cmdlet: {spread(first_of_all)} (aim 300)")
    print(f"button to first cmdlet that changes something: {spread(first_change)}")
    print(f"for comparison: button to acknowledgement {spread(acks)}, one look at a VM {spread(bare)}")


def test_what_durability_costs(tmp_path: Path) -> None:
    """No wire and no Slack: only what the bot itself does around the calls."""
    host = new_host("hv01", durations=AT_ONCE)
    vms = [add_vm(host, f"bench{number:02}").id for number in range(2 * CHANGES)]
    backend = HyperVBackend("hv01", SimulatedSession(SimulatedPowerShell(host)))
    bare = []
    for vm_id in vms[:CHANGES]:
        bare.append(1000 * seconds(lambda id=vm_id: carry_out_bare(backend, id)))
    durable = [*durably(backend, tmp_path, vms[CHANGES:])]
    overhead = [took - median(bare) for took in durable]
    print(f"\nover {CHANGES} creates: bare {spread(bare)}, as a change until its message says so {spread(durable)}")
    print(f"durable overhead: {spread(overhead)} (aim 100)")


def carry_out_bare(backend: HyperVBackend, vm_id: str) -> None:
    """The calls that a change makes: a look, the room, the action, and a look at what came of it."""
    backend.vm(vm_id)
    backend.volumes_of(vm_id)
    backend.create(vm_id, "x")
    backend.vm(vm_id)


def durably(backend: HyperVBackend, folder: Path, vms: list[str]) -> Iterator[float]:
    """Milliseconds until the message of each change shows its end."""
    channel = Wall()
    core = Core(
        Settings(
            slack=SlackSettings(bot_token=SecretStr("xoxb-1"), app_token=SecretStr("xapp-1")),
            data_dir=folder,
            hosts=(HostSettings(name="hv01", address="hv01"),),
            access=AccessSettings(grants=(GrantSettings(to=("everyone",), role="owner", vms=("*",)),)),
        ),
        backends={"hv01": backend},
        announcer=channel,
        directory=Everybody(),
        clock=lambda: datetime.now(UTC),
    )
    core.start()
    try:
        core.inventory.refresh()
        for number, vm_id in enumerate(vms):
            plan = Plan(Create("x"), (Target.of(backend.vm(vm_id)),), f"take x of bench{number}")
            channel.done.clear()
            began = time.perf_counter()
            core.changes.submit(f"change-{number}", plan, ADA, Origin("C0OPS", ADA.id))
            assert channel.done.wait(PATIENCE)
            yield 1000 * (time.perf_counter() - began)
            row = core.ledger.change(f"change-{number}")
            assert row is not None and row.state == ChangeState.SUCCEEDED
    finally:
        core.stop(10.0)


@dataclass
class Wall:
    """The `Announcer`: takes no time, and tells when a success is shown."""

    done: Event = field(default_factory=Event)

    def post(self, origin: Origin, message: Reply) -> MessageRef:
        self._look(message)
        return MessageRef("C0OPS", "1.0")

    def update(self, ref: MessageRef, message: Reply) -> None:
        self._look(message)

    def whisper(self, origin: Origin, message: Reply) -> None:
        raise AssertionError(message.text)

    def _look(self, message: Reply) -> None:
        if message.text.startswith(SIGNS[ChangeState.SUCCEEDED]):
            self.done.set()


class Everybody:
    """The `Directory`: all are members."""

    team_id = "T0HOME"

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        return Member(user_id, "ada", self.team_id)

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        return frozenset()

    def channel(self, channel_id: str) -> Channel:
        return Channel(channel_id)


def spread(milliseconds: list[float]) -> str:
    cuts = quantiles(milliseconds, n=20)
    return f"p50 {median(milliseconds):.0f} ms, p95 {cuts[18]:.0f} ms"


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began

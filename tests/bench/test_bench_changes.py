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
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.changes.card import SIGNS
from bot.core import Core
from bot.ledger import ChangeState
from bot.messages import MessageRef, Origin
from bot.people.directory import Channel, Member
from bot.settings import AccessSettings, GrantSettings, HostSettings, Settings, SlackSettings
from commands.base import Create, Person, Plan, Reply, Target
from tests.support.office import Office
from tests.support.waiting import DEADLINE

pytestmark = pytest.mark.bench

CHANGES = 50
ADA = Person("UADA", "ada")


def test_from_a_button_to_the_host(tmp_path: Path) -> None:
    """Hosts over WinRM, the workspace and the bot share this process, so the work of all of them is in it."""
    first: list[float] = []
    changing: list[float] = []
    acks: list[float] = []
    looks: list[float] = []
    with Office(tmp_path / "data") as office:
        for number in range(CHANGES):
            vm = office.add_vm(f"bench{number:02}", Past("before", 3 * DAY))
            office.type("ada", f"/checkpoint apply {vm.name} before")
            office.wait_for_text(f"Apply before to {vm.name}?")
            ran = len(office.commands().seen())
            pressed = time.time()
            acks.append(office.press("ada", "Apply", about=vm.name).ack_ms or 0.0)
            office.wait_for_text(f"{vm.name} is back at before")
            seen = office.commands().seen()[ran:]
            first.append(1000 * (seen[0].at - pressed))
            changing.append(1000 * (next(one.at for one in seen if one.command == "Checkpoint-VM") - pressed))
            looks.append(milliseconds(lambda id=vm.id: office.bot.backends["hv01"].vm(id)))
    print(f"\nbutton to first cmdlet, {CHANGES} applies: {spread(first)} (aim 300)")
    print(f"button to first cmdlet that changes something: {spread(changing)}")
    print(f"beside it: the acknowledgement {spread(acks)}, one look at a VM over WinRM {spread(looks)}")


def test_what_durability_costs(tmp_path: Path) -> None:
    """Without a wire and without Slack: only what the bot itself does around the calls."""
    host = new_host("hv01", durations=Durations(scale=0.0))
    vms = [add_vm(host, f"bench{number:02}").id for number in range(2 * CHANGES + 1)]
    backend = HyperVBackend("hv01", SimulatedSession(SimulatedPowerShell(host)))
    bare = [milliseconds(lambda id=vm_id: carry_out_bare(backend, id)) for vm_id in vms[:CHANGES]]
    _warming_up, *durable = durably(backend, tmp_path, vms[CHANGES:])
    overhead = [took - median(bare) for took in durable]
    print(f"\ndurable overhead, {CHANGES} creates: {spread(overhead)} (aim 100)")
    print(f"as a change until its message says so {spread(durable)}, the bare calls {spread(bare)}")


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
            channel.await_success_of(plan.summary)
            began = time.perf_counter()
            core.changes.submit(f"change-{number}", plan, ADA, Origin("C0OPS", ADA.id))
            assert channel.done.wait(DEADLINE)
            yield 1000 * (time.perf_counter() - began)
            row = core.ledger.changes.get(f"change-{number}")
            assert row is not None and row.state == ChangeState.SUCCEEDED
    finally:
        core.stop(10.0)


@dataclass
class Wall:
    """The `Announcer`: takes no time, and tells when a success is shown."""

    done: Event = field(default_factory=Event)
    _awaited: str = ""

    def await_success_of(self, summary: str) -> None:
        self.done.clear()
        self._awaited = f"{SIGNS[ChangeState.SUCCEEDED]} {summary.capitalize()}\n"

    def post(self, origin: Origin, message: Reply) -> MessageRef:
        self._look(message)
        return MessageRef("C0OPS", "1.0")

    def update(self, ref: MessageRef, message: Reply) -> None:
        self._look(message)

    def whisper(self, origin: Origin, message: Reply) -> None:
        raise AssertionError(message.text)

    def _look(self, message: Reply) -> None:
        if message.text.startswith(self._awaited):
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


def milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - began)

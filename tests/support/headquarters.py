"""The bot without its edges, for tests: people, a board of messages, simulated hosts, and real durable changes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from pydantic import SecretStr

from backends.base import CheckpointType, VMInventory
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import Past, add_vm, new_host
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.changes.card import SIGNS, title
from bot.core import Core
from bot.dispatch.requests import Pressed, Typed
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.messages import MessageRef, Origin
from bot.people.directory import Channel, LookupFailed, Member
from bot.settings import (
    AccessSettings,
    ApprovalSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    Settings,
    SlackSettings,
)
from commands.base import Actions, Button, Item, Reply
from tests.support.workbench import HASTY, Board, Clock

T = TypeVar("T")

TEAM, CHANNEL, SHARED, ELSEWHERE = "T0", "C0OPS", "C0SHARED", "C0ELSE"
ADA, BOB, EVE, GUEST = "U0ADA", "U0BOB", "U0EVE", "U0GUEST"
OPEN = (ChangeState.REQUESTED, ChangeState.QUEUED, ChangeState.RUNNING)


@dataclass
class People:
    """The `Directory` of a workspace with two who may do everything, one who may look, and a guest."""

    members: dict[str, Member] = field(
        default_factory=lambda: {
            ADA: Member(ADA, "ada", TEAM),
            BOB: Member(BOB, "bob", TEAM),
            EVE: Member(EVE, "eve", TEAM),
            GUEST: Member(GUEST, "gus", TEAM, is_restricted=True),
        }
    )
    out_of_order: bool = False

    @property
    def team_id(self) -> str:
        return TEAM

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        if self.out_of_order or user_id not in self.members:
            raise LookupFailed("user_not_found")
        return self.members[user_id]

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        return frozenset()

    def channel(self, channel_id: str) -> Channel:
        return Channel(channel_id, externally_shared=channel_id == SHARED)


class Headquarters:
    """Between `with` and its end, requests are taken at `desk`. One at a time in a process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.board, self.people = Board(), People()
        self.hosts = {name: new_host(name, durations=Durations(scale=0.0)) for name in ("hv01", "hv02")}
        self.shells = {name: SimulatedPowerShell(host) for name, host in self.hosts.items()}
        self.settings = settings(folder)
        self._core: Core | None = None
        self._deliveries = itertools.count(1)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.start()
        self._open.callback(self.stop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def start(self) -> None:
        backends = {name: HyperVBackend(name, SimulatedSession(shell)) for name, shell in self.shells.items()}
        self._core = Core(
            self.settings,
            backends=backends,
            announcer=self.board,
            directory=self.people,
            clock=self.clock,
            patience=HASTY,
            show_again=(0.2,) * 10,
        )
        self._core.start()

    def stop(self) -> None:
        """Once the changes under way have come to their end. Harmless when it is not running."""
        if self._core is not None:
            wait_until(lambda: not any(row.state in OPEN for row in self.ledger.changes.unfinished()))
            core, self._core = self._core, None
            core.stop(5)

    def restart(self) -> None:
        """Stop, whatever is under way or waits, and start again."""
        core, self._core = self.core, None
        core.stop(5)
        self.start()

    @property
    def core(self) -> Core:
        assert self._core is not None
        return self._core

    @property
    def ledger(self) -> Ledger:
        return self.core.ledger

    # ---------------------------------------------------------------- people

    def type(self, text: str, *, who: str = ADA, channel: str = CHANNEL, delivery: str = "", team: str = TEAM) -> str:
        """Type a command; the id of its delivery."""
        delivery = delivery or f"delivery-{next(self._deliveries)}"
        self.core.desk.typed(Typed(delivery, team, Origin(channel, who), text))
        return delivery

    def press(self, button: Button, message: MessageRef | None, *, who: str = ADA, delivery: str = "") -> None:
        delivery = delivery or f"delivery-{next(self._deliveries)}"
        channel = message.channel if message else CHANNEL
        self.core.desk.pressed(Pressed(delivery, TEAM, Origin(channel, who), button.action, button.value, message))

    def press_elsewhere(self, button: Button, *, who: str = ADA) -> None:
        """In a message of another channel that only the person sees."""
        delivery = f"delivery-{next(self._deliveries)}"
        self.core.desk.pressed(Pressed(delivery, TEAM, Origin(ELSEWHERE, who), button.action, button.value, None))

    def told(self) -> str:
        """What the last person was told who was told something alone."""
        return self.board.whispers[-1].text

    # ---------------------------------------------------------------- changes and hosts

    def newest(self) -> ChangeRow:
        (entry,) = self.ledger.history.find(limit=1)
        row = self.ledger.changes.get(entry.change_id)
        assert row is not None
        return row

    def wait_for(self, state: ChangeState, change: ChangeRow | None = None) -> ChangeRow:
        """The change, or the newest one, once it is in that state and its message says so."""

        def look() -> ChangeRow | None:
            row = self.ledger.changes.get(change.id) if change else self.newest()
            assert row is not None
            return row if row.state is state and row.message is not None and self._is_shown(row) else None

        return wait_until(look)

    def message(self, row: ChangeRow) -> Reply:
        assert row.message is not None
        return self.board.shown[row.message]

    def button(self, row: ChangeRow, label: str) -> Button:
        """A button of the change's message."""
        return next(b for b in buttons(self.message(row)) if b.label == label)

    def add_vm(self, name: str, *past: Past, host: str = "hv01") -> VMInventory:
        made = add_vm(self.hosts[host], name, checkpoint_type=CheckpointType.PRODUCTION, past=past)
        self.clock.forward(seconds=10)
        return self.look(made.id, host)

    def look(self, vm_id: str, host: str = "hv01") -> VMInventory:
        return HyperVBackend(host, SimulatedSession(self.shells[host])).vm(vm_id, disks=True)

    def _is_shown(self, row: ChangeRow) -> bool:
        """A message is posted without its buttons at first."""
        message = self.message(row)
        pressable = row.state not in (ChangeState.AWAITING, ChangeState.QUEUED) or bool(buttons(message))
        return message.text.startswith(f"{SIGNS[row.state]} {title(row)}") and pressable


def settings(folder: Path) -> Settings:
    return Settings(
        slack=SlackSettings(bot_token=SecretStr("xoxb-0"), app_token=SecretStr("xapp-0")),
        data_dir=folder,
        access=AccessSettings(
            grants=(
                GrantSettings(to=(ADA, BOB), role="owner", vms=("*",)),
                GrantSettings(to=(EVE,), role="viewer", vms=("web*",)),
            ),
            approvals=(ApprovalSettings(vms=("sql*",), actions=("apply",), by=(BOB,)),),
        ),
        digest=DigestSettings(channels=(DigestChannelSettings(channel=CHANNEL, vms=("old*",)),)),
    )


def buttons(message: Reply) -> list[Button]:
    found: Iterable[tuple[Button, ...]] = (p.buttons for p in message.parts if isinstance(p, Actions | Item))
    return [button for group in found for button in group]


def wait_until(look: Callable[[], T | None], timeout: float = 10.0) -> T:
    """What `look` gives, once that is something."""
    end = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < end, f"nothing after {timeout} s"
        time.sleep(0.01)
    return found

"""The bot without its edges, for tests: people, a board of messages, simulated hosts, and real durable changes."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from backends.base import BackendError, VMInventory
from backends.simulator.fleets.seed import Past
from backends.simulator.model import power
from backends.simulator.model.faults import FaultKind
from bot.changes.card import SIGNS, title
from bot.changes.perform import Restored
from bot.core import Core
from bot.dispatch.requests import Pressed, Typed
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.messages import MessageRef, Origin
from bot.settings import AccessSettings, ApprovalSettings, DigestChannelSettings, DigestSettings, Settings
from commands.base import Button, Reply, unmarked
from tests.support import jobs
from tests.support.board import (
    Board,
    Screens,
    buttons,
)
from tests.support.clock import Clock
from tests.support.hosts import Hosts, empty_hosts
from tests.support.people import (
    ADA,
    BOB,
    CHANNEL,
    ELSEWHERE,
    EVE,
    TEAM,
    People,
)
from tests.support.settings import NO_SLACK, owners, viewers
from tests.support.waiting import OFTEN, wait_until
from tests.support.workbench import HASTY

OPEN = (ChangeState.REQUESTED, ChangeState.QUEUED, ChangeState.RUNNING)


class Headquarters(Hosts):
    """Between `with` and its end, requests are taken at `desk`. One at a time in a process."""

    def __init__(self, folder: Path) -> None:
        super().__init__(empty_hosts())
        self.folder = folder
        self.clock = Clock()
        self.board, self.people, self.screens = Board(), People(), Screens()
        self.settings = settings(folder)
        self.restored: Restored | None = None
        self.newcomers = False
        """Everybody uses the bot for the first time; else nobody does."""
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
        self._core = Core(
            jobs.placed(self.settings),
            backends=self.in_process(self.clock),
            announcer=self.board,
            screen=self.screens,
            directory=self.people,
            clock=self.clock,
            timeouts=HASTY,
            show_again=(0.2,) * 10,
            seldom=OFTEN,
            restored=self.restored,
        )
        self._core.start()
        for one in () if self.newcomers else self.people.members:
            self.ledger.greetings.begin(one)

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
        request = Typed(delivery, team, Origin(channel, who), text)
        if self.core.desk.arrived(request):
            self.core.desk.typed(request)
        return delivery

    def press(
        self,
        button: Button,
        message: MessageRef | None,
        *,
        who: str = ADA,
        delivery: str = "",
        chosen: tuple[str, ...] = (),
        entered: str = "",
    ) -> None:
        delivery = delivery or f"delivery-{next(self._deliveries)}"
        channel = message.channel if message else CHANNEL
        self._press(
            Pressed(delivery, TEAM, Origin(channel, who), button.action, button.value, message, chosen, entered=entered)
        )

    def press_elsewhere(self, button: Button, *, who: str = ADA) -> None:
        """In a message of another channel that only the person sees."""
        delivery = f"delivery-{next(self._deliveries)}"
        self._press(Pressed(delivery, TEAM, Origin(ELSEWHERE, who), button.action, button.value, None))

    def _press(self, request: Pressed) -> None:
        if self.core.desk.arrived(request):
            self.core.desk.pressed(request)

    def told(self) -> str:
        """What the last person was told who was told something alone."""
        return self.board.whispers[-1].text

    # ---------------------------------------------------------------- changes and hosts

    def newest(self) -> ChangeRow:
        (entry,) = self.ledger.history.find(limit=1)
        row = self.ledger.changes.get(entry.change_id)
        assert row is not None
        return row

    def row(self, change: ChangeRow) -> ChangeRow:
        """The change as the ledger has it by now."""
        row = self.ledger.changes.get(change.id)
        assert row is not None
        return row

    def wait_for(self, state: ChangeState, change: ChangeRow | None = None) -> ChangeRow:
        """The change, or the newest one, once it is in that state and its message says so."""

        def look() -> ChangeRow | None:
            row = self.ledger.changes.get(change.id) if change else self.newest()
            assert row is not None
            return row if row.state is state and row.message is not None and self._is_shown(row) else None

        return self.board.pulse.wait_for(look)

    def message(self, row: ChangeRow) -> Reply:
        assert row.message is not None
        return self.board.shown[row.message]

    def button(self, row: ChangeRow, label: str) -> Button:
        """A button of the change's message."""
        return next(b for b in buttons(self.message(row)) if b.label == label)

    def add_vm(self, name: str, *past: Past, host: str = "hv01") -> VMInventory:
        made = self.put(name, *past, host=host)
        self.clock.forward(seconds=10)
        return self.look(made.id, host)

    def start_again(self, name: str, host: str = "hv01") -> None:
        """Somebody starts a VM on its host."""
        model = self.hosts[host]
        model.all()
        power.start(model, self.vm(name, host).id)
        model.all()

    def fork(self, name: str, host: str = "hv01") -> None:
        """Let a checkpoint that somebody else takes fail half-way, behind the bot's back."""
        self.arm(FaultKind.FORK, host=host)
        with pytest.raises(BackendError, match="failed"):
            self.in_process()[host].create(self.vm(name, host).id, "half-way")
        self.clock.forward(seconds=20)

    def judge(self) -> None:
        """A round of looks at disks and logs."""
        self.core.inventory.refresh(disks=True)
        self.core.health.look_around()

    def _is_shown(self, row: ChangeRow) -> bool:
        """A message is posted without its buttons at first."""
        message = self.message(row)
        pressable = row.state not in (ChangeState.AWAITING, ChangeState.QUEUED) or bool(buttons(message))
        return message.text.startswith(f"{SIGNS[row.state]} {unmarked(title(row))}") and pressable


def settings(folder: Path) -> Settings:
    """Ada and Bob may do everything, Eve may look at `web*` and do everything with `eves*`, and Bob approves what is
    applied to `sql*`."""
    return Settings(
        slack=NO_SLACK,
        data_dir=folder,
        access=AccessSettings(
            grants=(owners(ADA, BOB), viewers(EVE, vms=("web*",)), owners(EVE, vms=("eves*",))),
            approvals=(ApprovalSettings(vms=("sql*",), actions=("apply",), by=(BOB,)),),
        ),
        digest=DigestSettings(channels=(DigestChannelSettings(channel=CHANNEL, vms=("old*",)),)),
    )

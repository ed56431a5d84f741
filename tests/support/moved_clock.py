"""The bot's changes on a clock that a test turns: what is due happens when the clock comes to it, and at once.

Everything is the bot's own but `Durable`: no workflow outlives anything here, and none waits for real time.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar, cast

from backends.simulator.fleets.seed import Past, add_vm, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.machines import SimulatedVM
from bot.changes import verbs
from bot.changes.execution import Environment, Timeouts
from bot.changes.message import ChangeMessages
from bot.changes.perform import Performer
from bot.changes.permission import Permission
from bot.changes.workflow import Changes
from bot.durable import Durable
from bot.fleet.inventory import Inventory
from bot.ledger import Ledger
from bot.people.identity import Gate
from bot.settings import Settings
from tests.support.board import Board
from tests.support.hosts import AT_ONCE, Hosts
from tests.support.people import People

T = TypeVar("T")

GIVES_UP_AT_ONCE = Timeouts(unknown_after=0.0, retries=())


class MovedClock:
    """The bot's time and the hosts', which goes on only by hand."""

    def __init__(self, start: datetime) -> None:
        self.now = start
        self.hosts = ManualClock(start.timestamp())

    def __call__(self) -> datetime:
        return self.now

    def move_to(self, moment: datetime) -> None:
        if moment > self.now:
            self.now = moment
            self.hosts.advance(moment.timestamp() - self.hosts())


class AtOnce:
    """`Durable` in its place: what begins is over when the call returns, and what is put off waits for the clock."""

    stopping = False

    def __init__(self, clock: MovedClock) -> None:
        self._clock = clock
        self._begun: set[str] = set()
        self._later: list[tuple[datetime, int, Callable[[], object]]] = []
        self.waiting: set[str] = set()
        """The ids of what was put off."""
        self._numbers = itertools.count()
        self.down = False
        """The bot does not run: what is due happens when it starts again."""

    def workflow(self, _name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        return lambda run: run

    def start(self, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        if workflow_id not in self._begun:
            self._begun.add(workflow_id)
            workflow(*args)

    start_apart = start

    def start_later(self, seconds: float, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        if workflow_id not in self._begun:
            self._begun.add(workflow_id)
            due = self._clock() + timedelta(seconds=max(0.0, seconds))
            self.waiting.add(workflow_id)
            self.at(due, lambda: self._now(workflow_id, workflow, *args))

    def _now(self, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        self.waiting.discard(workflow_id)
        workflow(*args)

    def at(self, due: datetime, act: Callable[[], object]) -> None:
        """At that moment, or when the bot starts again after it."""
        heapq.heappush(self._later, (due, next(self._numbers), act))

    def step(self, _name: str, act: Callable[[], T]) -> T:
        return act()

    def read(self, _name: str, act: Callable[[], T]) -> T:
        return act()

    def apart(self, act: Callable[[], T]) -> T:
        return act()

    def sleep(self, seconds: float) -> None:
        self._clock.move_to(self._clock() + timedelta(seconds=seconds))

    def arguments(self, _workflow_id: str) -> tuple[object, ...]:
        """What begins is over, and forgotten."""
        return ()

    def stands(self, workflow_id: str) -> str | None:
        return "SUCCESS" if workflow_id in self._begun else None

    def run_until(self, moment: datetime) -> None:
        """Turn the clock to that moment, and let happen what is due on the way."""
        while not self.down and self._later and self._later[0][0] <= moment:
            due, _, act = heapq.heappop(self._later)
            self._clock.move_to(due)
            act()
        self._clock.move_to(moment)


class MovedWorld(Hosts):
    """`hv01` and `hv02` with no VMs yet, and changes that are carried out at once."""

    def __init__(self, folder: Path, start: datetime, settings: Settings) -> None:
        self.clock = MovedClock(start)
        super().__init__(new_host(name, clock=self.clock.hosts, durations=AT_ONCE) for name in ("hv01", "hv02"))
        verbs.verbs()
        self.settings = settings
        self.board, self.people = Board(), People()
        self.durable = AtOnce(self.clock)
        self.ledger = Ledger(folder / "ledger.db", clock=self.clock)
        self.backends = self.in_process()
        self.inventory = Inventory(self.backends, self.clock, fresh_for=timedelta(0))
        self.gate = Gate(self.people, settings.access)
        permission = Permission(settings, self.gate, self.ledger)
        messages = ChangeMessages(self.ledger, self.board, self.clock)
        env = Environment(
            backends=self.backends,
            fleet=self.inventory,
            ledger=self.ledger,
            clock=self.clock,
            show=lambda _change_id: None,
            show_soon=lambda _change_id: None,
            progress=lambda _change_id, _vm_id, _percent: None,
            timeouts=GIVES_UP_AT_ONCE,
        )
        self.changes = Changes(
            ledger=self.ledger,
            messages=messages,
            permission=permission,
            durable=cast(Durable, self.durable),
            performer=Performer(env, permission.still),
            clock=self.clock,
        )
        self.changes.launch()

    def close(self) -> None:
        self.inventory.close()
        self.ledger.close()

    def add_vm(self, name: str, *past: Past, host: str = "hv01", write_rate: float = 0.0) -> SimulatedVM:
        return add_vm(self.hosts[host], name, past=past, write_rate=write_rate)

    def forward(self, **span: float) -> None:
        self.durable.run_until(self.clock() + timedelta(**span))

"""What the work on a VM needs, in one process: simulated hosts without a wire, a ledger, a journal that can crash."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, TypeVar, cast

from backends.base import Backend, CheckpointType, VMInventory, VMState
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import Past, add_vm, new_host
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from bot.changes.attempt import Step
from bot.changes.outcome import Means, Outcome, Patience, Work
from bot.changes.perform import Awaits, Performer
from bot.fleet.inventory import Inventory
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.messages import AnnouncerError, MessageRef, Origin
from commands.base import Action, Person, Plan, Reply, Target

T = TypeVar("T")

ADA = Person("U0ADA", "ada")
ORIGIN = Origin("C0OPS", ADA.id, "https://hooks.slack.com/commands/T0/1/secret")
HASTY = Patience(first=0.3, pauses=(1.0, 2.0))
"""Real seconds for the first wait; the pauses go to the journal, which does not sleep."""


class Crash(BaseException):
    """The machine goes down."""


@dataclass
class PlainJournal:
    """Remembers what steps gave, in their order, as the durable one does. It can crash once, before or after a step."""

    crash_before: str = ""
    crash_after: str = ""
    """The step has acted, and that is not written down."""
    on_sleep: Callable[[float], None] = lambda seconds: None
    slept: list[float] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    """The steps that have ended."""
    _ended: list[tuple[Any, Exception | None]] = field(default_factory=list)
    _at: int = 0
    _down: bool = False

    def begin_again(self) -> None:
        """After a crash: the same steps will be asked for in the same order."""
        self._at, self._down = 0, False

    def step(self, name: str, act: Callable[[], T]) -> T:
        self._crash_if(self._down)
        if self._at == len(self._ended):
            self._crash_if(name == self.crash_before)
            ended = _attempt(act)
            self._crash_if(name == self.crash_after)
            self._ended.append(ended)
            self.names.append(name)
        assert self.names[self._at] == name, "the steps came in another order after a crash"
        result, error = self._ended[self._at]
        self._at += 1
        if error is not None:
            raise error
        return cast(T, result)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep(seconds)

    def _crash_if(self, due: bool) -> None:
        if due:
            self.crash_before = self.crash_after = ""
            self._down = True
            raise Crash


def _attempt(act: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return act(), None
    except Exception as error:
        return None, error


@dataclass
class Board:
    """An announcer that keeps what it was given, and can be out of order or jammed."""

    shown: dict[MessageRef, Reply] = field(default_factory=dict)
    whispers: list[Reply] = field(default_factory=list)
    out_of_order: bool = False
    _open: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self._open.set()

    @contextmanager
    def jammed(self) -> Iterator[None]:
        """Whoever shows something waits until this is over."""
        self._open.clear()
        try:
            yield
        finally:
            self._open.set()

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        ref = MessageRef(origin.channel, f"1700000000.{len(self.shown):06}")
        self.update(ref, message)
        return ref

    def update(self, ref: MessageRef, message: Reply) -> None:
        self._work()
        self.shown[ref] = message

    def whisper(self, origin: Origin, message: Reply) -> None:
        self._work()
        self.whispers.append(message)

    def _work(self) -> None:
        self._open.wait()
        if self.out_of_order:
            raise AnnouncerError("out of order")

    @property
    def texts(self) -> list[str]:
        """What the channel shows."""
        return [message.text for message in self.shown.values()]


class Clock:
    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, **span: float) -> None:
        self._ahead += timedelta(**span)


class Workbench:
    """`hv01` and `hv02` with no VMs yet, and everything that carries a change out on them."""

    def __init__(self, folder: Path, *, patience: Patience = HASTY) -> None:
        self.clock = Clock()
        self.hosts = {name: new_host(name, durations=Durations(scale=0.0)) for name in ("hv01", "hv02")}
        self.shells = {name: SimulatedPowerShell(host) for name, host in self.hosts.items()}
        self.backends = {name: HyperVBackend(name, SimulatedSession(shell)) for name, shell in self.shells.items()}
        self.ledger = Ledger(folder / "ledger.db", clock=self.clock)
        self.inventory = Inventory(self.backends, self.clock, fresh_for=timedelta(0))
        self.shown: list[str] = []
        """Ids of changes whose message was brought up to date."""
        self.progress: list[tuple[str, int]] = []
        self.denial: Exception | None = None
        """What the permission check raises now."""
        self.awaits: Awaits | None = None
        """Whose answer it asks for now."""
        self.means = Means(
            backends=self.backends,
            fleet=self.inventory,
            ledger=self.ledger,
            clock=self.clock,
            show=self.shown.append,
            progress=lambda _change_id, vm_id, percent: self.progress.append((vm_id, percent)),
            patience=patience,
        )
        self.performer = Performer(self.means, self._authorise)

    def close(self) -> None:
        self.inventory.close()
        self.ledger.close()

    def _authorise(self, row: ChangeRow) -> Awaits | None:
        if self.denial is not None:
            raise self.denial
        return self.awaits

    # ---------------------------------------------------------------- hosts

    def add_vm(
        self,
        name: str,
        *past: Past,
        host: str = "hv01",
        state: VMState = VMState.RUNNING,
        checkpoint_type: CheckpointType = CheckpointType.PRODUCTION,
    ) -> VMInventory:
        """A VM, as its host shows it."""
        made = add_vm(self.hosts[host], name, state=state, checkpoint_type=checkpoint_type, past=past)
        return self.look(made.id, host)

    def look(self, vm_id: str, host: str = "hv01") -> VMInventory:
        return self.backends[host].vm(vm_id, disks=True)

    def look_again(self, seen: VMInventory) -> VMInventory:
        """The VM as it is now, on a host that is well again."""
        self.hosts[seen.vm.host].faults.disarm()
        return self.look(seen.vm.id, seen.vm.host)

    def arm(self, kind: FaultKind, cmdlet: str | None = None, *, times: int | None = 1, host: str = "hv01") -> None:
        self.hosts[host].faults.arm(Fault(kind, cmdlet, times))

    def ran(self, cmdlet: str, host: str = "hv01") -> int:
        """How often a cmdlet has run."""
        return len(self.shells[host].log.seen(cmdlet))

    def down_after(self, step: Step) -> Step:
        """The same step on `hv01`, which answers nobody from the moment that it has acted."""

        def act(host: Backend) -> None:
            try:
                step.act(host)
            finally:
                self.arm(FaultKind.REFUSE_CONNECTION, times=None)

        return replace(step, act=act)

    def host(self, name: str = "hv01") -> SimulatedHost:
        return self.hosts[name]

    # ---------------------------------------------------------------- changes

    def target(self, seen: VMInventory, checkpoint: str | None = None) -> Target:
        """The VM, and its checkpoint of that name."""
        return Target.of(seen, next((c for c in seen.checkpoints if c.name == checkpoint), None))

    def ask(
        self, action: Action, *targets: Target, state: ChangeState = ChangeState.QUEUED, decided_by: str = "bot"
    ) -> str:
        """A change that was asked for and allowed: its id."""
        change_id = str(uuid.uuid4())
        plan = Plan(action, targets, f"{action.verb} {', '.join(t.vm_name for t in targets)}")
        self.ledger.changes.request(change_id, plan, ADA, ORIGIN)
        for step in (ChangeState.QUEUED, ChangeState.RUNNING):
            self.ledger.changes.move(change_id, step, by=decided_by)
            if step is state:
                break
        return change_id

    def work(self, action: Action, target: Target, journal: PlainJournal | None = None) -> Work:
        """The work of a change that has begun."""
        change_id = self.ask(action, target, state=ChangeState.RUNNING)
        return Work(self.means, journal or PlainJournal(), change_id, target)

    def perform(self, action: Action, target: Target, journal: PlainJournal | None = None) -> Outcome:
        """Ask for a change on one VM, and carry it out. Where the journal crashes, it is taken up again."""
        journal = journal or PlainJournal()
        change_id = self.ask(action, target)
        try:
            return self.performer.perform(journal, change_id, target)
        except Crash:
            journal.begin_again()
            return self.performer.perform(journal, change_id, target)

    def row(self, change_id: str) -> ChangeRow:
        return self.means.row(change_id)

    def events(self, change_id: str) -> list[str]:
        return [event.event for event in self.ledger.events.of(change_id)]

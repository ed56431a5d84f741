"""The work on one VM: its durable steps, and what to do when the answer to one of them is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from pydantic import TypeAdapter

from backends.base import AuthenticationFailed, Backend, Busy, TimedOut, UnknownOutcome, Unreachable, VMInventory
from bot.changes import attempt as steps
from bot.ledger import ChangeRow, ChangeState, Event, Ledger
from commands.base import Target

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an action is waited for whose answer was lost, in seconds."""

    first: float = steps.PATIENCE
    """Before it is reported as unknown."""
    pauses: tuple[float, ...] = (5.0, 10.0, 30.0, *(60.0,) * 10, *(300.0,) * 280)
    """Between looks at its host after that: a day in all. Nothing else runs on the VM meanwhile."""


class Journal(Protocol):
    """Runs steps durably: a step that has ended gives the same result, or the same error, when it is run again."""

    def step(self, name: str, act: Callable[[], T]) -> T: ...

    def sleep(self, seconds: float) -> None: ...


class Looks(Protocol):
    """Where a VM is looked up as it is now, wherever in the fleet it lives by now."""

    def look(self, vm_id: str, *, disks: bool = False) -> VMInventory: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change on one VM."""

    vm_id: str
    vm_name: str
    state: ChangeState
    sentence: str
    cause: str = ""
    checkpoint_id: str | None = None
    safety_id: str | None = None
    """The checkpoint that was taken before an apply."""
    bytes_before: int | None = None
    """What the VM's disk files took before a delete."""


OUTCOME = "outcome"
"""The ledger's event that carries an `Outcome`."""


def outcomes(events: Iterable[Event]) -> tuple[Outcome, ...]:
    """What became of each VM so far, as the ledger has it."""
    return tuple(_outcome(e.detail) for e in events if e.event == OUTCOME)


_outcome = TypeAdapter(Outcome).validate_python


def conclusion(outcomes: tuple[Outcome, ...]) -> tuple[ChangeState, str]:
    """What became of the whole: it succeeded only where every VM did, and is unknown while one is."""
    states = {o.state for o in outcomes}
    result = "\n".join(o.sentence for o in outcomes)
    if len(states) == 1:
        return states.pop(), result
    return (ChangeState.UNKNOWN if ChangeState.UNKNOWN in states else ChangeState.FAILED), result


@dataclass(frozen=True, slots=True)
class Means:
    """What all work needs."""

    backends: Mapping[str, Backend]
    fleet: Looks
    ledger: Ledger
    clock: Callable[[], datetime]
    show: Callable[[str], object]
    """Bring the message of a change up to date."""
    progress: Callable[[str, str, int], None]
    """Told change id, VM id and percentage."""
    patience: Patience = Patience()

    def row(self, change_id: str) -> ChangeRow:
        return row_of(self.ledger, change_id)


def row_of(ledger: Ledger, change_id: str) -> ChangeRow:
    """Raises LookupError for an id that is not in the ledger."""
    row = ledger.changes.get(change_id)
    if row is None:
        raise LookupError(f"the ledger has no change {change_id}")
    return row


@dataclass(frozen=True, slots=True)
class Work:
    """One change on one VM, under way."""

    means: Means
    journal: Journal
    change_id: str
    target: Target

    @property
    def row(self) -> ChangeRow:
        return self.means.row(self.change_id)

    def now(self) -> datetime:
        return self.means.clock()

    def on_progress(self, percent: int) -> None:
        self.means.progress(self.change_id, self.target.vm_id, percent)

    def done(self, sentence: str, *, checkpoint_id: str | None = None, safety_id: str | None = None) -> Outcome:
        target = self.target
        return Outcome(
            target.vm_id,
            target.vm_name,
            ChangeState.SUCCEEDED,
            sentence,
            checkpoint_id=checkpoint_id or target.checkpoint_id,
            safety_id=safety_id,
        )

    def checkpoint_id(self) -> str:
        if self.target.checkpoint_id is None:
            raise LookupError(f"the plan of change {self.change_id} names no checkpoint")
        return self.target.checkpoint_id

    def carry_out(self, step: steps.Step, seen: VMInventory) -> VMInventory:
        """One step on the host. When its answer is lost, say so, and go on looking until the host shows what happened.

        Raises `BackendError`; `UnknownOutcome` when nobody will find out.
        """
        backend = self.means.backends[seen.vm.host]
        patience = self.means.patience.first
        try:
            return self.journal.step(step.name, lambda: steps.run(step, backend, seen, self.sent, patience=patience))
        except UnknownOutcome as lost:
            cause = lost.cause
            self._tell_unknown(step.name, cause)
            if isinstance(lost, steps.Inconclusive):
                raise
        for attempt, pause in enumerate(self.means.patience.pauses):
            self.journal.sleep(pause)
            try:
                found = self.journal.step(
                    f"{step.name}: look {attempt}", lambda: steps.settle(step, backend, seen.vm.id, patience=0.0)
                )
            except steps.Inconclusive:
                raise
            except UnknownOutcome:
                continue
            if found is None:
                raise steps.DidNotHappen(
                    f"The connection to {backend.host} was lost in the middle. I looked again: it did not happen.",
                    cause,
                )
            return found
        raise UnknownOutcome(f"{backend.host} has not answered for a day. Look at {seen.vm.name} by hand.", cause)

    def set_right(self, step: steps.Step, seen: VMInventory) -> VMInventory:
        """A step without which the VM would be left as nobody wants it. It is tried for a day while the host does not
        answer or is busy. Raises `BackendError`."""
        for pause in self.means.patience.pauses:
            try:
                return self.carry_out(step, seen)
            except AuthenticationFailed:
                raise
            except (Unreachable, Busy, steps.DidNotHappen) as error:
                self._tell_unknown(step.name, error.cause)
                self.journal.sleep(pause)
        return self.carry_out(step, seen)

    def look(self, key: str) -> VMInventory:
        """The VM as it is after a failure. While no host answers that is tried for a day. Raises `BackendError`."""
        for attempt, pause in enumerate(self.means.patience.pauses):
            try:
                return self.journal.step(f"{key}: look {attempt}", lambda: self.means.fleet.look(self.target.vm_id))
            except AuthenticationFailed:
                raise
            except (Unreachable, TimedOut) as error:
                self._tell_unknown(key, error.cause)
                self.journal.sleep(pause)
        target = self.target
        raise UnknownOutcome(f"{target.host} has not answered for a day. Look at {target.vm_name} by hand.", key)

    def _tell_unknown(self, key: str, cause: str) -> None:
        self.journal.step(f"{key}: outcome unknown", lambda: self._say_unknown(cause))

    def _say_unknown(self, cause: str) -> None:
        row = self.row
        if row.state == ChangeState.RUNNING:
            self.means.ledger.changes.move(
                self.change_id, ChangeState.UNKNOWN, by="bot", why=f"no answer about {self.target.vm_name}: {cause}"
            )
        self.means.show(self.change_id)

    @property
    def sent(self) -> _SentInLedger:
        return _SentInLedger(self.means.ledger, self.change_id, self.target.vm_id)


@dataclass(frozen=True, slots=True)
class _SentInLedger:
    ledger: Ledger
    change_id: str
    vm_id: str

    def already(self, step: str) -> bool:
        return any(
            e.detail.get("step") == step and e.detail.get("vm_id") == self.vm_id
            for e in self.ledger.events.of(self.change_id)
        )

    def mark(self, step: str) -> None:
        if not self.already(step):
            detail = {"step": step, "vm_id": self.vm_id}
            self.ledger.changes.note(self.change_id, "sent", by="bot", why=f"sending {step}", detail=detail)

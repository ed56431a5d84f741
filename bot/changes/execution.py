"""A change under way on one VM: its durable steps, and what to do when the answer to one of them is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from backends.base import (
    VM,
    AuthenticationFailed,
    Backend,
    BackendError,
    Busy,
    NotFound,
    OperationFailed,
    TimedOut,
    UnknownOutcome,
    Unreachable,
    VMInventory,
)
from bot.changes import attempt as attempts
from bot.changes.attempt import Attempt
from bot.changes.outcome import Outcome, Said, Values
from bot.ledger import ChangeRow, ChangeState, IllegalMove, Ledger
from commands.base import Target, name

log = logging.getLogger(__name__)

T = TypeVar("T")

_sets_right: ContextVar[bool] = ContextVar("sets right", default=False)
"""What is sent on this thread leaves the VM as somebody wants it, and a freeze does not keep it."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an action is waited for whose answer was lost, in seconds."""

    unknown_after: float = attempts.UNKNOWN_AFTER
    """Before it is reported as unknown."""
    retries: tuple[float, ...] = (5.0, 10.0, 30.0, *(60.0,) * 10, *(300.0,) * 280)
    """The pauses between looks at its host after that: a day in all. Nothing else runs on the VM meanwhile."""
    untold: tuple[float, ...] = (10.0, 20.0, 30.0, *(60.0,) * 9, *(300.0,) * 10)
    """The pauses before it is asked again whether a change is allowed, while the workspace does not say so: an hour in
    all."""


class Steps(Protocol):
    """Runs steps durably: a step that has ended gives the same result, or the same error, when it is run again."""

    def step(self, name: str, act: Callable[[], T]) -> T: ...

    def sleep(self, seconds: float) -> None: ...


class Looks(Protocol):
    """Where a VM is looked up as it is now, wherever in the fleet it lives by now."""

    def look(self, vm_id: str, *, disks: bool = False) -> VMInventory: ...


@dataclass(frozen=True, slots=True)
class Environment:
    """What every execution needs."""

    backends: Mapping[str, Backend]
    fleet: Looks
    ledger: Ledger
    clock: Callable[[], datetime]
    show: Callable[[str], object]
    """Bring the message of a change up to date."""
    show_soon: Callable[[str], object]
    """The same in a moment, without waiting for it."""
    progress: Callable[[str, str, int], None]
    """Told change id, VM id and percentage."""
    timeouts: Timeouts = Timeouts()
    held: Callable[[VM], str] = lambda _: ""
    """Why nobody may touch a VM now; empty where one may."""
    waits: Callable[[str, str], object] = lambda _vm_id, _why: None
    """Told why nothing begins on a VM yet; with an empty reason that is over."""
    changed: Callable[[str], object] = lambda _: None
    """Told the host that something was done on: what was seen of it before is old."""
    frozen: Callable[[], str] = lambda: ""
    """Why nothing may be changed now; empty where it may."""

    def refuse_if_frozen(self) -> None:
        """Right before something is sent that may have waited since it was allowed. What only sets right what was begun
        passes. Raises `OperationFailed`."""
        if not _sets_right.get() and (why := self.frozen()):
            raise OperationFailed(why, "everything is frozen", unchanged=True)


@dataclass(frozen=True, slots=True)
class Execution:
    """One change on one VM, under way."""

    env: Environment
    steps: Steps
    change: ChangeRow
    """As it was when the work on this VM began."""
    target: Target

    def now(self) -> datetime:
        return self.env.clock()

    def on_progress(self, percent: int) -> None:
        self.env.progress(self.change.id, self.target.vm_id, percent)

    def done(
        self,
        key: str,
        sentence: str,
        values: Values | None = None,
        *,
        checkpoint_id: str | None = None,
        safety_id: str | None = None,
    ) -> Outcome:
        target = self.target
        return Outcome(
            target.vm_id,
            target.vm_name,
            ChangeState.SUCCEEDED,
            sentence,
            checkpoint_id=checkpoint_id or target.checkpoint_id,
            safety_id=safety_id,
            key=key,
            values={"vm": target.vm_name, "checkpoint": target.checkpoint_name, **(values or {})},
        )

    def refuse_if_held(self, vm: VM) -> None:
        """Right before a further act on the VM. Raises `OperationFailed` for one that is on Hold."""
        if why := self.env.held(vm):
            raise OperationFailed(why, f"{vm.name} is on Hold")

    def checkpoint_id(self) -> str:
        if self.target.checkpoint_id is None:
            raise LookupError(f"the plan of change {self.change.id} names no checkpoint")
        return self.target.checkpoint_id

    def carry_out(self, attempt: Attempt, seen: VMInventory) -> VMInventory:
        """One attempt on the host. When its answer is lost, say so, and go on looking until the host shows what
        happened.

        Raises `BackendError`; `UnknownOutcome` when nobody will find out.
        """
        backend = self.env.backends[seen.vm.host]
        try:
            return self.steps.step(attempt.name, lambda: self._run(attempt, backend, seen))
        except UnknownOutcome as lost:
            cause = lost.cause
            self._tell_unknown(attempt.name, cause)
            if isinstance(lost, attempts.Inconclusive):
                raise
        for number, pause in enumerate(self.env.timeouts.retries):
            self.steps.sleep(pause)
            try:
                found = self.steps.step(
                    f"{attempt.name}: look {number}",
                    lambda: self._find_out(attempt, backend, seen),
                )
            except attempts.Inconclusive:
                raise
            except UnknownOutcome:
                continue
            if found is None:
                raise attempts.DidNotHappen(
                    f"The connection to {name(backend.host)} was lost in the middle. I looked again: it did not "
                    "happen.",
                    cause,
                )
            return found
        raise UnknownOutcome(
            f"{name(backend.host)} has not shown for a day what became of it. Look at {name(seen.vm.name)} by hand.",
            cause,
        )

    def _find_out(self, attempt: Attempt, backend: Backend, seen: VMInventory) -> VMInventory | None:
        """On the host that it was sent to, or where the VM has been moved since. Raises `UnknownOutcome`."""
        try:
            return attempts.settle(attempt, backend, seen.vm.id, unknown_after=0.0)
        except attempts.Inconclusive:
            raise
        except UnknownOutcome:
            now = self._followed(seen)
            if now.vm.host == backend.host:
                raise
            return attempts.settle(attempt, self.env.backends[now.vm.host], seen.vm.id, unknown_after=0.0)

    def _followed(self, seen: VMInventory) -> VMInventory:
        """The VM where it has been moved to, or else as it was seen. A host that answers does not show it any more, and
        another one does: a replica of it there is another VM under the same id."""
        try:
            self.env.backends[seen.vm.host].vm(seen.vm.id)
        except NotFound:
            with suppress(BackendError):
                now = self.env.fleet.look(seen.vm.id)
                return seen if now.vm.is_replica else now
        except BackendError as error:
            log.info("whether %s was moved is not known: %s", seen.vm.name, error.cause)
        return seen

    def _run(self, attempt: Attempt, backend: Backend, seen: VMInventory) -> VMInventory:
        try:
            return attempts.run(attempt, backend, seen, self.sent, unknown_after=self.env.timeouts.unknown_after)
        finally:
            self.env.changed(backend.host)

    def set_right(self, attempt: Attempt, seen: VMInventory) -> VMInventory:
        """An attempt without which the VM would be left as nobody wants it. It is made for a day while the host does
        not answer, is busy, or does not show its VMs yet. Raises `BackendError`."""
        before = _sets_right.set(True)
        try:
            return self._set_right(attempt, seen)
        finally:
            _sets_right.reset(before)

    def _set_right(self, attempt: Attempt, seen: VMInventory) -> VMInventory:
        for pause in self.env.timeouts.retries:
            try:
                return self.carry_out(attempt, seen)
            except AuthenticationFailed:
                raise
            except (Unreachable, TimedOut, Busy, NotFound, attempts.DidNotHappen) as error:
                self._tell_unknown(attempt.name, error.cause)
                self.steps.sleep(pause)
                seen = self.steps.step(f"{attempt.name}: where", partial(self._followed, seen))
        return self.carry_out(attempt, seen)

    def look(self, key: str) -> VMInventory:
        """The VM as it is after a failure. While no host answers that is tried for a day. Raises `BackendError`."""
        for number, pause in enumerate(self.env.timeouts.retries):
            try:
                return self.steps.step(f"{key}: look {number}", lambda: self.env.fleet.look(self.target.vm_id))
            except AuthenticationFailed:
                raise
            except (Unreachable, TimedOut) as error:
                self._tell_unknown(key, error.cause)
                self.steps.sleep(pause)
        target = self.target
        raise UnknownOutcome(
            f"{name(target.host)} has not answered for a day. Look at {name(target.vm_name)} by hand.", key
        )

    def _tell_unknown(self, key: str, cause: str) -> None:
        self.steps.step(f"{key}: outcome unknown", lambda: self._say_unknown(cause))

    def _say_unknown(self, cause: str) -> None:
        said = Said("no answer", f"no answer about {self.target.vm_name}: {cause}", {"vm": self.target.vm_name})
        try:
            self.env.ledger.changes.move(
                self.change.id, ChangeState.UNKNOWN, by="bot", why=said.sentence, detail=said.detail
            )
        except IllegalMove:  # another VM of the change has concluded it, or it is over
            return
        self.env.show(self.change.id)

    @property
    def sent(self) -> _SentInLedger:
        return _SentInLedger(self.env.ledger, self.change.id, self.target.vm_id)


@dataclass(frozen=True, slots=True)
class _SentInLedger:
    ledger: Ledger
    change_id: str
    vm_id: str

    def already(self, attempt: str) -> bool:
        return self.ledger.events.has(self.change_id, "sent", vm_id=self.vm_id, step=attempt)

    def mark(self, attempt: str) -> None:
        if not self.already(attempt):
            detail = {"step": attempt, "vm_id": self.vm_id}
            self.ledger.changes.note(self.change_id, "sent", by="bot", why=f"sending {attempt}", detail=detail)

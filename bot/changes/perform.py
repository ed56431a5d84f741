"""Carries out a change on one VM: is it still allowed, is the VM still as it was shown, then what its verb does.

Nothing here knows how durable steps are kept: `Steps` runs each of them once, also over a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from backends.base import BackendError, NotFound, UnknownOutcome, VMInventory
from bot.changes import drift, verbs
from bot.changes.execution import Environment, Execution, Steps
from bot.changes.outcome import Outcome, Said
from bot.changes.permission import Awaits, plan_of
from bot.ledger import ChangeRow, ChangeState, IllegalMove
from bot.people.identity import Refusal
from commands.base import Target
from commands.base.names import name as called

BOT = "bot"
"""Who lets a change go on that needs nobody's answer."""

UNAPPROVED = "The settings ask for the approval of a second person by now. Type the command again."
CANCELLED = "Cancelled before it began."
RESTORED = (
    "The bot was put back to its backup of {at} UTC, and cannot know whether this was done since. Look, and ask again."
)
UNTOLD = "not told"
"""The key of what is said where the workspace does not say whether somebody may do it still."""

WAITS = "{vm} waits: Slack does not say now whether this may still be done. I ask again for an hour."
OVER = "The change was over before it came to this VM."


class NotNow(Exception):
    """The change may not be carried out on this VM any more; nothing was touched."""

    def __init__(self, state: ChangeState, said: Said) -> None:
        super().__init__(state, said)
        self.state = state
        self.said = said


@dataclass(frozen=True, slots=True)
class Restored:
    """A backup that was put back: what had not begun in it may have been done since."""

    at: datetime
    unfinished: frozenset[str]
    """The ids of the changes that were not over then."""
    head: str = ""
    """Of the ledger's chain then; empty where an earlier version put it back."""


@dataclass(frozen=True, slots=True)
class Performer:
    """Carries out changes on single VMs."""

    env: Environment
    authorise: Callable[[ChangeRow], Awaits | None]
    """Raises `Refusal` when the change is not allowed any more."""
    restored: Restored | None = None
    """The backup that this bot was put back to."""
    quota: Callable[[ChangeRow, Target], str] = lambda _change, _target: ""
    """Why its owner may not take what it takes of a VM; empty where they may."""

    def perform(self, steps: Steps, change: ChangeRow, target: Target) -> Outcome:
        """Carry out the change on one VM. Never raises for what a host did: that is in the outcome."""

        def ended(state: ChangeState, sentence: str, cause: str, *, unchanged: bool, key: str) -> Outcome:
            return Outcome(
                target.vm_id,
                target.vm_name,
                state,
                sentence,
                cause,
                unchanged=unchanged,
                key=key,
                values={"vm": target.vm_name, "host": target.host},
            )

        verb, plan = verbs.of(change.verb), plan_of(change)
        try:
            seen = self._checked(steps, change, target, exact=verb.exact, held=verb.held)
            return verb.perform(Execution(self.env, steps, change, target), seen, plan.action)
        except NotNow as reason:
            said = reason.said
            return ended(reason.state, said.sentence, said.sentence, unchanged=True, key=said.key)
        except UnknownOutcome as lost:
            return ended(ChangeState.UNKNOWN, lost.sentence, lost.cause, unchanged=False, key="no answer")
        except BackendError as error:
            key = type(error).__name__
            return ended(ChangeState.FAILED, error.sentence, error.cause, unchanged=error.unchanged, key=key)

    def _checked(self, steps: Steps, change: ChangeRow, target: Target, *, exact: bool, held: bool) -> VMInventory:
        """The VM, where the change may be carried out on it. While the workspace does not say whether it may, that is
        asked again. Raises `NotNow`."""

        def look(again: bool) -> VMInventory:
            now = self.env.ledger.changes.get(change.id) if again else None  # it may have been cancelled meanwhile
            return self._check(now or change, target, exact=exact, held=held)

        waits = ""
        try:
            for number, pause in enumerate(self.env.timeouts.untold):
                try:
                    return steps.step(f"check again {number}" if number else "check", partial(look, number > 0))
                except NotNow as reason:
                    if reason.said.key != UNTOLD:
                        raise
                waits = WAITS.format(vm=called(target.vm_name))
                self.env.waits(target.vm_id, waits)
                steps.sleep(pause)
            return steps.step("check at last", partial(look, True))
        finally:
            if waits:
                self.env.waits(target.vm_id, "")

    def _check(self, change: ChangeRow, target: Target, *, exact: bool, held: bool) -> VMInventory:
        if change.state.final:
            cancelled = change.state == ChangeState.CANCELLED
            raise NotNow(change.state, Said("cancelled", CANCELLED) if cancelled else Said("over", OVER))
        if self.restored is not None and change.id in self.restored.unfinished:
            at = f"{self.restored.at:%Y-%m-%d %H:%M}"
            raise NotNow(ChangeState.VOID, Said("restored", RESTORED.format(at=at), {"at": at}))
        try:
            awaits = self.authorise(change)
        except Refusal as refusal:
            key = UNTOLD if refusal.passing else "denied"
            raise NotNow(ChangeState.DENIED, Said(key, refusal.sentence)) from refusal
        if awaits == "approval" and change.decided_by in (BOT, change.person_id, change.asked_by):
            raise NotNow(ChangeState.DENIED, Said("not approved", UNAPPROVED))
        seen = self._look(target)
        if moved := drift.moved(target, seen, exact=exact or change.decided_by != BOT):
            sentence = f"{called(target.vm_name)} is not as it was when you asked: {moved}."
            raise NotNow(ChangeState.VOID, Said("moved", sentence, {"vm": target.vm_name, "moved": moved}))
        if held and (why := self.env.held(seen.vm)):
            raise NotNow(ChangeState.DENIED, Said("on hold", why, {"vm": target.vm_name}))
        if why := self.quota(change, target):
            raise NotNow(ChangeState.DENIED, Said("quota", why, {"vm": target.vm_name}))
        self._begin(change, target)
        return seen

    def _look(self, target: Target) -> VMInventory:
        try:
            return self.env.fleet.look(target.vm_id)
        except NotFound as gone:
            sentence = (
                f"{called(target.vm_name)} is not on {called(target.host)} any more, nor on another host that answers."
            )
            raise NotNow(ChangeState.VOID, Said("gone", sentence, {"vm": target.vm_name})) from gone

    def _begin(self, change: ChangeRow, target: Target) -> None:
        """From here on the change cannot be cancelled. Of several VMs the first one begins it for all."""
        if change.state != ChangeState.QUEUED:
            return
        said = Said("began", f"began on {target.vm_name}", {"vm": target.vm_name})
        try:
            self.env.ledger.changes.move(
                change.id, ChangeState.RUNNING, by="bot", why=said.sentence, detail=said.detail
            )
        except IllegalMove as moved:
            if moved.state == ChangeState.CANCELLED:
                raise NotNow(ChangeState.CANCELLED, Said("cancelled", CANCELLED)) from moved
            if moved.state != ChangeState.UNKNOWN:
                raise
        self.env.show_soon(change.id)

"""Carries out a change on one VM: is it still allowed, is the VM still as it was shown, then the steps of its verb.

Nothing here knows how durable steps are kept: a `Journal` runs each of them once, also over a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from backends.base import BackendError, NotFound, UnknownOutcome, VMInventory
from bot.changes import verbs
from bot.changes.drift import difference
from bot.changes.limits import Turns
from bot.changes.outcome import Journal, Means, Outcome, Work
from bot.ledger import ChangeRow, ChangeState, IllegalMove
from commands.base import Picture, Plan, Target

EXACT = frozenset({"apply", "delete"})
"""Verbs that are carried out only on the very picture that they were asked for, confirmed or not."""

BOT = "bot"
"""Who lets a change go on that needs nobody's answer."""

Awaits = Literal["confirmation", "approval"]
"""Whose answer a change needs: the person's own, or somebody else's."""

UNAPPROVED = "The settings ask for the approval of a second person by now. Type the command again. Nothing was changed."
CANCELLED = "Cancelled before it began. Nothing was changed."
OVER = "The change was over before it came to this VM. Nothing was changed here."


class Denial(Exception):
    """The change is not allowed. `sentence` is for the person."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


def plan_of(row: ChangeRow) -> Plan:
    """The plan of a change that was asked for with one. Raises LookupError for a refusal without any."""
    if row.plan is None:
        raise LookupError(f"change {row.id} has no plan")
    return row.plan


class NotNow(Exception):
    """The change may not be carried out on this VM any more; nothing was touched."""

    def __init__(self, state: ChangeState, sentence: str) -> None:
        super().__init__(state, sentence)
        self.state = state
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Performer:
    """Carries out changes on single VMs."""

    means: Means
    authorise: Callable[[ChangeRow], Awaits | None]
    """Raises `Denial` when the change is not allowed any more."""
    turns: Turns = field(default_factory=Turns)

    def perform(self, journal: Journal, change_id: str, target: Target) -> Outcome:
        """Carry out the change on one VM, when its turn on the host comes. Never raises for what a host did: that is in
        the outcome."""
        with self.turns.on(target.host, journal) as taken:
            return self._perform(taken, change_id, target)

    def _perform(self, journal: Journal, change_id: str, target: Target) -> Outcome:
        def ended(state: ChangeState, sentence: str, cause: str = "") -> Outcome:
            return Outcome(target.vm_id, target.vm_name, state, sentence, cause)

        try:
            seen = journal.step("check", lambda: self._check(change_id, target))
            work = Work(self.means, journal, change_id, target)
            return verbs.carry_out(work, seen, plan_of(self.means.row(change_id)).action)
        except NotNow as reason:
            return ended(reason.state, reason.sentence, reason.sentence)
        except UnknownOutcome as lost:
            return ended(ChangeState.UNKNOWN, lost.sentence, lost.cause)
        except BackendError as error:
            return ended(ChangeState.FAILED, error.sentence, error.cause)

    def _check(self, change_id: str, target: Target) -> VMInventory:
        row = self.means.row(change_id)
        if row.state.final:
            raise NotNow(row.state, CANCELLED if row.state == ChangeState.CANCELLED else OVER)
        try:
            awaits = self.authorise(row)
        except Denial as denial:
            raise NotNow(ChangeState.DENIED, denial.sentence) from denial
        if awaits == "approval" and row.decided_by in (BOT, row.person_id):
            raise NotNow(ChangeState.DENIED, UNAPPROVED)
        seen = self._look(target)
        if moved := _moved(row, target, seen):
            raise NotNow(
                ChangeState.VOID, f"{target.vm_name} is not as it was when you asked: {moved}. Nothing was done."
            )
        self._begin(row, target)
        return seen

    def _look(self, target: Target) -> VMInventory:
        try:
            return self.means.fleet.look(target.vm_id)
        except NotFound as gone:
            raise NotNow(
                ChangeState.VOID,
                f"{target.vm_name} is not on {target.host} any more, nor on another host that answers. Nothing was "
                "done.",
            ) from gone

    def _begin(self, row: ChangeRow, target: Target) -> None:
        """From here on the change cannot be cancelled. Of several VMs the first one begins it for all."""
        if row.state != ChangeState.QUEUED:
            return
        try:
            self.means.ledger.changes.move(row.id, ChangeState.RUNNING, by="bot", why=f"began on {target.vm_name}")
        except IllegalMove as moved:
            if moved.state == ChangeState.CANCELLED:
                raise NotNow(ChangeState.CANCELLED, CANCELLED) from moved
            if moved.state != ChangeState.UNKNOWN:
                raise


def _moved(row: ChangeRow, target: Target, seen: VMInventory) -> str:
    """What moved since the change was asked for, as far as it matters to it: all that a card showed. Grants go by the
    VM's name, so that always does."""
    if seen.vm.name != target.vm_name:
        return f"it is called {seen.vm.name} now"
    if row.verb in EXACT or row.decided_by != BOT:
        return difference(target.picture, Picture.of(seen))
    gone = target.checkpoint_id and seen.checkpoint(target.checkpoint_id) is None
    return f"the checkpoint {target.checkpoint_name} has gone" if gone else ""

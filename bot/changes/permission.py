"""Whether a change is allowed, and whose answer it needs: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.changes import approvals, freezing, verbs
from bot.changes.approvers import Approvers
from bot.changes.brake import Brake
from bot.ledger import ChangeRow, ChangeState, Ledger
from bot.people import access
from bot.people.identity import RECENT, Gate, Refusal
from bot.settings import Settings
from commands.base import Person, Plan, name

UNDER_WAY = 30.0
"""Seconds. What `RECENT` is, for those VMs of a large group that come to their turn when others are done: that takes
minutes."""

Awaits = Literal["confirmation", "approval"]
"""Whose answer a change needs: the person's own, or somebody else's."""


@dataclass(frozen=True, slots=True)
class Permission:
    """The gate and the grants, for changes.

    Asked when a change is submitted and again right before it is performed on a VM: a grant, a person or a channel's
    sharing may have changed while it waited.
    """

    settings: Settings
    gate: Gate
    ledger: Ledger | None = None
    """Who approved what."""
    brake: Brake | None = None

    def of(self, plan: Plan, person: Person, channel: str) -> Awaits | None:
        """Whose answer the plan needs, None for nobody's, when somebody who was let in asks for it in `channel`; for
        one by the clock, whose owner nobody has let in, they are let in here. Raises `Refusal`."""
        self.check_not_frozen()
        if plan.clock:
            return self._decide(plan, self.admit(person.id, channel, max_age=RECENT), channel)
        self.gate.admit_change(person, channel)
        awaits = self._decide(plan, person, channel)
        brake = self._brake(plan, person)
        if awaits == "approval" or brake:
            self.approvers.check(plan, channel, but={person.id}, why=brake)
        return "approval" if brake else awaits

    @property
    def approvers(self) -> Approvers:
        return Approvers(self.settings.access, self.gate)

    def waits(self, awaits: Awaits) -> timedelta:
        """How long a change waits for that answer."""
        asks = self.settings.confirmation
        return asks.approval_expires_after if awaits == "approval" else asks.expires_after

    def mentioned(self, plan: Plan, channel: str, *, but: Collection[str], braked: bool = False) -> tuple[str, ...]:
        """Whom the question mentions, where it needs an approval."""
        return self.approvers.mentioned(plan, channel, but=but, braked=braked)

    def take_over(self, change: ChangeRow, person: Person) -> None:
        """Whether `person`, who was let in, may make a change that waits theirs: where they could have asked for it
        themselves. Raises `Refusal`."""
        self.check_not_frozen()
        plan, channel = plan_of(change), change.origin.channel
        self.gate.admit_change(person, channel)
        awaits = self._decide(plan, person, channel)
        brake = approvals.braked(self.ledger.events.of(change.id, approvals.TOLD)) if self.ledger else ""
        if awaits == "approval" or brake:
            self.approvers.check(plan, channel, but={person.id, change.asked_by}, why=brake)

    def over(self, change: ChangeRow, *, max_age: float | None = None) -> Awaits | None:
        """The same of a change in the ledger, whoever asked for it. `max_age` is that of what the workspace says of the
        person, in seconds. Raises `Refusal`."""
        self.check_not_frozen()
        person = self.admit(change.person_id, change.origin.channel, max_age=max_age)
        return self._decide(plan_of(change), person, change.origin.channel)

    def still(self, change: ChangeRow) -> Awaits | None:
        """The same, right before the change is performed: by what the workspace says now."""
        self._check_not_frozen_since(change)
        begun = change.state in (ChangeState.RUNNING, ChangeState.UNKNOWN)
        max_age = UNDER_WAY if begun else RECENT
        awaits = self.over(change, max_age=max_age)
        if self.ledger is None:
            return awaits
        events = self.ledger.events.of(change.id, approvals.TOLD)
        braked = bool(approvals.braked(events))
        needed = max(self.needed(change), int(braked))
        if needed:
            self._check_approvals(change, approvals.approvers(change, events), needed, braked, max_age)
        return "approval" if braked else awaits

    def _check_approvals(
        self, change: ChangeRow, who: tuple[str, ...], needed: int, braked: bool, max_age: float
    ) -> None:
        """Raises `Refusal` where too few of those who approved may do so by what the workspace says now, or where it
        does not say so."""
        may = [one for one in who if self._may_approve(change, one, braked=braked, max_age=max_age)]
        if who and len(may) < needed:  # of nobody the word is spoken elsewhere
            raise Refusal(
                f"This needs the approval of {needed}, and {len(may) or 'none'} of those who approved it may do so "
                "now. Type the command again.",
                f"approved by {', '.join(who)}, of whom {len(may)} may, and {needed} are needed",
            )

    def _may_approve(self, change: ChangeRow, person_id: str, *, braked: bool, max_age: float) -> bool:
        try:
            person = self.gate.admit(person_id, self.gate.directory.team_id, change.origin.channel, max_age=max_age)
        except Refusal as refusal:
            if refusal.passing:
                raise
            return False
        return access.may_answer(self.settings.access, change, person, "approve", braked=braked) is None

    def needed(self, change: ChangeRow) -> int:
        """How many different people must approve it by the rules."""
        return access.needed(self.settings.access, plan_of(change))

    def braked_now(self, change: ChangeRow) -> str:
        """Why the brake does not let a change go that was asked for long ago: by what was let go since alone. Empty
        where it does. Nobody is asked."""
        return self._brake(plan_of(change), Person(change.person_id, change.person_name), change=change, begun=True)

    def braked(self, change: ChangeRow) -> str:
        """Why the brake asks for an approval of a change; empty where it does not, or where one is asked for anyhow.
        Raises `Refusal` where nobody else could give it."""
        plan = plan_of(change)
        person = Person(change.person_id, change.person_name)
        why = self._brake(plan, person, change=change)
        if why:
            self.approvers.check(plan, change.origin.channel, but={person.id, change.asked_by}, why=why)
        return why

    def _brake(self, plan: Plan, person: Person, *, change: ChangeRow | None = None, begun: bool = False) -> str:
        if self.brake is None or plan.clock or not verbs.of(plan.verb).braked:
            return ""
        if access.approvals(self.settings.access, plan):
            return ""
        vms = len({target.vm_id for target in plan.targets})
        return self.brake.holds(person, vms, change=change, begun=begun)

    def check_not_frozen(self) -> None:
        """Raises `Refusal` while everything is frozen."""
        if frozen := freezing.sentence(self.ledger.freezes.current() if self.ledger else None):
            raise Refusal(frozen, "everything is frozen")

    def _check_not_frozen_since(self, change: ChangeRow) -> None:
        """What is left of a change when everything is frozen does not go on by itself when that is lifted."""
        freeze = self.ledger.freezes.since_queued(change.id) if self.ledger else None
        if freeze is not None:
            raise Refusal(
                f"{name(freeze.by_name)} has frozen everything while this waited for its turn. Type the command again.",
                "everything was frozen while it waited",
            )

    def admit(self, person_id: str, channel: str, *, max_age: float | None = RECENT) -> Person:
        """Somebody who is not here now, with their rights of this moment. Raises `Refusal`."""
        home = self.gate.directory.team_id  # where they acted from was looked at when they asked
        return self.gate.admit(person_id, home, channel, change=True, max_age=max_age)

    def _decide(self, plan: Plan, person: Person, channel: str) -> Awaits | None:
        verb = verbs.of(plan.verb)
        decision = access.decide(
            self.settings.access,
            self.settings.confirmation,
            person,
            plan,
            channel,
            doing=verb.doing,
            destructive=verb.destructive,
        )
        match decision:
            case access.Denied(sentence=sentence, why=why, rest=rest, lacks_grant=lacks_grant):
                raise Refusal(sentence, why, rest=rest, lacks_grant=lacks_grant)
            case access.Approve() if plan.clock:
                raise Refusal(
                    "This needs the approval of a second person, and the clock can ask nobody.",
                    f"{plan.clock} can ask nobody for the approval that it needs",
                )
            case access.Approve():
                return "approval"
            case access.Confirm() if not plan.clock:
                return "confirmation"
            case access.Confirm() | access.Go():
                return None


def is_by_the_clock(change: ChangeRow) -> bool:
    """Nobody has typed it: it has no card and no message of its own. One that this version cannot read is not."""
    plan = change.readable_plan
    return plan is not None and bool(plan.clock)


def plan_of(change: ChangeRow) -> Plan:
    """The plan of a change that was asked for with one. Raises LookupError for a refusal without any, and `LedgerError`
    for a plan that this version cannot read."""
    if change.plan is None:
        raise LookupError(f"change {change.id} has no plan")
    return change.plan

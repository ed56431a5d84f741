"""Whether a change is allowed, and whose answer it needs: the one place where that is decided."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.changes import verbs
from bot.changes.approvers import Approvers
from bot.ledger import ChangeRow, ChangeState
from bot.people import access
from bot.people.identity import Gate, Refusal
from bot.settings import Settings
from commands.base import Person, Plan

RECENT = 1.0
"""Seconds. The VMs of a group begin together, and Slack answers some twenty questions about user groups a minute."""

UNDER_WAY = 30.0
"""Seconds. The same for those VMs of a large group that come to their turn when others are done: that takes minutes."""

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

    def of(self, plan: Plan, person: Person, channel: str) -> Awaits | None:
        """Whose answer the plan needs, None for nobody's, when somebody who was let in asks for it in `channel`; for
        one by the clock, whose owner nobody has let in, they are let in here. Raises `Refusal`."""
        if plan.clock:
            return self._decide(plan, self.admit(person.id, channel, max_age=RECENT), channel)
        self.gate.admit_change(person, channel)
        awaits = self._decide(plan, person, channel)
        if awaits == "approval":
            self.approvers.check(plan, channel, but={person.id})
        return awaits

    @property
    def approvers(self) -> Approvers:
        return Approvers(self.settings.access, self.gate)

    def waits(self, awaits: Awaits) -> timedelta:
        """How long a change waits for that answer."""
        asks = self.settings.confirmation
        return asks.approval_expires_after if awaits == "approval" else asks.expires_after

    def mentioned(self, plan: Plan, channel: str, *, but: Collection[str]) -> tuple[str, ...]:
        """Whom the question mentions, where it needs an approval."""
        return self.approvers.mentioned(plan, channel, but=but)

    def take_over(self, change: ChangeRow, person: Person) -> None:
        """Whether `person`, who was let in, may make a change that waits theirs: where they could have asked for it
        themselves. Raises `Refusal`."""
        plan, channel = plan_of(change), change.origin.channel
        self.gate.admit_change(person, channel)
        if self._decide(plan, person, channel) == "approval":
            self.approvers.check(plan, channel, but={person.id, change.asked_by})

    def over(self, change: ChangeRow, *, max_age: float | None = None) -> Awaits | None:
        """The same of a change in the ledger, whoever asked for it. `max_age` is that of what the workspace says of the
        person, in seconds. Raises `Refusal`."""
        person = self.admit(change.person_id, change.origin.channel, max_age=max_age)
        return self._decide(plan_of(change), person, change.origin.channel)

    def still(self, change: ChangeRow) -> Awaits | None:
        """The same, right before the change is performed: by what the workspace says now."""
        begun = change.state in (ChangeState.RUNNING, ChangeState.UNKNOWN)
        return self.over(change, max_age=UNDER_WAY if begun else RECENT)

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

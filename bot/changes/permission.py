"""Whether a change that was asked for is allowed still, and whose answer it needs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.changes.perform import Awaits, Denial, plan_of
from bot.ledger import ChangeRow, ChangeState
from bot.people import access
from bot.people.identity import Gate, Refusal
from bot.settings import Settings

RECENT = 1.0
"""Seconds. The VMs of a group begin together, and Slack answers some twenty questions about user groups a minute."""

UNDER_WAY = 30.0
"""Seconds. The same for those VMs of a large group that come to their turn when others are done: that takes minutes."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The gate and the grants, for a change in the ledger.

    Asked when a change begins and again right before it is performed: a grant, a person or a channel's sharing may have
    changed while it waited.
    """

    settings: Settings
    gate: Gate

    def over(self, row: ChangeRow, *, max_age: float | None = None) -> Awaits | None:
        """Whose answer the change needs, None for nobody's. `max_age` is that of what the workspace says of the person,
        in seconds. Raises `Denial`."""
        home = self.gate.directory.team_id  # where they acted from was looked at when they asked
        try:
            person = self.gate.admit(row.person_id, home, row.origin.channel, change=True, max_age=max_age)
        except Refusal as refusal:
            raise Denial(f"{refusal.sentence} Nothing was changed.") from refusal
        rules = self.settings.access
        match access.decide(rules, self.settings.confirmation, person, plan_of(row), row.origin.channel):
            case access.Denied(sentence=sentence):
                raise Denial(f"{sentence} Nothing was changed.")
            case access.Approve():
                return "approval"
            case access.Confirm():
                return "confirmation"
            case access.Go():
                return None

    def still(self, row: ChangeRow) -> Awaits | None:
        """The same, right before the change is performed: by what the workspace says now."""
        begun = row.state in (ChangeState.RUNNING, ChangeState.UNKNOWN)
        return self.over(row, max_age=UNDER_WAY if begun else RECENT)

"""Whether a change that was asked for is allowed still, and whose answer it needs."""

from __future__ import annotations

from dataclasses import dataclass

from bot import access
from bot.identity import Gate, Refusal
from bot.ledger import ChangeRow
from bot.performing import Awaits, Denial, plan_of
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Authority:
    """The gate and the grants, for a change in the ledger.

    Asked when a change begins and again right before it is performed: a grant, a person or a channel's sharing may have
    changed while it waited.
    """

    settings: Settings
    gate: Gate

    def over(self, row: ChangeRow) -> Awaits | None:
        """Whose answer the change needs, None for nobody's. Raises `Denial`."""
        try:
            person = self.gate.admit(row.person_id, "", row.origin.channel, change=True)
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

"""The brake: who has applied, deleted and exported much within an hour needs somebody else's word for more of it.

What counts is in the ledger, so a restart forgets nothing, and of many that are asked for at once each sees those that
came before it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.changes import verbs
from bot.ledger import ChangeRow, Ledger
from bot.settings import Settings
from commands.base import Person

WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Brake:
    """Safe to use from many threads."""

    settings: Settings
    ledger: Ledger
    clock: Callable[[], datetime]

    def holds(self, person: Person, vms: int, *, change: ChangeRow | None = None, begun: bool = False) -> str:
        """Why somebody needs an approval for the checkpoints of so many VMs more, as a sentence; empty where they do
        not. What they have asked for before `change` counts, or all of it; with `begun` only what was let go."""
        most = self.settings.brake.changes_per_hour
        if most is None:
            return ""
        counted = [name for name, verb in verbs.verbs().items() if verb.braked]
        since = self.clock() - WITHIN
        before = self.ledger.figures.vms_changed(person.id, counted, since, change=change, begun=begun)
        if before + vms <= most:
            return ""
        return (
            f"One person may apply, delete or export checkpoints of {most} VMs an hour without somebody else. "
            f"{person.name} has come to {before}, and this is about {vms} more."
        )

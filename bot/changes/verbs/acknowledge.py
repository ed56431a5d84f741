"""Notes that somebody has looked at a VM, and why it is well. Only the ledger learns of it; the host is not touched."""

from __future__ import annotations

from backends.base import VMInventory
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb
from commands.base import Acknowledge
from commands.base.names import name as called


def perform(execution: Execution, seen: VMInventory, action: Acknowledge) -> Outcome:
    change = execution.change
    execution.steps.step(
        "acknowledge",
        lambda: execution.env.ledger.verdicts.acknowledge(
            seen.vm.id, change.person_id, change.person_name, action.reason
        ),
    )
    return execution.done(
        "acknowledged",
        f"{called(change.person_name)} has looked at {called(seen.vm.name)}: {called(action.reason)}.",
        {"reason": action.reason},
    )


verb = Verb(Acknowledge, "acknowledge verdicts on", perform, held=False)

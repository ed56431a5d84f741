"""Says how long a checkpoint is wanted. Only the ledger learns of it; the host is not asked."""

from __future__ import annotations

from backends.base import VMInventory
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb
from commands.base import Keep
from commands.base.names import name as called


def perform(execution: Execution, _seen: VMInventory, action: Keep) -> Outcome:
    target, by = execution.target, execution.change.person_id
    execution.steps.step("keep", lambda: execution.env.ledger.checkpoints.keep(target, action.until, by=by))
    until = f"until {action.until:%Y-%m-%d %H:%M} UTC" if action.until else "forever"
    one = f"{called(str(target.checkpoint_name))} of {called(target.vm_name)}"
    return execution.done("kept", f"{one} is kept {until}.", {"until": until})


verb = Verb(Keep, "say how long to keep checkpoints of", perform, held=False)

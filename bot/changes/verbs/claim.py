"""Takes over a checkpoint for who asks. Only the ledger learns of it; the host is not asked."""

from __future__ import annotations

from collections.abc import Sequence

from backends.base import VMInventory
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, with_checkpoint
from commands.base import Claim, Target
from commands.base.names import name as called


def perform(execution: Execution, _seen: VMInventory, _action: Claim) -> Outcome:
    change, target = execution.change, execution.target
    execution.steps.step("claim", lambda: execution.env.ledger.checkpoints.claim(target, change.id))
    one = f"{called(str(target.checkpoint_name))} of {called(target.vm_name)}"
    return execution.done(
        "claimed", f"{one} is {called(change.person_name)}'s from now on.", {"owner": change.person_name}
    )


def again(_action: Claim, targets: Sequence[Target]) -> Words:
    chosen = [(target.vm_id, target.checkpoint_id or "") for target in targets]
    return with_checkpoint("claim", (), chosen, targets[0].checkpoint_name or "")


verb = Verb(Claim, "claim checkpoints of", perform, again, held=False)

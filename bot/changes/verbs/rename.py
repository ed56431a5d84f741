"""Gives a checkpoint another name."""

from __future__ import annotations

from collections.abc import Sequence

from backends.base import VMInventory
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, vms_of
from commands.base import Rename, Target
from commands.base.names import name as called


def perform(execution: Execution, seen: VMInventory, action: Rename) -> Outcome:
    execution.carry_out(attempt(execution.checkpoint_id(), action.name), seen)
    return execution.done(
        "renamed",
        f"{called(str(execution.target.checkpoint_name))} of {called(seen.vm.name)} is called"
        f" {called(action.name)} now.",
        {"name": action.name},
    )


def again(action: Rename, targets: Sequence[Target]) -> Words:
    return ("rename", "--", vms_of(targets), targets[0].checkpoint_id or "", action.name)


def attempt(checkpoint_id: str, name: str) -> Attempt:
    def happened(now: VMInventory) -> bool:
        found = now.checkpoint(checkpoint_id)
        return found is not None and found.name == name

    return Attempt("rename", lambda host: host.rename(checkpoint_id, name), happened)


verb = Verb(Rename, "rename checkpoints of", perform, again, held=False)

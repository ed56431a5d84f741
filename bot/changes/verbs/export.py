"""Copies a checkpoint to a folder on the host, as a VM of its own."""

from __future__ import annotations

from collections.abc import Sequence

from backends.base import Progress, VMInventory
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, vms_of
from commands.base import Export, Target
from commands.base.names import name as called


def perform(execution: Execution, seen: VMInventory, action: Export) -> Outcome:
    wanted = attempt(execution.checkpoint_id(), action.path, execution.on_progress)
    after = execution.carry_out(wanted, seen)
    host = after.vm.node or after.vm.host  # a folder is one of a node, and not of its cluster
    return execution.done(
        "exported",
        f"Exported {called(str(execution.target.checkpoint_name))} of {called(seen.vm.name)} to"
        f" {called(action.path)} on {called(host)}.",
        {"path": action.path, "host": host},
    )


def again(action: Export, targets: Sequence[Target]) -> Words:
    return ("export", "--", vms_of(targets), targets[0].checkpoint_id or "", action.path)


def attempt(checkpoint_id: str, path: str, on_progress: Progress | None = None) -> Attempt:
    """The VM shows no trace of it afterwards, so after a crash nobody can tell."""
    return Attempt(
        "export",
        lambda host: host.export(checkpoint_id, path, on_progress=on_progress),
        lambda _: None,
    )


verb = Verb(Export, "export checkpoints of", perform, again, copies_out=True)

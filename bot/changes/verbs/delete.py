"""Removes a checkpoint, or a whole subtree. The VM stays as it is; its disks are merged afterwards (`merges`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from backends.base import Busy, Progress, VMInventory
from bot.changes.attempt import Attempt
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from bot.changes.verbs.base import Verb, Words, with_checkpoint
from commands.base import Delete, Target
from commands.base.names import name as called


def perform(execution: Execution, seen: VMInventory, action: Delete) -> Outcome:
    checkpoint_id = execution.checkpoint_id()
    gone = len(seen.subtree(checkpoint_id)) if action.subtree else 1
    before = execution.steps.step("look before", lambda: execution.env.fleet.look(seen.vm.id, disks=True))
    point = before.checkpoint(checkpoint_id)
    if point is not None and point.managed_by and before.vm.backing_up:
        raise Busy(
            f"A backup of {called(seen.vm.name)} runs, so its recovery point stays.",
            f"{seen.vm.name} is being backed up",
            unchanged=True,
        )
    wanted = attempt(checkpoint_id, subtree=action.subtree, on_progress=execution.on_progress)
    after = execution.carry_out(wanted, before)
    more = f" and {gone - 1} under it" if gone > 1 else ""
    done = execution.done(
        "deleted",
        f"Deleted {called(str(execution.target.checkpoint_name))}{more} of {called(seen.vm.name)}.",
        {"count": gone, "merging": int(bool(after.merge_pending))},
    )
    return replace(done, bytes_before=bytes_on_disk(before))


def again(action: Delete, targets: Sequence[Target]) -> Words:
    flags = ("--subtree",) if action.subtree else ()
    chosen = [(target.vm_id, target.checkpoint_id or "") for target in targets]
    return with_checkpoint("delete", flags, chosen, targets[0].checkpoint_name or "")


def attempt(checkpoint_id: str, *, subtree: bool, on_progress: Progress | None = None) -> Attempt:
    return Attempt(
        "delete",
        lambda host: host.delete(checkpoint_id, subtree=subtree, on_progress=on_progress),
        lambda now: now.checkpoint(checkpoint_id) is None,
        disks=True,
    )


def bytes_on_disk(seen: VMInventory) -> int | None:
    """Bytes that the VM's files take, frozen ones included; None where they cannot be seen."""
    return sum(disk.file_size for disk in seen.disks) if seen.disks else None


verb = Verb(Delete, "delete checkpoints of", perform, again, exact=True, risky=True, destructive=True)

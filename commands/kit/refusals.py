"""Why a change is refused before it becomes a plan. Each function raises `UsageError`, or lets the change be."""

from __future__ import annotations

from backends.base import MAX_CHECKPOINTS, VM, Checkpoint, CheckpointType, VMInventory, VMState
from commands.base import Policy, UsageError
from commands.kit.finding import covering, plain
from commands.kit.words import typed

_INSTEAD = {
    "a backup": "It goes when the backup is done; if it lingers, look at the backup's own tool.",
    "Hyper-V Replica": "Replication keeps and drops these by itself; look at the VM's replication settings.",
    "Hyper-V": "Hyper-V drops it by itself.",
}


def managed(seen: VMInventory, checkpoint: Checkpoint, deed: str) -> None:
    """Somebody else's to keep: a backup's, a replica's, or an automatic one."""
    if (by := checkpoint.managed_by) is None:
        return
    hint = _INSTEAD[by]
    if checkpoint.automatic:
        hint = f"It goes when the VM stops. To have no more of them: {typed('settings', seen.vm.name)} --automatic off."
    raise UsageError(f"{checkpoint.name} on {seen.vm.name} belongs to {by}, so the bot will not {deed} it.", hint)


def busy(vm: VM, deed: str) -> None:
    """A backup is running: checkpoints are not touched meanwhile."""
    if vm.backing_up:
        raise UsageError(
            f"A backup of {vm.name} is running, so the bot will not {deed} now.", "Try again when it is over."
        )
    if vm.state in _ON_THE_WAY:
        raise UsageError(f"{vm.name} is {vm.state.label} right now.", "Try again when that is over.")


def no_room(seen: VMInventory, hint: str = "") -> None:
    """The VM can have no further checkpoint: they are switched off, or it has as many as Hyper-V allows."""
    vm = seen.vm
    if vm.checkpoint_type is CheckpointType.DISABLED:
        on = f"{typed('settings', vm.name)} --type production"
        raise UsageError(f"Checkpoints are switched off for {vm.name}.", f"{on} switches them on. {hint}".strip())
    if len(seen.checkpoints) >= MAX_CHECKPOINTS:
        raise UsageError(
            f"{vm.name} has {len(seen.checkpoints)} checkpoints, and Hyper-V allows {MAX_CHECKPOINTS}.",
            f"Delete one first: {typed('list', vm.name)} shows them. {hint}".strip(),
        )


def taken(seen: VMInventory, name: str) -> None:
    """A checkpoint of that name exists: two of one name could not be told apart."""
    if any(plain(one.name) == plain(name) for one in seen.checkpoints):
        raise UsageError(f"{seen.vm.name} already has a checkpoint called {name}.", "Choose another name.")


def standard(vm: VM, policy: Policy) -> None:
    """The settings allow this VM production checkpoints only."""
    if pattern := production_only(vm, policy):
        raise UsageError(
            f"{vm.name} takes production checkpoints only: the settings say so for {pattern}.",
            "A standard one holds memory, and putting such a VM back to it can break what it shares with others.",
        )


def production_only(vm: VM, policy: Policy) -> str | None:
    """The pattern of the settings that asks production checkpoints of this VM."""
    return covering(policy.production_only, vm.name)


_ON_THE_WAY = frozenset(
    {
        VMState.STARTING,
        VMState.STOPPING,
        VMState.SAVING,
        VMState.PAUSING,
        VMState.RESUMING,
        VMState.RESET,
        VMState.FAST_SAVING,
        VMState.FORCE_SHUTDOWN,
        VMState.FORCE_REBOOT,
        VMState.COMPONENT_SERVICING,
    }
)
"""States that pass by themselves."""

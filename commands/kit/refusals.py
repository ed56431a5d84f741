"""Why a change is refused before it becomes a plan. Each function raises `UsageError`, or lets the change be."""

from __future__ import annotations

from datetime import timedelta

from backends.base import MAX_CHECKPOINTS, VM, Checkpoint, CheckpointType, SnapshotType, VMInventory, VMState
from commands.base import NotAllowed, Policy, UsageError, name
from commands.kit.finding import plain, typeable
from commands.kit.folders import is_share, is_within
from commands.kit.patterns import protects
from commands.kit.words import say_names, say_span, typed

_INSTEAD = {
    "a backup": "It goes when the backup is done; one that is still there after a day can be deleted.",
    "Hyper-V Replica": "Replication keeps and drops these by itself; look at the VM's replication settings.",
    "Hyper-V": "Hyper-V drops it by itself.",
}


def managed(seen: VMInventory, checkpoint: Checkpoint, deed: str) -> None:
    """Somebody else's to keep: a backup's, a replica's, or an automatic one. A broken one is nobody's to touch."""
    broken(seen, checkpoint, deed)
    if (by := checkpoint.managed_by) is None:
        return
    hint = _INSTEAD[by]
    if checkpoint.automatic:
        off = typed("settings", typeable(seen.vm), "--automatic", "off")
        hint = f"It goes when the VM stops. To have no more of them: {off}."
    one = f"{name(checkpoint.name)} on {name(seen.vm.name)}"
    raise UsageError(f"{one} belongs to {by}, so the bot will not {deed} it.", hint)


def broken(seen: VMInventory, checkpoint: Checkpoint, deed: str) -> None:
    """Hyper-V reports it as missing: what it stands on is not where it should be."""
    if checkpoint.snapshot_type is SnapshotType.MISSING:
        one = f"{name(checkpoint.name)} on {name(seen.vm.name)}"
        raise UsageError(
            f"{one} is broken: Hyper-V reports it as missing, so the bot will not {deed} it.",
            "Look at the VM's files on its host first.",
        )


def too_long(period: timedelta | None, policy: Policy) -> None:
    """It is to be kept for longer than the settings allow."""
    longest = policy.keep_longest
    if longest is not None and period is not None and period > longest:
        raise _about(
            "keep",
            f"The settings keep a checkpoint for {say_span(longest)} at the most.",
            "Ask for less; before that is over it can be kept for longer again.",
        )


def place(path: str, policy: Policy) -> None:
    """The settings let nothing be exported there."""
    folders = policy.export_to
    if folders and not is_within(path, folders):
        raise NotAllowed(f"The settings let nothing be exported to {name(path)}.", f"They name {say_names(folders)}.")
    if is_share(path) and not folders:
        raise NotAllowed(
            "Nothing is exported to a share that the settings do not name.",
            "Choose a folder on the host, or let whoever keeps my settings name the share in access.export_to.",
        )


def built_on_broken(seen: VMInventory) -> None:
    """A checkpoint of the VM is broken: a new one would be built upon it."""
    if bad := [one for one in seen.checkpoints if one.snapshot_type is SnapshotType.MISSING]:
        raise UsageError(
            f"{name(seen.vm.name)} has a broken checkpoint, {name(bad[0].name)}, and a new one would be built upon it.",
            "Look at the VM's files on its host first.",
        )


def busy(vm: VM, deed: str) -> None:
    """A backup is running: checkpoints are not touched meanwhile."""
    if vm.backing_up:
        raise UsageError(
            f"A backup of {name(vm.name)} is running, so the bot will not {deed} now.", "Try again when it is over."
        )
    if vm.state in _ON_THE_WAY:
        raise UsageError(f"{name(vm.name)} is {vm.state.label} right now.", "Try again when that is over.")


def no_room(seen: VMInventory, hint: str = "") -> None:
    """The VM can have no further checkpoint: they are switched off, or it has as many as Hyper-V allows."""
    vm, said = seen.vm, name(seen.vm.name)
    if vm.checkpoint_type is CheckpointType.DISABLED:
        on = typed("settings", typeable(vm), "--type", "production")
        raise UsageError(f"Checkpoints are switched off for {said}.", f"{on} switches them on. {hint}".strip())
    if len(seen.checkpoints) >= MAX_CHECKPOINTS:
        raise UsageError(
            f"{said} has {len(seen.checkpoints)} checkpoints, and Hyper-V allows {MAX_CHECKPOINTS}.",
            f"Delete one first: {typed('list', typeable(vm))} shows them. {hint}".strip(),
        )


def taken(seen: VMInventory, wanted: str) -> None:
    """A checkpoint of that name exists: two of one name could not be told apart."""
    if any(plain(one.name) == plain(wanted) for one in seen.checkpoints):
        raise _about(
            "name", f"{name(seen.vm.name)} already has a checkpoint called {name(wanted)}.", "Choose another name."
        )


def standard(vm: VM, policy: Policy) -> None:
    """The settings allow this VM production checkpoints only."""
    if pattern := production_only(vm, policy):
        raise _about(
            "kind",
            f"{name(vm.name)} takes production checkpoints only: the settings say so for {name(pattern)}.",
            "A standard one holds memory, and putting such a VM back to it can break what it shares with others.",
        )


def production_only(vm: VM, policy: Policy) -> str | None:
    """The pattern of the settings that asks production checkpoints of this VM."""
    return protects(policy.production_only, vm.name, vm.host)


def _about(what: str, sentence: str, hint: str) -> UsageError:
    error = UsageError(sentence, hint)
    error.about = what
    return error


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

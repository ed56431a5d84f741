"""Which VMs a run of a schedule leaves out, and why: the one place where that is decided. Functions of values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backends.base import MAX_CHECKPOINTS, CheckpointType, DiskFull, VMInventory, VMState, Volume
from bot.changes.attempt import is_busy
from bot.fleet import space
from commands.base import Left
from commands.kit.room import Need, too_little

AGAIN = frozenset({"away", "busy", "merging", "backup", "room", "quota", "full", "hold", "unseen"})
"""What somebody can mend, or what passes: these VMs should have been taken."""

EMPTY = 8 * 1024**2
"""Bytes of a differencing disk to which nothing was written (4 MB as Hyper-V makes them)."""

STILL = frozenset({VMState.OFF, VMState.SAVED})
"""States in which nothing runs."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a VM beside what its host shows."""

    checkpoint_type: CheckpointType
    """That would be taken."""
    away: str = ""
    """Why its host does not show it as it is now."""
    hold: str = ""
    """Why its checkpoints are not to be touched."""
    volumes: Sequence[Volume] | None = None
    """Those that its disks are on; None where they cannot be seen."""
    growth_per_day: float | None = None
    last: tuple[str, str] | None = None
    """The id of the last checkpoint that the schedule took, and the label of the VM's state before it."""
    merges: Sequence[Need] = ()
    """What each merge of what would go may need."""
    quota: str = ""
    """Why the schedule's owner may have no further checkpoint."""


def left_out(seen: VMInventory, facts: Facts) -> Left | None:
    """Why the VM is left out; None where it is taken."""
    return next((Left(seen.vm.id, seen.vm.name, key, why) for key, why in _reasons(seen, facts)), None)


def _reasons(seen: VMInventory, facts: Facts) -> Iterator[tuple[str, str]]:
    vm = seen.vm
    if facts.away:
        yield "away", f"{vm.host} does not answer"
    if facts.hold:
        yield "hold", f"it is on Hold: {facts.hold}"
    if vm.is_replica:
        yield "replica", "it is a replica of a VM elsewhere"
    if vm.checkpoint_type is CheckpointType.DISABLED:
        yield "off", "checkpoints are switched off for it"
    if vm.backing_up:
        yield "backup", "a backup is running"
    if seen.merge_pending:
        yield (
            "merging",
            "its disks are being merged" if vm.merging else "no checkpoint explains one of its differencing disks",
        )
    if is_busy(vm):
        yield "busy", f"it is {vm.state.label} or busy with another action"
    if not seen.checkpoints_known:
        yield "unseen", "its host does not show its checkpoints"
    if any(one.missing for one in seen.checkpoints):
        yield "broken", "it has a broken checkpoint"
    yield from _no_place(seen, facts)
    if nothing_has_run(seen, facts.last):
        yield "idle", "nothing has run on it since the last one"
    if facts.quota:
        yield "quota", facts.quota


def _no_place(seen: VMInventory, facts: Facts) -> Iterator[tuple[str, str]]:
    if len(seen.checkpoints) >= MAX_CHECKPOINTS:
        yield "full", f"it has {len(seen.checkpoints)} checkpoints, and Hyper-V allows {MAX_CHECKPOINTS}"
    if why := _no_room(seen, facts):
        yield "room", why


def _no_room(seen: VMInventory, facts: Facts) -> str:
    try:
        space.check(seen.vm, facts.checkpoint_type, facts.volumes, facts.growth_per_day)
    except DiskFull as full:
        return f"there is too little room for a checkpoint ({full.cause})"
    return too_little(facts.merges)


def nothing_has_run(seen: VMInventory, last: tuple[str, str] | None) -> bool:
    """The VM stands still as it did when that checkpoint was taken, and its disks show that nothing was written since.
    Where the disks do not tell, something may have run."""
    if last is None or seen.vm.state not in STILL or last[1] != seen.vm.state.label:
        return False
    if seen.checkpoint(last[0]) is None or seen.children(last[0]):
        return False
    written = seen.growth_since(last[0])
    disks = sum(last[0] in one.checkpoint_ids for one in seen.disks or ())
    return written is not None and disks > 0 and written <= disks * EMPTY

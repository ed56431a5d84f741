"""Is there room for a checkpoint: free space against memory and growth. Functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backends.base import VM, CheckpointType, DiskFull, HostInventory, VMInventory, VMState, Volume
from commands.base import name
from commands.kit.room import RESERVE
from commands.kit.words import say_size, typed

_DAY = 86400.0

LOW = 0.2
"""Part of a volume: where less is free, how fast it fills counts."""


def fills_soon(now: HostInventory, before: HostInventory) -> bool:
    """Whether a volume with little room is full within a day if it goes on as between these two looks with disks."""
    had = {one.path: one.free for one in before.volumes or ()}
    passed = (now.taken_at - before.taken_at).total_seconds()
    return any(
        one.free < LOW * one.size and one.free * passed < (had.get(one.path, one.free) - one.free) * _DAY
        for one in now.volumes or ()
    )


def memory_needed(vm: VM, checkpoint_type: CheckpointType) -> int:
    """Bytes that a checkpoint of that type writes at once: a running VM's memory, for a standard one."""
    writes = vm.state in (VMState.RUNNING, VMState.PAUSED) and checkpoint_type is CheckpointType.STANDARD
    return (vm.memory_assigned or 0) if writes else 0


def volumes_of(seen: VMInventory, volumes: Sequence[Volume] | None) -> tuple[Volume, ...] | None:
    """Those of a host's volumes that the VM's disks are on."""
    if volumes is None or seen.disks is None:
        return None
    found: dict[str, Volume] = {}
    for disk in seen.disks:
        under = [one for one in volumes if disk.path.casefold().startswith(one.path.casefold())]
        if under:
            deepest = max(under, key=lambda one: len(one.path))
            found[deepest.path] = deepest
    return tuple(found.values())


def check(
    vm: VM, checkpoint_type: CheckpointType, volumes: Iterable[Volume] | None, growth_per_day: float | None
) -> None:
    """Raise `DiskFull`, with the numbers, when a volume of the VM has too little room for memory and a day's growth.

    Volumes that cannot be seen are not held against anybody: the host itself refuses when it runs out.
    """
    memory, growth = memory_needed(vm, checkpoint_type), int(growth_per_day or 0)
    needed = memory + growth + RESERVE
    for volume in volumes or ():
        if volume.free < needed:
            parts = [f"{say_size(memory)} for its memory"] if memory else []
            parts += [f"{say_size(growth)} for a day's growth"] if growth else []
            parts.append(f"{say_size(RESERVE)} in reserve")
            raise DiskFull(
                f"There is too little room for a checkpoint of {name(vm.name)}: {name(volume.path)} on "
                f"{name(vm.host)} has "
                f"{say_size(volume.free)} free, and it needs {say_size(needed)} ({', '.join(parts)}). "
                f"Delete old checkpoints first: {typed('list', '--stale')}.",
                f"{volume.path} has {volume.free} bytes free of {needed} needed",
                unchanged=True,
            )

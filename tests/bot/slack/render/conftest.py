"""A fleet with the worst of names, and as many checkpoints as Hyper-V allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from backends.base import Part, Unseen
from commands.base import CheckpointNote, Grant, HistoryEntry
from tests.support.hostile import NAMES
from tests.support.memory import World


@pytest.fixture(scope="package")
def crowded() -> Iterator[World]:
    """Ten VMs with 50 checkpoints each, and ten with few, on hosts of which part cannot be read."""
    world = World()
    world.grants = tuple(Grant(name, ("view", "create"), (name,), ("C0123",) * 20) for name in NAMES)
    for number, name in enumerate(NAMES):
        vm = world.vm(name)
        for one in range(50):
            made = world.checkpoint(vm, f"{one} {NAMES[(number + one) % 10]}"[:100], days=60 - one)
            note = CheckpointNote("U024BE7LH", reason=name * 9, owner_name=name, keep_until=world.now - timedelta(1))
            world.book.known[made.id] = note
        world.grown(vm, made, 3 * 1024**3)
        fewer = world.vm(name, host="hv02")
        for one in range(4):
            made = world.checkpoint(fewer, f"{one} {NAMES[(number + one) % 10]}"[:100], days=60 - one)
            world.book.known[made.id] = CheckpointNote("U0BOB", owner_name=name)
    world.hosts["hv01"].unreadable = (Unseen(Part.CHECKPOINTS, NAMES[0]),) * 20
    world.book.entries = tuple(
        HistoryEntry(name, world.now, "U111", name * 3, "failed", name * 9, (vm_id,), name)
        for name, vm_id in zip(NAMES * 5, list(world.hosts["hv01"].vms) * 5, strict=True)
    )
    yield world
    world.inventory.close()

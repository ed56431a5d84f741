"""There is room for a checkpoint, or the person is told how much is missing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from backends.base import VM, CheckpointType, DiskFull, HostInventory, VMState, Volume, name
from bot.fleet import space as room

GB = 1024**3
WEB = VM("0b1c", "web01", "hv01", VMState.RUNNING, memory_assigned=8 * GB)


def volume(free: int) -> Volume:
    return Volume("D:\\", 500 * GB, free)


def at(hours: float, **free: int) -> HostInventory:
    volumes = tuple(Volume(f"{letter}:\\", 500 * GB, gb * GB) for letter, gb in free.items())
    return HostInventory("hv01", datetime(2026, 11, 20, tzinfo=UTC) + timedelta(hours=hours), (), volumes)


@pytest.mark.parametrize(
    ("before", "now", "is_soon"),
    [
        (at(0, C=90, D=400), at(1, C=86, D=400), True),
        (at(0, C=90, D=400), at(1, C=87, D=400), False),
        (at(0, C=10), at(1, C=10), False),
        (at(0, C=10), at(1, C=90), False),
        (at(0, C=400), at(1, C=200), False),
        (at(0, C=90), at(1 / 6, C=89), True),
        (at(0, C=1), at(0, C=1), False),
        (at(0), at(1, C=1), False),
        (at(0, C=1), at(1), False),
    ],
)
def test_a_volume_fills_soon_that_has_little_room_and_is_full_within_a_day_at_its_pace(
    before: HostInventory, now: HostInventory, is_soon: bool
) -> None:
    assert room.fills_soon(now, before) is is_soon


def test_a_standard_checkpoint_of_a_running_vm_needs_room_for_its_memory() -> None:
    with pytest.raises(
        DiskFull, match=r"9\.0 GB free, and it needs 10\.0 GB \(8\.0 GB for its memory, 2\.0 GB in reserve"
    ):
        room.check(WEB, CheckpointType.STANDARD, [volume(9 * GB)], None)


@pytest.mark.parametrize(
    ("vm", "checkpoint_type"),
    [
        (WEB, CheckpointType.PRODUCTION),
        (VM("0b1c", "web01", "hv01", VMState.OFF, memory_assigned=0), CheckpointType.STANDARD),
    ],
)
def test_one_without_memory_needs_only_the_reserve(vm: VM, checkpoint_type: CheckpointType) -> None:
    room.check(vm, checkpoint_type, [volume(3 * GB)], None)


def test_a_vm_that_writes_much_needs_room_for_a_day_of_it() -> None:
    with pytest.raises(DiskFull, match=r"40\.0 GB for a day's growth"):
        room.check(WEB, CheckpointType.PRODUCTION, [volume(20 * GB)], 40.0 * GB)


def test_each_volume_of_the_vm_is_looked_at() -> None:
    with pytest.raises(DiskFull, match=r"D:\\ on hv01 has 1\.0 GB free"):
        room.check(WEB, CheckpointType.PRODUCTION, [Volume("C:\\", 90 * GB, 80 * GB), volume(GB)], None)


def test_every_name_in_it_stands_apart() -> None:
    odd = VM("0b1c", "`w~eb`", "h*v_01*", VMState.RUNNING)
    with pytest.raises(DiskFull) as full:
        room.check(odd, CheckpointType.PRODUCTION, [volume(GB)], None)
    assert all(name(one) in full.value.sentence for one in (odd.name, odd.host, "D:\\"))


def test_volumes_that_cannot_be_seen_are_left_to_the_host() -> None:
    room.check(WEB, CheckpointType.STANDARD, None, 1e12)

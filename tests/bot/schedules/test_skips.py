"""Which VMs a run leaves out, each with its reason, and which of these reasons are somebody's to mend."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import (
    VM,
    Checkpoint,
    CheckpointType,
    Disk,
    OperationalStatus,
    ReplicationMode,
    SnapshotType,
    VMInventory,
    VMState,
    Volume,
)
from bot.fleet.space import volumes_of
from bot.schedules.skips import AGAIN, EMPTY, Facts, left_out
from commands.kit.room import needs

GB = 1024**3
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
WEB = VM("vm", "web01", "hv01", VMState.RUNNING, checkpoint_type=CheckpointType.PRODUCTION, memory_assigned=8 * GB)
WELL = VMInventory(WEB, (), ())
FACTS = Facts(CheckpointType.PRODUCTION, volumes=(Volume("D:\\", 500 * GB, 100 * GB),))


def checkpoints(many: int, **more: SnapshotType) -> tuple[Checkpoint, ...]:
    return tuple(Checkpoint(f"id-{n}", f"c{n}", "vm", NOW - timedelta(days=n), **more) for n in range(many))


def free(size: int) -> tuple[Volume, ...]:
    return (Volume("D:\\", 500 * GB, size),)


def why(seen: VMInventory, facts: Facts = FACTS) -> tuple[str, str]:
    left = left_out(seen, facts)
    assert left is not None
    assert (left.vm_id, left.vm_name) == ("vm", "web01")
    return left.key, left.why


def test_a_vm_against_which_nothing_stands_is_taken() -> None:
    assert left_out(WELL, FACTS) is None
    assert left_out(replace(WELL, checkpoints=checkpoints(49)), FACTS) is None


@pytest.mark.parametrize(
    ("vm", "key", "said"),
    [
        ({"replication_mode": ReplicationMode.REPLICA}, "replica", "it is a replica of a VM elsewhere"),
        ({"checkpoint_type": CheckpointType.DISABLED}, "off", "checkpoints are switched off for it"),
        ({"operational_status": (OperationalStatus.BACKING_UP,)}, "backup", "a backup is running"),
        ({"operational_status": (OperationalStatus.MERGING_DISKS,)}, "merging", "its disks are being merged"),
        ({"state": VMState.SAVING}, "busy", "it is Saving or busy with another action"),
    ],
)
def test_a_vm_that_is_in_no_state_for_it_is_left_out(vm: dict[str, object], key: str, said: str) -> None:
    found, told = why(replace(WELL, vm=replace(WEB, **vm)))  # type: ignore[arg-type]
    assert (found, told.casefold()) == (key, said.casefold())


@pytest.mark.parametrize(
    ("seen", "key", "said"),
    [
        (
            {"disks": (Disk("D:\\a.avhdx", GB, GB, "D:\\a.vhdx", attached=True),)},
            "merging",
            "no checkpoint explains one of its differencing disks",
        ),
        ({"checkpoints_known": False}, "unseen", "its host does not show its checkpoints"),
        (
            {"checkpoints": checkpoints(1, snapshot_type=SnapshotType.MISSING)},
            "broken",
            "it has a broken checkpoint",
        ),
        ({"checkpoints": checkpoints(50)}, "full", "it has 50 checkpoints, and Hyper-V allows 50"),
    ],
)
def test_a_vm_whose_disks_or_checkpoints_do_not_allow_it_is_left_out(
    seen: dict[str, object], key: str, said: str
) -> None:
    assert why(replace(WELL, **seen)) == (key, said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "key", "said"),
    [
        ({"away": "It does not answer."}, "away", "hv01 does not answer"),
        ({"hold": "Its disks fork."}, "hold", "it is on Hold: Its disks fork."),
        ({"quota": "its owner has all that quota allows"}, "quota", "its owner has all that quota allows"),
    ],
)
def test_what_is_known_beside_the_host_leaves_it_out(facts: dict[str, str], key: str, said: str) -> None:
    assert why(WELL, replace(FACTS, **facts)) == (key, said)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "facts",
    [
        replace(FACTS, volumes=free(GB)),
        replace(FACTS, volumes=free(9 * GB), checkpoint_type=CheckpointType.STANDARD),
        replace(FACTS, volumes=free(20 * GB), growth_per_day=40.0 * GB),
    ],
)
def test_too_little_room_for_a_checkpoint_is_said_with_its_figures(facts: Facts) -> None:
    key, told = why(WELL, facts)
    assert key == "room"
    assert told.startswith("there is too little room for a checkpoint (D:\\ has ")


def test_too_little_room_for_the_merge_of_what_would_go_is_said_with_its_figures() -> None:
    facts = replace(FACTS, merges=needs([("D:\\web01.vhdx", 40 * GB)], free(30 * GB)))
    told = "there is too little room for a merge: it may need 40.0 GB, and D:\\ has 30.0 GB free"
    assert why(WELL, facts) == ("room", told)
    assert left_out(WELL, replace(facts, merges=needs([("D:\\web01.vhdx", 28 * GB)], free(30 * GB)))) is None


def test_what_needs_no_merge_needs_no_room_for_one() -> None:
    assert left_out(WELL, replace(FACTS, volumes=None, merges=needs([("D:\\web01.vhdx", 0)], free(0)))) is None


def test_the_volumes_of_a_vm_are_the_deepest_that_its_disks_are_on() -> None:
    c, mounted = Volume("C:\\", GB, GB), Volume("C:\\ClusterStorage\\Volume1\\", GB, GB)
    seen = replace(WELL, disks=(Disk("c:\\clusterstorage\\volume1\\web01.vhdx", GB, GB),))
    assert volumes_of(seen, [c, mounted]) == (mounted,)
    assert volumes_of(replace(WELL, disks=None), [c]) is None
    assert volumes_of(seen, None) is None


def stands_still(written: int, state: VMState = VMState.OFF) -> VMInventory:
    taken = checkpoints(1)
    disks = (
        Disk("D:\\a.vhdx", GB, GB, checkpoint_ids=(taken[0].id,)),
        Disk("D:\\a1.avhdx", written, GB, "D:\\a.vhdx", attached=True),
    )
    return VMInventory(replace(WEB, state=state), taken, disks)


def test_a_vm_that_stands_still_since_the_last_one_is_left_out() -> None:
    facts = replace(FACTS, last=("id-0", VMState.OFF.label))
    assert why(stands_still(EMPTY), facts) == ("idle", "nothing has run on it since the last one")


@pytest.mark.parametrize(
    ("seen", "last"),
    [
        (stands_still(EMPTY + 1), ("id-0", VMState.OFF.label)),
        (stands_still(EMPTY, VMState.RUNNING), ("id-0", VMState.RUNNING.label)),
        (stands_still(EMPTY), ("id-0", VMState.RUNNING.label)),
        (stands_still(EMPTY), ("gone", VMState.OFF.label)),
        (replace(stands_still(EMPTY), disks=None), ("id-0", VMState.OFF.label)),
        (stands_still(EMPTY), None),
    ],
)
def test_where_something_may_have_run_it_is_taken(seen: VMInventory, last: tuple[str, str] | None) -> None:
    assert left_out(seen, replace(FACTS, last=last)) is None


def test_a_hold_goes_before_every_reason_but_a_host_that_is_away() -> None:
    seen = replace(WELL, vm=replace(WEB, replication_mode=ReplicationMode.REPLICA), checkpoints=checkpoints(50))
    facts = replace(FACTS, hold="Its disks fork.", volumes=free(0), quota="too many")
    assert why(seen, facts)[0] == "hold"
    assert why(seen, replace(facts, away="It does not answer."))[0] == "away"


def test_what_passes_or_can_be_mended_is_run_again_and_what_is_meant_so_is_not() -> None:
    assert {"room", "full", "quota", "merging", "backup", "hold", "away", "busy", "unseen"} <= AGAIN
    assert AGAIN.isdisjoint({"replica", "off", "idle"})

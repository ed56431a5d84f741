"""What is said of the merge that follows a delete, and for how long it is watched."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import OperationalStatus
from backends.base.written import Record
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.storage import GB
from bot.changes.merges import (
    AGAIN,
    FAILED,
    IDLE,
    INTERRUPTED,
    MERGED,
    MOST_LOOKS,
    STALLED,
    STALLS,
    Look,
    Watch,
    judge,
    look,
    tell_end,
    tell_stall,
    tell_unseen,
)
from bot.changes.outcome import Outcome
from bot.ledger import ChangeState
from commands.base import Delete, name, unmarked
from tests.support.workbench import Workbench

BEGUN = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
DELETED = Outcome("id", "web01", ChangeState.SUCCEEDED, "Deleted first of web01.", bytes_before=30 * GB)
DUMPED = asdict(DELETED)
WATCH = Watch(DELETED, moved=Look("merging", 30 * GB, BEGUN))


def merging(size: int, *, minutes: float) -> Look:
    return Look("merging", size, BEGUN + timedelta(minutes=minutes))


def test_the_end_is_told_with_the_space_that_came_back() -> None:
    line, further = judge(WATCH, Look("over", 12 * GB, BEGUN))

    assert line is not None
    assert (line[0], unmarked(line[1].sentence)) == (MERGED, "The disks of web01 are merged: 18.0 GB came back.")
    assert further is None


@pytest.mark.parametrize(
    ("before", "after"), [(None, 12 * GB), (30 * GB, None), (12 * GB, 12 * GB), (12 * GB, 30 * GB)]
)
def test_no_space_is_claimed_that_is_not_known_to_have_come_back(before: int | None, after: int | None) -> None:
    line, _ = judge(Watch(replace(DELETED, bytes_before=before)), Look("over", after, BEGUN))

    assert line is not None
    assert (line[0], unmarked(line[1].sentence)) == (MERGED, "The disks of web01 are merged.")


def test_a_merge_that_moves_is_watched_in_silence() -> None:
    line, further = judge(WATCH, merging(29 * GB, minutes=60))

    assert line is None
    assert further is not None
    assert further.moved == merging(29 * GB, minutes=60)
    assert further.looks == WATCH.looks + 1


def test_a_merge_that_does_not_move_is_told_of_once() -> None:
    assert timedelta(minutes=30) == STALLED
    line, further = judge(WATCH, merging(30 * GB, minutes=31))
    assert line is not None
    assert line[0] == STALLS
    assert unmarked(line[1].sentence).startswith("The merge of the disks of web01 has not moved since 14:00 UTC.")

    assert further is not None
    line, further = judge(further, merging(30 * GB, minutes=90))
    assert line is None
    assert further is not None


def test_a_host_that_does_not_answer_is_no_news() -> None:
    line, further = judge(WATCH, Look("unseen", None, BEGUN + timedelta(hours=5)))

    assert line is None
    assert further == replace(WATCH, looks=WATCH.looks + 1, begun=BEGUN + timedelta(hours=5))


def test_how_it_stands_is_told_when_that_changes_and_once() -> None:
    watch, told = WATCH, []
    for minutes, state in (
        (1, "failed"),
        (6, "failed"),
        (11, "merging"),
        (16, "interrupted"),
        (21, "idle"),
        (60, "idle"),
        (65, "idle"),
        (70, "merging"),
        (120, "merging"),
    ):
        line, further = judge(watch, replace(merging(30 * GB, minutes=minutes), state=state, told="event"))
        told += [line[0]] if line else []
        assert further is not None
        watch = further
    assert told == [FAILED, AGAIN, INTERRUPTED, IDLE, AGAIN, STALLS]


def test_what_the_vm_writes_meanwhile_is_no_progress() -> None:
    watch = Watch(DELETED, moved=replace(WATCH.moved or merging(0, minutes=0), frozen=20 * GB))
    line, _ = judge(watch, replace(merging(99 * GB, minutes=31), frozen=20 * GB))
    assert line is not None
    assert line[0] == STALLS


def test_what_an_older_version_watched_is_read() -> None:
    written = {"outcome": DUMPED, "looks": 3, "moved": {"state": "merging", "size": 5, "at": BEGUN}, "told": True}
    watch = Record(Watch).load(written)
    assert isinstance(watch, Watch)
    assert (watch.looks, watch.said, watch.begun) == (3, "", None)


def test_nobody_watches_for_ever() -> None:
    line, further = judge(replace(WATCH, looks=MOST_LOOKS), merging(1, minutes=1))
    assert further is None
    assert line is not None
    assert "are not merged after two days" in line[1].sentence


def test_of_disks_that_could_not_be_seen_it_is_not_said_that_they_are_not_merged() -> None:
    line, further = judge(replace(WATCH, looks=MOST_LOOKS), Look("unseen", None, BEGUN))
    assert line is not None
    assert "could not see for two days whether" in line[1].sentence
    assert further is None


@pytest.mark.parametrize("log_read", [True, False])
def test_of_a_log_that_was_not_read_it_is_not_said_that_it_tells_of_nothing(log_read: bool) -> None:
    idle = Look("idle", 30 * GB, BEGUN + timedelta(hours=1), log_read=log_read)
    line, _ = judge(replace(WATCH, moved=replace(idle, at=BEGUN)), idle)
    assert line is not None
    assert ("the host's log tells of none" in line[1].sentence) is log_read


def test_looks_become_rarer() -> None:
    pauses = [Watch(DELETED, looks=number).pause for number in range(20)]

    assert pauses == sorted(pauses)
    assert pauses[-1] == pauses[-2]


class TestALook:
    def test_sees_whether_it_is_over_and_what_the_files_take(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        outcome = replace(DELETED, vm_id=seen.vm.id)

        assert look(bench.inventory, outcome, BEGUN).state == "over"
        bench.host().vm(seen.vm.id).busy_with = OperationalStatus.MERGING_DISKS
        again = look(bench.inventory, outcome, BEGUN)

        assert (again.state, again.at) == ("merging", BEGUN)
        assert again.size == sum(disk.file_size for disk in seen.disks or ())

    def test_of_a_merge_that_does_not_begin_goes_by_the_disks_and_not_by_the_status(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.MERGE_OFF, times=None)
        bench.perform(Delete(), bench.target(seen, "first"))
        bench.host().vm(seen.vm.id).busy_with = None

        assert look(bench.inventory, replace(DELETED, vm_id=seen.vm.id), BEGUN).state == "idle"

    def test_where_the_disks_cannot_be_seen_does_not_say_that_they_are_merged(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01", Past("first", DAY))
        bench.arm(FaultKind.CMDLET_ERROR, "Get-VHD", times=None)
        bench.arm(FaultKind.CMDLET_ERROR, "Get-VMHardDiskDrive", times=None)

        now = look(bench.inventory, replace(DELETED, vm_id=seen.vm.id), BEGUN)
        line, further = judge(WATCH, now)

        assert now.state == "untold"
        assert line is not None
        assert "cannot say whether they are merged" in line[1].sentence
        assert further is None

    def test_at_a_host_that_is_down_sees_nothing(self, bench: Workbench) -> None:
        seen = bench.add_vm("web01")
        bench.arm(FaultKind.REFUSE_CONNECTION, times=None)

        assert look(bench.inventory, replace(DELETED, vm_id=seen.vm.id), BEGUN).state == "unseen"


def test_every_name_in_what_is_told_stands_apart() -> None:
    odd = replace(DELETED, vm_name="`w~eb`")
    told = (tell_end(odd, Look("over", 12 * GB, BEGUN)), tell_unseen(odd), tell_stall(odd, BEGUN))
    assert all(name("`w~eb`") in one.sentence for one in told)

"""What signs come to: a table of cases, and what holds whatever the signs are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.base import HostEvent
from bot.fleet.health.signs import Signs
from bot.fleet.health.verdict import WINDOW, judge, needed_from, seen_from
from commands.base.health import Verdict
from tests.bot.fleet.health.cases import (
    BASE,
    LEAF,
    NOW,
    VMMS,
    WEB01,
    WEB02,
    WORKER,
    Disk,
    LogReading,
    LogTrouble,
    OperationalStatus,
    ReplicationMode,
    SnapshotType,
    UnreadDisk,
    VMState,
    Watched,
    ago,
    chain_of,
    circle,
    event,
    fault,
    flat,
    layered,
    lonely_layer,
    orphan,
    readings,
    replace,
    signs,
    with_type,
)

HOLD, LOOK, FINE, CANNOT_TELL = Verdict.HOLD, Verdict.LOOK, Verdict.FINE, Verdict.CANNOT_TELL
FORK = event(WORKER, 3216, ago(hours=5))
MERGE_FAILED = event(VMMS, 19100, ago(hours=5), "%%2147942432", "0x80070020")
MERGED = 19080

CASES: dict[str, tuple[Signs, Verdict, set[str]]] = {
    # Nothing to see.
    "a flat VM": (signs(), FINE, set()),
    "a VM with a checkpoint that is as it should be": (signs(layered()), FINE, set()),
    "a VM that is off, with a checkpoint": (signs(layered(state=VMState.OFF)), FINE, set()),
    # Forks that were not committed.
    "a fork that failed, with layers": (signs(layered(), FORK), HOLD, {"fork failed"}),
    "a fork that failed, with a layer and no checkpoint": (signs(lonely_layer(), FORK), HOLD, {"fork failed"}),
    "a fork that failed, with a checkpoint over a base disk": (
        signs(replace(layered(), disks=(Disk(BASE, 1, 9, attached=True),)), FORK), HOLD, {"fork failed"}),
    "a fork that failed, and no layer left": (signs(flat(), FORK), LOOK, {"fork failed before"}),
    "a fork that failed, an orphan, and the VM runs on": (
        signs(flat(), FORK, orphans=(orphan(),)), HOLD, {"fork failed"}),
    "a fork that failed, an orphan, and the VM was restarted since": (
        signs(flat(uptime=3600.0), FORK, orphans=(orphan(),)), LOOK, {"fork failed before", "orphan"}),
    "a fork that failed, and disks that are not shown": (
        signs(replace(flat(), disks=None), FORK), HOLD, {"fork failed"}),
    "the commit error under another id": (
        signs(layered(), event(WORKER, 3280, ago(hours=5), "0x80048102")), HOLD, {"fork failed"}),
    "the commit error as a reference to a text": (
        signs(layered(), event(VMMS, 18012, ago(hours=5), "%%2147778818")), HOLD, {"fork failed"}),
    "the commit error as a signed number": (
        signs(layered(), event(VMMS, 18012, ago(hours=5), "-2147188478")), HOLD, {"fork failed"}),
    "a file that changed under an open handle": (
        signs(layered(), event(VMMS, 18012, ago(hours=5), "0x800703EE")), HOLD, {"fork failed"}),
    "the same code in an event about something else": (
        signs(layered(), event(VMMS, 1111, ago(hours=5), "0x800703EE")), FINE, set()),
    "18590 of the VMMS log with the commit error": (
        signs(layered(), event(VMMS, 18590, ago(hours=5), "0x80048102")), HOLD, {"fork failed"}),
    "18590 of the Worker log: the guest crashed": (
        signs(layered(), event(WORKER, 18590, ago(hours=5), "0x80048102")), FINE, set()),
    "18590 of the VMMS log without such a code": (signs(layered(), event(VMMS, 18590, ago(hours=5))), FINE, set()),
    "a fork that failed before the window, seen again": (
        signs(layered(days=30), event(WORKER, 3216, ago(days=20))), HOLD, {"fork failed"}),
    "a fork that failed, which the log has lost and the ledger has not": (
        signs(layered(), forked=ago(days=20)), HOLD, {"fork failed"}),
    "a fork that failed, settled by a person, and no layer left": (
        signs(flat(), FORK, acknowledged=ago(hours=1)), FINE, set()),
    "a fork that failed after a person said that all is settled": (
        signs(layered(), FORK, acknowledged=ago(hours=9)), HOLD, {"fork failed"}),
    "a fork of which only a name in a text tells": (
        signs(layered(), HostEvent(WORKER, 3216, ago(hours=5), ("Die VM web01 meldet: fehlgeschlagen",))),
        LOOK, {"fork failed perhaps"}),
    "a fork that names the VM in a field of its own": (
        signs(layered(), HostEvent(WORKER, 3216, ago(hours=5), ("web01",))), HOLD, {"fork failed"}),
    "a fork that names a file of the VM": (
        signs(layered(), HostEvent(WORKER, 3216, ago(hours=5), ("", LEAF.upper()))), HOLD, {"fork failed"}),
    # Others' events.
    "the fork of another VM": (
        signs(layered(), event(WORKER, 3216, ago(hours=5), vm=WEB02, name="web02")), FINE, set()),
    "the fork of another VM of the same name": (
        signs(layered(), event(WORKER, 3216, ago(hours=5), vm=WEB02)), FINE, set()),
    "the fork of a VM whose name begins alike": (
        signs(layered(), HostEvent(WORKER, 3216, ago(hours=5), ("web01-old",))), FINE, set()),
    # Other languages: the same ids, codes and GUIDs, another text.
    "a fork on a French host": (
        signs(layered(), event(WORKER, 3216, ago(hours=5), "Échec de la bascule vers les nouveaux disques")),
        HOLD, {"fork failed"}),
    "a fork on a Japanese host": (
        signs(layered(name="テスト"), event(WORKER, 3216, ago(hours=5), "新しいディスクへの切り替え", name="テスト")),
        HOLD, {"fork failed"}),
    "a failed checkpoint on a Japanese host": (
        signs(layered(), event(VMMS, 18012, ago(hours=5), "チェックポイント操作に失敗しました。")),
        LOOK, {"checkpoint failed"}),
    # Merges.
    "a merge that failed": (signs(layered(), MERGE_FAILED), LOOK, {"merge failed"}),
    "a merge that failed and went through within half an hour": (
        signs(layered(), MERGE_FAILED, event(VMMS, MERGED, ago(hours=4.6))), FINE, set()),
    "a merge that failed and went through within half an hour, with its layer left": (
        signs(lonely_layer(), MERGE_FAILED, event(VMMS, MERGED, ago(hours=4.6))), LOOK,
        {"merge failed", "layer without checkpoint"}),
    "a merge that failed and went through later than that": (
        signs(layered(), MERGE_FAILED, event(VMMS, MERGED, ago(hours=4.4))), LOOK, {"merge failed"}),
    "a merge that failed after another went through": (
        signs(layered(), event(VMMS, MERGED, ago(hours=5.1)), MERGE_FAILED), LOOK, {"merge failed"}),
    "a merge that failed while another VM's went through": (
        signs(layered(), MERGE_FAILED, event(VMMS, MERGED, ago(hours=4.9), vm=WEB02)), LOOK, {"merge failed"}),
    "a merge that was interrupted just now": (signs(layered(), event(VMMS, 19090, ago(minutes=5))), FINE, set()),
    "a merge that was interrupted and not heard of since": (
        signs(layered(), event(VMMS, 19090, ago(hours=2))), LOOK, {"merge failed"}),
    "a merge that was interrupted and went through": (
        signs(layered(), event(VMMS, 19090, ago(hours=2)), event(VMMS, MERGED, ago(hours=1.8))), FINE, set()),
    "the other event of a merge that failed": (
        signs(layered(), event(VMMS, 32510, ago(hours=2))), LOOK, {"merge failed"}),
    "an ordinary merge": (
        signs(flat(), event(VMMS, 19070, ago(hours=2)), event(VMMS, MERGED, ago(hours=1))), FINE, set()),
    "a merge that began just now, though the status does not show it": (
        signs(lonely_layer(), event(VMMS, 19070, ago(minutes=1))), FINE, set()),
    "a merge that began long ago and of whose end nothing tells": (
        signs(lonely_layer(), event(VMMS, 19070, ago(hours=2))), LOOK, {"layer without checkpoint", "merge stalled"}),
    # What failed otherwise.
    "a checkpoint that failed": (signs(flat(), event(VMMS, 18012, ago(hours=5))), LOOK, {"checkpoint failed"}),
    "a checkpoint that failed, and a merge after it": (
        signs(flat(), event(VMMS, 18012, ago(hours=5)), event(VMMS, MERGED, ago(hours=4.9))), LOOK,
        {"checkpoint failed"}),
    "a checkpoint that failed before the window": (signs(flat(), event(VMMS, 18012, ago(days=8))), FINE, set()),
    "a checkpoint that failed, settled by a person": (
        signs(flat(), event(VMMS, 18012, ago(hours=5)), acknowledged=ago(hours=1)), FINE, set()),
    "a checkpoint that was cancelled": (signs(flat(), event(VMMS, 18014, ago(hours=5))), FINE, set()),
    "a configuration that could not be loaded": (
        signs(flat(), event(VMMS, 16300, ago(hours=5))), LOOK, {"configuration"}),
    "Replica that lost track": (
        signs(flat(), event(VMMS, 33680, ago(hours=5), "0x800480BD")), LOOK, {"tracking"}),
    "an error of a disk, on a flat VM": (signs(flat(), event(WORKER, 3280, ago(hours=5))), FINE, set()),
    "an error of a disk, with a layer": (signs(layered(), event(WORKER, 3280, ago(hours=5))), LOOK, {"disk trouble"}),
    "a disk that was not found, beside an orphan": (
        signs(flat(), event(VMMS, 12240, ago(hours=5)), orphans=(orphan(),)), LOOK, {"disk trouble", "orphan"}),
    # Disks and files.
    "a layer without a checkpoint": (signs(lonely_layer()), LOOK, {"layer without checkpoint"}),
    "the same while disks are being merged": (
        signs(lonely_layer(operational_status=(OperationalStatus.MERGING_DISKS,))), FINE, set()),
    "the same while a backup is running": (
        signs(lonely_layer(operational_status=(OperationalStatus.BACKING_UP,))), FINE, set()),
    "a checkpoint without a layer": (
        signs(replace(layered(), disks=(Disk(BASE, 1, 9, attached=True),))), LOOK, {"checkpoint without layer"}),
    "an orphan beside a healthy chain": (signs(layered(), orphans=(orphan(),)), LOOK, {"orphan"}),
    "an orphan of no bytes": (signs(layered(), orphans=(orphan(size=0),)), FINE, set()),
    "a live mount of a backup product": (
        signs(layered(), orphans=(orphan("D:\\RubrikLiveMount\\x.avhdx"),)), FINE, set()),
    "a file that is missing": (signs(fault(0x80070002)), LOOK, {"missing file"}),
    "a parent that is missing": (signs(fault(0xC03A000D)), LOOK, {"missing file"}),
    "a parent that was written to": (signs(fault(0xC03A000E)), LOOK, {"other parent"}),
    "a chain that is corrupt": (signs(fault(0x80070032)), LOOK, {"corrupt"}),
    "a file that another host has open": (signs(fault(0x80070020)), CANNOT_TELL, {"file unread"}),
    "a file that may not be read": (
        signs(replace(layered(), unread_disks=(UnreadDisk(LEAF, attached=True),))), CANNOT_TELL, {"file unread"}),
    "a chain in a circle": (signs(circle()), LOOK, {"circle"}),
    "a differencing disk that names no parent": (
        signs(replace(flat(), disks=(Disk(LEAF, 5, 9, attached=True),))), LOOK, {"no parent"}),
    "fifty layers": (signs(chain_of(50)), FINE, set()),
    "fifty-one layers": (signs(chain_of(51)), LOOK, {"too long"}),
    # Checkpoints and status.
    "a checkpoint whose files are missing": (
        signs(with_type(SnapshotType.MISSING)), LOOK, {"missing checkpoint"}),
    "a recovery point that lingers": (signs(with_type(SnapshotType.RECOVERY)), LOOK, {"lingering"}),
    "a recovery point of today": (signs(with_type(SnapshotType.RECOVERY, days=0.2)), FINE, set()),
    "an old recovery point while a backup is running": (
        signs(with_type(SnapshotType.RECOVERY, operational_status=(OperationalStatus.BACKING_UP,))), FINE, set()),
    "a checkpoint that is in the making for an hour": (
        signs(flat(), creating_since=ago(hours=1)), LOOK, {"stuck"}),
    "a checkpoint that is in the making": (signs(flat(), creating_since=ago(minutes=2)), FINE, set()),
    "a copy that Replica keeps": (signs(layered(replication_mode=ReplicationMode.REPLICA)), FINE, set()),
    # What could not be seen.
    "a log that begins after the checkpoint": (
        signs(layered(days=3), readings=readings(ago(days=2))), CANNOT_TELL, {"log too short"}),
    "a log that begins after an old checkpoint": (
        signs(layered(days=90), readings=readings(ago(days=60))), CANNOT_TELL, {"log too short"}),
    "the same, and earlier looks saw what is lost": (
        signs(layered(days=90), readings=readings(ago(days=60)),
              watched=Watched(ago(days=91), ago(days=50))), FINE, set()),
    "the same, with a gap between the looks": (
        signs(layered(days=90), readings=readings(ago(days=60)),
              watched=Watched(ago(days=91), ago(days=70))), CANNOT_TELL, {"log too short"}),
    "a log that begins yesterday, and a flat VM with nothing beside it": (
        signs(flat(), readings=readings(ago(days=1))), FINE, set()),
    "a log that cannot be read": (
        signs(layered(), readings=(LogReading("hv01", WORKER, LogTrouble.NO_ACCESS), *readings()[:1])),
        CANNOT_TELL, {"log unread"}),
    "a log that is switched off": (
        signs(flat(), readings=(LogReading("hv01", VMMS, LogTrouble.DISABLED), *readings()[1:])),
        CANNOT_TELL, {"log unread"}),
    "an endpoint of the older version": (
        signs(flat(), readings=(LogReading("hv01", VMMS, LogTrouble.NOT_OFFERED),)), CANNOT_TELL, {"log unread"}),
    "no log at all": (signs(flat(), readings=()), CANNOT_TELL, {"log unread"}),
    "a host that was not reached": (
        signs(flat(), unseen=("hv02 could not be asked.",)), CANNOT_TELL, {"unseen"}),
    "disks that are not shown": (signs(replace(flat(), disks=None)), CANNOT_TELL, {"disks unseen"}),
    "checkpoints that gave an error": (
        signs(replace(flat(), checkpoints_known=False)), CANNOT_TELL, {"checkpoints unseen"}),
    "a file whose parent was not read": (
        signs(replace(layered(), disks=(Disk(LEAF, 5, 9, BASE, attached=True),))), CANNOT_TELL, {"parent unseen"}),
    # Several at once: the gravest counts.
    "a fork that failed, and a log that cannot be read": (
        signs(layered(), FORK, readings=(LogReading("hv01", VMMS, LogTrouble.NO_ACCESS), *readings()[1:])),
        HOLD, {"fork failed"}),
    "an orphan, and a log that cannot be read": (
        signs(layered(), orphans=(orphan(),), readings=()), LOOK, {"orphan"}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_signs_come_to_the_verdict_and_its_reasons(case: str) -> None:
    given_signs, verdict, why = CASES[case]

    health = judge(given_signs)

    assert health.verdict is verdict
    assert {reason.key for reason in health.why} == (why if verdict is not FINE else {one.key for one in health.why})


def test_there_are_enough_cases_and_every_verdict_is_among_them() -> None:
    assert len(CASES) >= 40
    assert {verdict for _, verdict, _ in CASES.values()} == set(Verdict)


def test_events_of_another_vm_change_nothing() -> None:
    others = [
        event(log, id, ago(minutes=n), "0x80048102", vm=WEB02)
        for n, (log, id) in enumerate(((WORKER, 3216), (VMMS, 18012), (VMMS, 19080), (VMMS, 19100), (VMMS, 19070)))
    ]
    for mine, _, _ in CASES.values():
        assert judge(replace(mine, events=(*mine.events, *others))) == judge(mine)


def test_what_could_not_be_seen_is_never_fine() -> None:
    for mine, verdict, _ in CASES.values():
        blind = judge(replace(mine, readings=(LogReading("hv01", VMMS, LogTrouble.NO_ANSWER),)))
        assert blind.verdict is (verdict if verdict in (HOLD, LOOK) else CANNOT_TELL)


def test_a_fork_that_failed_makes_every_vm_with_a_layer_one_to_hold() -> None:
    for mine, _, _ in CASES.values():
        if mine.acknowledged is None and any(disk.parent_path for disk in mine.seen.disks or ()):
            told = event(WORKER, 3216, ago(minutes=3), name=mine.seen.vm.name)
            assert judge(replace(mine, events=(*mine.events, told))).verdict is HOLD


def test_a_merge_that_surely_was_the_same_is_told_apart_from_one_that_apparently_was() -> None:
    failed = event(VMMS, 19100, ago(hours=5), LEAF)
    same, other = (event(VMMS, MERGED, ago(hours=4.9), *paths) for paths in ((LEAF.lower(),), ()))

    sure = next(r for r in judge(signs(layered(), failed, same)).reasons if r.key == "merge recovered")
    apparent = next(r for r in judge(signs(layered(), failed, other)).reasons if r.key == "merge recovered")

    assert "apparently" not in sure.sentence
    assert "apparently" in apparent.sentence


def test_a_guid_in_the_name_of_a_file_is_not_taken_for_a_vm() -> None:
    named = HostEvent(WORKER, 3216, ago(hours=1), ("web01", f"D:\\vms\\web01_{WEB02}.avhdx"))
    assert judge(signs(layered(), named)).verdict is HOLD


def test_the_logs_have_to_reach_back_to_before_the_oldest_checkpoint_and_a_week_at_least() -> None:
    assert needed_from(signs(flat())) == NOW - WINDOW
    assert needed_from(signs(layered(days=30))) == ago(days=30, minutes=30)


def test_one_log_that_was_not_read_leaves_the_other_without_weight() -> None:
    both = readings(ago(days=9))
    assert seen_from(signs(readings=both)) == ago(days=9)
    assert seen_from(signs(readings=(both[0], LogReading("hv01", WORKER, LogTrouble.DISABLED)))) is None


@settings(max_examples=40)
@given(
    minutes=st.integers(0, 60 * 24 * 7 - 1),
    code=st.sampled_from(("0x80048102", "%%2147778818", "-2147188478", "2147778818")),
    id=st.integers(1, 40_000).filter(lambda id: id != 18590),
)
def test_the_commit_error_holds_a_vm_under_every_id_and_in_every_form(minutes: int, code: str, id: int) -> None:
    told = event(WORKER, id, NOW - timedelta(minutes=minutes), code)
    assert judge(signs(layered(), told)).verdict is HOLD
    assert judge(signs(layered(), replace(told, values=(WEB02, code)))).verdict is FINE


def test_a_reason_says_where_to_find_it() -> None:
    (reason,) = judge(signs(layered(), FORK)).why
    assert "event 3216 of the Worker log" in reason.sentence
    assert reason.at == ago(hours=5)
    assert WEB01 not in reason.sentence

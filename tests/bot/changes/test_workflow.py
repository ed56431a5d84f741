"""The durable way of a change, with DBOS and the ledger as they are: asked, answered, carried out, told."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from dbos import DBOS, SetEnqueueOptions, SetWorkflowID

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.powershell.shell import Statement
from bot.changes.workflow import Answer, TakenOver, Word
from bot.durable import LATER
from bot.ledger import TAKEN_OVER, ChangeRow, ChangeState
from bot.messages import Origin
from commands.base import Create, Person, Plan, Target, unmarked
from commands.kit.words import short_id
from tests.support.board import buttons
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, CHANNEL, EVE
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
        yield open_headquarters


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    return shared


def way(hq: Headquarters, row: ChangeRow) -> list[str]:
    """The states that a change went through."""
    return [e.event for e in hq.ledger.events.of(row.id) if e.event in set(ChangeState)]


def answer(hq: Headquarters, row: ChangeRow, word: Word, **late: float) -> None:
    hq.core.changes.answer(row, Answer(word, ADA, "ada", hq.clock() + timedelta(**late)))


@contextmanager
def one_change_under_way(hq: Headquarters, vm: str) -> Iterator[ChangeRow]:
    """Of this VM, until the end of the block."""
    faults = hq.hosts["hv01"].faults
    faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
    try:
        hq.type(f"{vm} first")
        yield hq.wait_for(ChangeState.RUNNING)
    finally:
        faults.disarm(FaultKind.HANG)
        faults.release()


def queued(hq: Headquarters, text: str) -> ChangeRow:
    """Type a command whose change has to wait for its turn."""
    hq.type(text)
    row = hq.newest()
    wait_until(lambda: (begun := DBOS.get_workflow_status(row.id)) and begun.status == "SUCCESS")
    return row


def test_what_needs_no_answer_is_carried_out_at_once(hq: Headquarters) -> None:
    seen = hq.add_vm("app01")

    hq.type("app01 before-upgrade")
    row = hq.wait_for(ChangeState.SUCCEEDED)

    assert way(hq, row) == ["requested", "queued", "running", "succeeded"]
    assert row.result == "Took before-upgrade of app01 (production)."
    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["before-upgrade"]


def test_what_needs_an_answer_waits_for_it(hq: Headquarters) -> None:
    hq.add_vm("app02", Past("first", DAY))
    hq.type("apply app02 first")
    row = hq.wait_for(ChangeState.AWAITING)

    answer(hq, row, "confirm")

    assert way(hq, hq.wait_for(ChangeState.SUCCEEDED)) == ["requested", "awaiting", "queued", "running", "succeeded"]
    assert hq.newest().decided_by == ADA


def test_every_step_of_the_way_says_who_and_why(hq: Headquarters) -> None:
    hq.add_vm("app13", Past("first", DAY))
    hq.type("app13 before-upgrade --note 'kernel 6.12'")
    created = hq.wait_for(ChangeState.SUCCEEDED)
    hq.type("delete app13 first")
    answer(hq, hq.wait_for(ChangeState.AWAITING), "confirm")
    deleted = hq.wait_for(ChangeState.SUCCEEDED)

    told = [
        [(e.by, e.why) for e in hq.ledger.events.of(row.id) if e.event in set(ChangeState)]
        for row in (created, deleted)
    ]

    assert told == [
        [
            (ADA, "kernel 6.12"),
            ("bot", "needs no confirmation"),
            ("bot", "began on app13"),
            ("bot", "done on app13"),
        ],
        [
            (ADA, "delete first of app13"),
            ("bot", "waits for confirmation"),
            (ADA, "confirmed by ada"),
            ("bot", "began on app13"),
            ("bot", "done on app13"),
        ],
    ]


@pytest.mark.parametrize(("vm", "minutes"), [("open01", 10), ("sql-open01", 240)], ids=["confirmation", "approval"])
def test_a_question_is_open_until_its_time_is_over(hq: Headquarters, vm: str, minutes: int) -> None:
    hq.add_vm(vm, Past("first", DAY))
    hq.type(f"apply {vm} first")
    row = hq.wait_for(ChangeState.AWAITING)
    expiry = wait_until(lambda: DBOS.get_workflow_status(f"{row.id}-expiry"))

    assert row.expires_at is not None
    assert timedelta(minutes=minutes - 1) < row.expires_at - hq.clock() <= timedelta(minutes=minutes)
    assert expiry.delay_until_epoch_ms is not None
    assert (minutes - 1) * 60 < expiry.delay_until_epoch_ms / 1000 - time.time() <= minutes * 60


def test_of_two_answers_the_first_counts(hq: Headquarters) -> None:
    hq.add_vm("app03", Past("first", DAY))
    hq.type("delete app03 first")
    row = hq.wait_for(ChangeState.AWAITING)

    answer(hq, row, "cancel")
    answer(hq, row, "confirm")

    hq.wait_for(ChangeState.CANCELLED)
    assert way(hq, hq.newest()) == ["requested", "awaiting", "cancelled"]


@pytest.mark.parametrize("word", ["confirm", "cancel"])
def test_an_answer_after_the_time_is_over_finds_it_expired(hq: Headquarters, word: Word) -> None:
    hq.add_vm(f"late-{word}", Past("first", DAY))
    hq.type(f"delete late-{word} first")
    row = hq.wait_for(ChangeState.AWAITING)

    answer(hq, row, word, minutes=11)

    assert hq.wait_for(ChangeState.EXPIRED).decided_by is None


def test_a_confirmation_that_lay_too_long_is_not_carried_out(hq: Headquarters) -> None:
    """The bot was down when it came, and everybody has gone home since."""
    hq.add_vm("app04", Past("first", DAY))
    hq.type("delete app04 first")
    row = hq.wait_for(ChangeState.AWAITING)

    answer(hq, row, "confirm", minutes=-16)

    assert "the bot was not running then" in hq.wait_for(ChangeState.EXPIRED).reason


def test_a_request_that_the_bot_died_over_is_begun_at_the_next_start(hq: Headquarters) -> None:
    target = Target.of(hq.add_vm("begun01"))
    plan = Plan(Create("x"), (target,), "take x of begun01")
    hq.ledger.changes.request("a-request-without-a-workflow", plan, Person(ADA, "ada"), Origin(CHANNEL, ADA))

    hq.restart()

    assert hq.wait_for(ChangeState.SUCCEEDED).id == "a-request-without-a-workflow"


def test_one_id_is_one_change_however_often_it_is_submitted(hq: Headquarters) -> None:
    seen = hq.add_vm("app05")
    hq.type("app05 once")
    row = hq.wait_for(ChangeState.SUCCEEDED)
    assert row.plan is not None

    again = hq.core.changes.submit(row.id, row.plan, Person(ADA, "ada"), row.origin)

    assert not again
    assert len(hq.look(seen.vm.id).checkpoints) == 1


def test_permission_is_looked_at_again_right_before_it_is_carried_out(hq: Headquarters) -> None:
    hq.add_vm("app06", Past("first", DAY))
    hq.type("delete app06 first")
    row = hq.wait_for(ChangeState.AWAITING)
    ada = hq.people.members[ADA]
    hq.people.members[ADA] = replace(ada, deleted=True)
    try:
        answer(hq, row, "confirm")
        denied = hq.wait_for(ChangeState.DENIED)
    finally:
        hq.people.members[ADA] = ada

    assert "Your account is deactivated" in denied.result


def test_what_waits_for_its_turn_can_be_withdrawn(hq: Headquarters) -> None:
    seen = hq.add_vm("app07")
    faults = hq.hosts["hv01"].faults
    faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
    try:
        hq.type("app07 first")
        first = wait_until(lambda: hq.newest() if hq.newest().state is ChangeState.RUNNING else None)
        hq.type("app07 second")
        second = hq.wait_for(ChangeState.QUEUED)

        assert hq.core.changes.withdraw(second.id, Person(ADA, "ada"))
        assert not hq.core.changes.withdraw(first.id, Person(ADA, "ada"))
    finally:
        faults.release()

    wait_until(lambda: (hq.ledger.changes.get(first.id) or first).state is ChangeState.SUCCEEDED)
    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["first"]
    hq.wait_for(ChangeState.CANCELLED)


def test_a_change_whose_person_the_workspace_does_not_know_right_now_waits_and_says_so(hq: Headquarters) -> None:
    hq.add_vm("app97")
    with one_change_under_way(hq, "app97") as first:
        second = hq.wait_for(ChangeState.QUEUED, queued(hq, "app97 second"))
        hq.people.out_of_order = True
    try:
        hq.wait_for(ChangeState.SUCCEEDED, first)
        wait_until(lambda: "app97 waits: Slack does not say now whether" in unmarked(hq.message(second).text))
        assert hq.button(second, "Cancel")
    finally:
        hq.people.out_of_order = False

    hq.wait_for(ChangeState.SUCCEEDED, second)
    assert "waits" not in hq.message(second).text


def test_a_change_is_carried_out_though_it_can_be_shown_nowhere(hq: Headquarters) -> None:
    seen = hq.add_vm("app08")
    hq.board.out_of_order = True
    try:
        hq.type("app08 unseen")
        row = wait_until(lambda: hq.newest() if hq.newest().state is ChangeState.SUCCEEDED else None)
        wait_until(lambda: "not shown" in [e.event for e in hq.ledger.events.of(row.id)])
    finally:
        hq.board.out_of_order = False

    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["unseen"]
    hq.wait_for(ChangeState.SUCCEEDED, row)


def test_a_merge_that_goes_on_is_looked_at_again(hq: Headquarters) -> None:
    hq.add_vm("merging", Past("first", DAY))
    hq.hosts["hv01"].faults.arm(Fault(FaultKind.MERGE_STALL, times=None))
    try:
        hq.type("delete merging first")
        answer(hq, hq.wait_for(ChangeState.AWAITING), "confirm")
        row = hq.wait_for(ChangeState.SUCCEEDED)
        wait_until(lambda: DBOS.get_workflow_status(f"{row.id}-merge-{row.vms[0].id}-1"))
        assert "The disks of merging are merged" not in hq.message(row).text
    finally:
        hq.hosts["hv01"].faults.disarm()

    wait_until(lambda: "The disks of merging are merged" in hq.message(row).text)


def test_a_delete_that_failed_is_followed_by_no_merge(hq: Headquarters) -> None:
    hq.add_vm("kept01", Past("first", DAY))
    hq.hosts["hv01"].faults.arm(Fault(FaultKind.CMDLET_ERROR, "Remove-VMSnapshot"))
    hq.type("delete kept01 first")
    answer(hq, hq.wait_for(ChangeState.AWAITING), "confirm")
    row = hq.wait_for(ChangeState.FAILED)

    wait_until(lambda: getattr(DBOS.get_workflow_status(f"{row.id}-0"), "status", "") == "SUCCESS")
    assert DBOS.get_workflow_status(f"{row.id}-merge-{row.vms[0].id}-0") is None


def test_a_confirmation_that_comes_right_after_the_end_begins_nothing(hq: Headquarters) -> None:
    hq.add_vm("over", Past("first", DAY))
    hq.type("delete over first")
    row = hq.wait_for(ChangeState.AWAITING)
    hq.ledger.changes.move(row.id, ChangeState.EXPIRED, by="bot", why="nobody answered in time")

    answer(hq, row, "confirm")
    hq.wait_for(ChangeState.EXPIRED, row)

    assert DBOS.get_workflow_status(f"{row.id}-0") is None


def test_the_end_of_a_merge_is_told_under_the_delete(hq: Headquarters) -> None:
    hq.add_vm("app09", Past("first", DAY))
    hq.type("delete app09 first")
    row = hq.wait_for(ChangeState.AWAITING)

    answer(hq, row, "confirm")
    hq.wait_for(ChangeState.SUCCEEDED)

    wait_until(lambda: "The disks of app09 are merged" in hq.message(hq.newest()).text)


def test_a_defect_fails_the_change_and_is_said(hq: Headquarters, caplog: pytest.LogCaptureFixture) -> None:
    seen = hq.add_vm("app10", Past("first", DAY))
    hq.type("delete app10 first")
    row = hq.wait_for(ChangeState.AWAITING)
    ada = hq.people.members[ADA]
    hq.people.members[ADA] = None  # type: ignore[assignment]  # what no directory would give
    try:
        answer(hq, row, "confirm")
        failed = hq.wait_for(ChangeState.FAILED)
    finally:
        hq.people.members[ADA] = ada

    assert failed.result == f"Something went wrong in the bot itself. Look in its log for {row.id}."
    assert f"change {row.id} met a defect" in caplog.text
    assert len(hq.look(seen.vm.id).checkpoints) == 1


def test_a_defect_on_one_vm_leaves_the_others_of_the_group_alone(
    hq: Headquarters, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = hq.add_vm("pair01", host="hv01"), hq.add_vm("pair02", host="hv02")
    run = hq.shells["hv01"].run

    def defective(statements: Sequence[Statement], *further: Any, **named: Any) -> None:
        if any(cmdlet.name == "Checkpoint-VM" for one in statements for cmdlet in one):
            raise RuntimeError("what nobody expects of a session")
        run(statements, *further, **named)

    monkeypatch.setattr(hq.shells["hv01"], "run", defective)
    hq.type("pair01,pair02 before-upgrade")
    row = hq.wait_for(ChangeState.UNKNOWN)
    text = hq.message(row).text

    assert f"pair01: Something went wrong in the bot itself. Look in its log for {row.id}." in text
    assert "pair02: Took before-upgrade of pair02" in text
    assert hq.look(broken.vm.id).checkpoints == ()
    assert [one.name for one in hq.look(sound.vm.id, "hv02").checkpoints] == ["before-upgrade"]


def test_a_change_that_waits_for_its_turn_holds_no_thread(hq: Headquarters) -> None:
    hq.add_vm("app11")
    with one_change_under_way(hq, "app11"):
        second = queued(hq, "app11 second")
        wait_until(lambda: not DBOS.list_workflows(name="change", status="PENDING"))

    hq.wait_for(ChangeState.SUCCEEDED, second)


def test_changes_of_one_vm_are_carried_out_in_the_order_of_their_queuing(hq: Headquarters) -> None:
    seen = hq.add_vm("app14")
    with one_change_under_way(hq, "app14"):
        later = [queued(hq, f"app14 c{number}") for number in range(9)]

    for one in later:
        hq.wait_for(ChangeState.SUCCEEDED, one)

    in_order = sorted(hq.look(seen.vm.id).checkpoints, key=lambda one: one.created)
    assert [one.name for one in in_order] == ["first", *(f"c{number}" for number in range(9))]


def test_a_message_that_takes_long_does_not_keep_the_vm_from_its_next_change(hq: Headquarters) -> None:
    hq.add_vm("app15")
    with ExitStack() as slack:
        with one_change_under_way(hq, "app15") as first:
            second = queued(hq, "app15 second")
            slack.enter_context(hq.board.jammed())
        for one in (first, second):
            wait_until(lambda row=one: hq.core.ledger.changes.get(row.id).state is ChangeState.SUCCEEDED)

    for one in (first, second):
        hq.wait_for(ChangeState.SUCCEEDED, one)


@contextmanager
def one_change_put_off(hq: Headquarters, vm: str) -> Iterator[ChangeRow]:
    """The second of this VM, whose work is to begin in an hour. After the block the first is done."""
    with one_change_under_way(hq, vm) as first:
        second = queued(hq, f"{vm} second")
        with SetWorkflowID(f"{second.id}-0"), SetEnqueueOptions(delay_seconds=3600):
            DBOS.enqueue_workflow(LATER, hq.core.changes._one_vm, second.id, 0)
        yield second
    hq.wait_for(ChangeState.SUCCEEDED, first)


def test_a_change_whose_work_was_given_up_is_said_to_be_over(hq: Headquarters) -> None:
    seen = hq.add_vm("app12")
    with one_change_put_off(hq, "app12") as second:
        DBOS.cancel_workflow(f"{second.id}-0")

    hq.restart()

    assert "Look in its log" in hq.wait_for(ChangeState.FAILED, second).result
    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["first"]


@pytest.mark.sqlite
def test_a_change_that_somebody_marks_as_done_is_said_not_to_be(hq: Headquarters) -> None:
    """Whoever may write where the workflows are kept can stop a change, and not without a word."""
    seen = hq.add_vm("app41")
    with one_change_put_off(hq, "app41") as second, closing(sqlite3.connect(hq.folder / "jobs.db")) as jobs, jobs:
        jobs.execute("UPDATE workflow_status SET status = 'SUCCESS' WHERE workflow_uuid = ?", (f"{second.id}-0",))

    hq.restart()

    assert "no record of doing it" in hq.wait_for(ChangeState.FAILED, second).result
    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["first"]


def test_an_approval_is_a_second_persons(hq: Headquarters) -> None:
    hq.add_vm("sql01", Past("first", DAY))
    hq.type("apply sql01 first")
    row = hq.wait_for(ChangeState.AWAITING)

    hq.press(hq.button(row, "Approve"), row.message, who=BOB)

    assert hq.wait_for(ChangeState.SUCCEEDED).decided_by == BOB
    assert "approved by bob" in hq.message(hq.newest()).text


def test_a_colleague_takes_over_what_waits_for_somebody_who_is_away(hq: Headquarters) -> None:
    hq.add_vm("app31", Past("first", DAY))
    hq.type("apply app31 first")
    row = hq.wait_for(ChangeState.AWAITING)
    take_over = hq.button(row, "Take over")

    hq.press(take_over, row.message)
    assert "yours already" in hq.told()
    hq.press(take_over, row.message, who=BOB)
    assert "only a moment ago" in hq.told()
    hq.clock.forward(minutes=3)
    hq.press(take_over, row.message, who=EVE)
    assert "No grant lets you" in hq.told()
    hq.press(take_over, row.message, who=BOB)

    told = hq.board.pulse.wait_for(lambda: [one for one in hq.board.addressed if "taken" in one[2]])
    assert told == [(row.message, ADA, "bob has taken this over: apply first to app31.")]
    hq.board.pulse.wait_for(lambda: "asked by ada · taken over by bob" in hq.message(row).text)
    hq.press(hq.button(row, "Apply"), row.message)
    assert "Only the person who asked" in hq.told()
    hq.press(hq.button(row, "Apply"), row.message, who=BOB)
    ended = hq.wait_for(ChangeState.SUCCEEDED, row)
    assert (ended.person_id, ended.asked_by, ended.decided_by) == (BOB, ADA, BOB)
    assert [e.by for e in hq.ledger.events.of(row.id, {TAKEN_OVER})] == [BOB]
    assert hq.ledger.audit.verify().whole


def test_an_answer_given_before_somebody_else_took_it_over_is_not_taken(hq: Headquarters) -> None:
    hq.add_vm("app32", Past("first", DAY))
    hq.type("apply app32 first")
    row = hq.wait_for(ChangeState.AWAITING)
    assert hq.core.changes.take_over(row, Person(BOB, "bob"), Origin(CHANNEL, BOB))

    with pytest.raises(TakenOver):
        answer(hq, row, "confirm")
    with pytest.raises(TakenOver):
        hq.core.changes.take_over(row, Person(BOB, "bob"), Origin(CHANNEL, BOB))

    now = hq.wait_for(ChangeState.AWAITING, row)
    hq.press(hq.button(now, "Cancel"), now.message, who=BOB)
    hq.wait_for(ChangeState.CANCELLED, now)


def test_what_was_answered_is_taken_over_no_more(hq: Headquarters) -> None:
    hq.add_vm("app33", Past("first", DAY))
    hq.type("apply app33 first")
    row = hq.wait_for(ChangeState.AWAITING)
    answer(hq, row, "cancel")

    assert not hq.core.changes.take_over(row, Person(BOB, "bob"), Origin(CHANNEL, BOB))
    hq.wait_for(ChangeState.CANCELLED, row)


def test_who_took_over_what_needs_an_approval_must_leave_somebody_to_give_it(hq: Headquarters) -> None:
    """Bob alone approves what is done to `sql*`."""
    hq.add_vm("sql32", Past("first", DAY))
    hq.type("apply sql32 first")
    row = hq.wait_for(ChangeState.AWAITING)
    hq.clock.forward(minutes=3)

    hq.press(hq.button(row, "Take over"), row.message, who=BOB)

    assert "nobody but you" in hq.told()
    hq.press(hq.button(row, "Approve"), row.message, who=BOB)
    hq.wait_for(ChangeState.SUCCEEDED, row)


def test_an_approver_refuses_with_a_reason_that_reaches_who_asked(hq: Headquarters) -> None:
    hq.add_vm("sql33", Past("first", DAY))
    hq.type("apply sql33 first")
    row = hq.wait_for(ChangeState.AWAITING)

    hq.press(hq.button(row, "Refuse"), row.message)
    assert "You asked for this, so somebody else must refuse it." in hq.told()
    hq.press(hq.button(row, "Refuse"), row.message, who=BOB)
    (refuse,) = buttons(hq.board.whispers[-1])
    hq.press(refuse, None, who=EVE, entered="no")
    assert "You are not among those who may refuse this." in hq.told()

    hq.press(refuse, None, who=BOB, entered="month's  end <!channel>")

    ended = hq.wait_for(ChangeState.REFUSED, row)
    assert (ended.decided_by, ended.reason) == (BOB, "by bob: month's end <!channel>")
    assert "Refused by bob: month's end <!channel>. Nothing was changed." in hq.message(ended).text
    told = hq.board.pulse.wait_for(lambda: next((one for one in hq.board.addressed if one[0] == row.message), None))
    assert told[1:] == (ADA, "This was refused by bob: month's end <!channel>.")


def test_a_large_group_is_told_of_in_one_message_and_undone_by_one(hq: Headquarters) -> None:
    """More VMs than have their turn at once."""
    many = [hq.put(f"many{number:02}", Past("old", 3 * DAY), host=f"hv0{1 + number % 2}") for number in range(20)]
    hq.clock.forward(seconds=10)
    hq.type("apply many* old")
    row = hq.wait_for(ChangeState.AWAITING)
    hq.arm(FaultKind.CMDLET_ERROR, "Restore-VMSnapshot")

    hq.press(hq.button(row, "Apply"), row.message)

    row = hq.wait_for(ChangeState.FAILED, row)
    done = [vm for vm in many if vm.parent_id == vm.ordered()[0].id and len(vm.ordered()) == 2]
    (failed,) = (vm for vm in many if vm not in done)
    (told,) = (text for text in hq.board.texts if f"change {short_id(row.id)}" in text)
    assert "19 succeeded" in told
    assert f"{failed.name} was not put back to old" in told
    assert all(vm.name in told for vm in many)

    hq.press(hq.button(row, "Undo"), row.message)
    undo = hq.wait_for(ChangeState.AWAITING)
    hq.press(hq.button(undo, "Apply"), undo.message)

    hq.wait_for(ChangeState.SUCCEEDED, undo)
    assert all(vm.parent_id == vm.ordered()[1].id for vm in done)

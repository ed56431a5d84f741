"""What somebody can do who has got hold of a person's Slack session: each row of the README's table, and what it rests
on. Several approvals, the brake, and the freeze."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.changes.approvals import APPROVED
from bot.dispatch.requests import Sheet, Submitted
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from bot.operations.doctor import storage
from bot.people.codes import Codes
from bot.people.directory import Member
from bot.settings import AccessSettings, ApprovalSettings, BrakeSettings, CodesSettings, GrantSettings
from commands.base import Schedule, unmarked
from tests.support.board import buttons
from tests.support.headquarters import ADA, BOB, CHANNEL, EVE, Headquarters
from tests.support.people import ELSEWHERE, TEAM
from tests.support.settings import owners, viewers
from tests.support.waiting import wait_until

CAT, DAN, OLE = "U0CAT", "U0DAN", "U0OLE"
PER_HOUR = 3


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    made = Headquarters(tmp_path_factory.mktemp("headquarters"))
    for user_id, name in ((CAT, "cat"), (DAN, "dan"), (OLE, "ole")):
        made.people.members[user_id] = Member(user_id, name, TEAM)
    access = AccessSettings(
        grants=(
            owners(ADA, BOB),
            owners(DAN, vms=("dan*",)),
            GrantSettings(to=(OLE,), role="operator", vms=("*",)),
            viewers(EVE, CAT),
        ),
        approvals=(ApprovalSettings(vms=("sql*",), actions=("apply", "delete"), by=(ADA, BOB, CAT, EVE), count=2),),
    )
    made.settings = made.settings.model_copy(
        update={
            "access": access,
            "brake": BrakeSettings(changes_per_hour=PER_HOUR),
            "codes": CodesSettings(vms=("safe*",)),
        }
    )
    with made:
        yield made


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    """Everything was hours ago."""
    shared.clock.forward(hours=3)
    shared.board.whispers.clear()
    return shared


def ask(hq: Headquarters, text: str, *, who: str = ADA) -> ChangeRow:
    """Type what has to be answered."""
    hq.type(text, who=who)
    return hq.wait_for(ChangeState.AWAITING)


def press(hq: Headquarters, row: ChangeRow, label: str, who: str) -> None:
    hq.press(hq.button(row, label), row.message, who=who)


def at_home(hq: Headquarters, row: ChangeRow, who: str) -> list[str]:
    """The buttons of the change in somebody's Home tab."""
    hq.core.desk.homes.looked(who, TEAM)
    return [button.label for button in buttons(hq.screens.homes[who]) if button.value == row.id]


def checkpoints(hq: Headquarters, name: str) -> list[str]:
    return [one.name for one in hq.look(hq.vm(name).id).checkpoints]


class TestSeveralApprovals:
    def test_are_of_different_people_and_each_is_in_the_ledger(self, hq: Headquarters) -> None:
        hq.add_vm("sql01", Past("first", DAY))
        row = ask(hq, "apply sql01 first")
        assert "approved by 0 of 2" in hq.message(row).text

        press(hq, row, "Approve", BOB)
        wait_until(lambda: "approved by bob · approved by 1 of 2" in hq.message(row).text)
        hq.clock.forward(seconds=2)
        press(hq, row, "Approve", BOB)
        assert "You have approved this already: 1 of 2." in hq.told()
        press(hq, row, "Approve", CAT)

        hq.wait_for(ChangeState.SUCCEEDED, row)
        assert [e.by for e in hq.ledger.events.of(row.id, {APPROVED})] == [BOB, CAT]

    def test_are_asked_for_at_home_once_of_each(self, hq: Headquarters) -> None:
        hq.add_vm("sql05", Past("first", DAY))
        row = ask(hq, "apply sql05 first")
        assert at_home(hq, row, BOB) == ["Approve", "Refuse"]

        press(hq, row, "Approve", BOB)

        assert at_home(hq, row, BOB) == []
        assert at_home(hq, row, CAT) == ["Approve", "Refuse"]
        press(hq, row, "Withdraw", ADA)
        hq.wait_for(ChangeState.CANCELLED, row)

    def test_are_not_given_by_who_asked(self, hq: Headquarters) -> None:
        hq.add_vm("sql02", Past("first", DAY))
        row = ask(hq, "apply sql02 first")

        press(hq, row, "Approve", BOB)
        press(hq, row, "Approve", ADA)

        assert "You asked for this, so somebody else must approve it." in hq.told()
        assert hq.newest().id != row.id  # the refusal is in the ledger
        press(hq, row, "Withdraw", ADA)
        hq.wait_for(ChangeState.CANCELLED, row)

    def test_count_only_of_those_who_may_give_them_when_it_is_done(self, hq: Headquarters) -> None:
        """The workspace is asked again about each of them right before it acts."""
        hq.add_vm("sql03", Past("first", DAY))
        row = ask(hq, "apply sql03 first")
        press(hq, row, "Approve", BOB)
        hq.people.deactivate(BOB)
        try:
            press(hq, row, "Approve", CAT)
            ended = hq.wait_for(ChangeState.DENIED, row)
        finally:
            hq.people.deactivate(BOB, deleted=False)

        assert "1 of those who approved it may do so now" in unmarked(ended.result or ended.reason)
        assert checkpoints(hq, "sql03") == ["first"]

    def test_outlive_a_bot_that_dies_between_them_and_over_the_last(self, hq: Headquarters) -> None:
        hq.add_vm("sql04", Past("first", DAY))
        row = ask(hq, "apply sql04 first")
        press(hq, row, "Approve", BOB)
        hq.restart()
        # The bot dies right after the last approval is in the ledger.
        hq.ledger.changes.approve(row.id, APPROVED, by=CAT, why="approved by cat")
        form = Sheet("code", {"change": row.id, "word": "approve"})  # as a button, and the reason of a refusal
        assert hq.core.desk.arrived(Submitted("lost", TEAM, Origin("", CAT), form))

        hq.restart()

        hq.wait_for(ChangeState.SUCCEEDED, row)

    def test_need_people_who_can_give_them(self, hq: Headquarters) -> None:
        rules = hq.settings.access.model_copy(
            update={"approvals": (ApprovalSettings(vms=("few*",), actions=("apply",), by=(ADA, BOB), count=2),)}
        )
        before, hq.settings = hq.settings, hq.settings.model_copy(update={"access": rules})
        hq.add_vm("few01", Past("first", DAY))
        try:
            hq.restart()
            hq.type("apply few01 first")
        finally:
            hq.settings = before
            hq.restart()

        assert "This needs the approval of 2 others, and the settings name only 1 beside you" in hq.told()


class TestTheBrake:
    def test_asks_for_somebody_else_after_so_many_an_hour(self, hq: Headquarters) -> None:
        for number in range(PER_HOUR + 1):
            hq.add_vm(f"app{number}", Past("first", DAY))
        for number in range(PER_HOUR):
            row = ask(hq, f"delete app{number} first")
            press(hq, row, "Delete", ADA)
            hq.wait_for(ChangeState.SUCCEEDED, row)

        hq.restart()
        row = ask(hq, f"delete app{PER_HOUR} first")

        assert "One person may apply, delete or export checkpoints of 3 VMs an hour without somebody else." in unmarked(
            hq.message(row).text
        )
        assert [at_home(hq, row, who) for who in (ADA, BOB, EVE)] == [[], ["Approve", "Refuse"], []]
        press(hq, row, "Approve", ADA)
        assert "You asked for this" in hq.told()
        press(hq, row, "Approve", EVE)
        assert "Somebody may approve this who may do the same themselves, and you may not." in hq.told()
        press(hq, row, "Approve", BOB)
        assert hq.wait_for(ChangeState.SUCCEEDED, row).decided_by == BOB

        hq.clock.forward(hours=2)
        hq.add_vm("app9", Past("first", DAY))
        later = ask(hq, "delete app9 first")
        assert "One person may" not in hq.message(later).text
        press(hq, later, "Cancel", ADA)

    def test_counts_the_vms_of_a_group_and_what_is_only_asked_for(self, hq: Headquarters) -> None:
        for number in range(4):
            hq.add_vm(f"grp{number}", Past("first", DAY))
        hq.add_vm("one1", Past("first", DAY))
        hq.add_vm("one2", Past("first", DAY))

        assert "One person may" in hq.message(ask(hq, "delete grp* first")).text
        three = ask(hq, "delete grp0,grp1,grp2 first")
        assert "One person may" in hq.message(three).text  # four are asked for
        for row in hq.ledger.changes.unfinished():
            hq.core.changes.withdraw(row.id, hq.people.person(ADA))
        three = ask(hq, "delete grp0,grp1,grp2 first")
        assert "One person may" not in hq.message(three).text
        press(hq, three, "Delete", ADA)
        hq.wait_for(ChangeState.SUCCEEDED, three)

        hq.type("delete one1 first", who=BOB)
        other = hq.wait_for(ChangeState.AWAITING)
        assert "One person may" not in hq.message(other).text  # bob's own

    def test_denies_at_once_what_nobody_else_could_approve(self, hq: Headquarters) -> None:
        for number in range(PER_HOUR + 1):
            hq.add_vm(f"zoo{number}", Past("first", DAY))
        alone = AccessSettings(grants=(owners(ADA),))
        before, hq.settings = hq.settings, hq.settings.model_copy(update={"access": alone})
        try:
            hq.restart()
            hq.type("delete zoo* first")
            told = hq.told()
        finally:
            hq.settings = before
            hq.restart()

        assert "This needs the approval of a second person, and the settings name nobody but you" in told
        (asked,) = hq.ledger.history.find(text="zoo")  # after its start the bot may have begun an expired one's delete
        assert asked.state == ChangeState.DENIED


@pytest.fixture
def frozen(hq: Headquarters) -> Iterator[Headquarters]:
    """Ole, an operator, has frozen everything; at the end two have lifted it."""
    hq.type("freeze apps go missing", who=OLE)
    yield hq
    for who in (ADA, BOB):
        if hq.ledger.freezes.current() is not None:
            hq.clock.forward(hours=1)
            hq.type("freeze --lift", who=OLE)
            hq.type("freeze --lift", who=who)


def says(hq: Headquarters, text: str) -> bool:
    return any(text in unmarked(message.text) for message in hq.board.shown.values())


class TestAFreeze:
    def test_stops_everything_but_questions_and_is_told(self, frozen: Headquarters) -> None:
        frozen.add_vm("ice01", Past("first", DAY))
        said = "ole has frozen everything since"

        for text in ("ice01 x", "apply ice01 first", "keep ice01 first 7d", "schedule add ice01 --at 02:00"):
            frozen.type(text)
            assert said in unmarked(frozen.told()), text
        assert says(frozen, f"{said} ")
        for text in ("whoami", "hosts", "help"):
            frozen.type(text)
            assert said in unmarked(frozen.told()), text
        frozen.type("list ice01")
        assert "first" in frozen.told()
        assert frozen.newest().state is ChangeState.DENIED
        assert checkpoints(frozen, "ice01") == ["first"]

    def test_stops_what_waits_for_an_answer_and_lets_it_be_withdrawn(self, hq: Headquarters) -> None:
        hq.add_vm("ice02", Past("first", DAY))
        rows = [ask(hq, "apply ice02 first") for _ in range(2)]
        hq.type("freeze", who=OLE)

        press(hq, rows[0], "Apply", ADA)
        assert "ole has frozen everything" in unmarked(hq.told())
        press(hq, rows[1], "Cancel", ADA)

        hq.wait_for(ChangeState.CANCELLED, rows[1])
        lift(hq)

    def test_cancels_what_waits_for_its_turn_and_lets_end_what_is_under_way(self, hq: Headquarters) -> None:
        hq.add_vm("ice03")
        faults = hq.hosts["hv01"].faults
        faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
        try:
            hq.type("ice03 one")
            running = hq.wait_for(ChangeState.RUNNING)
            hq.type("ice03 two")
            queued = hq.newest()
            wait_until(lambda: hq.core.changes.shown(queued.id).state is ChangeState.QUEUED)
            hq.type("freeze", who=OLE)
        finally:
            faults.disarm(FaultKind.HANG)
            faults.release()

        hq.wait_for(ChangeState.SUCCEEDED, running)
        assert "ole's freeze" in hq.wait_for(ChangeState.CANCELLED, queued).reason
        assert checkpoints(hq, "ice03") == ["one"]
        lift(hq)

    def test_ends_a_group_that_has_begun_also_where_it_is_lifted_before_the_next_turn(self, hq: Headquarters) -> None:
        hq.add_vm("ice05")
        hq.add_vm("ice06")
        faults = hq.hosts["hv01"].faults
        faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
        try:
            hq.type("ice06 one")
            first = hq.wait_for(ChangeState.RUNNING)
            hq.type("ice05,ice06 both")
            group = hq.newest()
            wait_until(lambda: checkpoints(hq, "ice05") == ["both"])
            hq.type("freeze", who=OLE)
            lift(hq)
        finally:
            faults.disarm(FaultKind.HANG)
            faults.release()

        hq.wait_for(ChangeState.SUCCEEDED, first)
        ended = hq.wait_for(ChangeState.FAILED, group)
        assert "ole has frozen everything while this waited for its turn" in unmarked(ended.result)
        assert checkpoints(hq, "ice06") == ["one"]
        hq.type("ice06 again")
        hq.wait_for(ChangeState.SUCCEEDED)

    def test_holds_over_a_restart_and_stops_the_clock(self, frozen: Headquarters) -> None:
        frozen.add_vm("ice04")
        schedule = Schedule("s-ice", "ice", ("ice04",), ADA, "ada", CHANNEL, at=time(2), made_at=frozen.clock())
        frozen.ledger.schedules.put(schedule)
        frozen.restart()
        frozen.clock.forward(days=2)

        frozen.core.recurring.look()
        assert frozen.ledger.schedules.last_run("s-ice") is None
        frozen.type("ice04 x")
        assert "ole has frozen everything" in unmarked(frozen.told())
        lift(frozen)

        wait_until(lambda: len(checkpoints(frozen, "ice04")) == 1)  # what was missed is made up by one
        frozen.type("schedule remove ice")

    def test_is_lifted_by_two_who_may_act(self, frozen: Headquarters) -> None:
        frozen.type("freeze --lift", who=EVE)
        assert "No grant lets you change anything" in frozen.told()
        assert "The role operator or owner would allow it." in unmarked(frozen.told())
        frozen.type("freeze --lift")
        frozen.type("freeze --lift")
        assert "You have proposed to lift it already." in frozen.told()
        assert frozen.ledger.freezes.current() is not None
        frozen.clock.forward(minutes=31)
        frozen.type("freeze --lift", who=BOB)  # the first proposal is too old: this is one of its own
        message = next(ref for ref, one in reversed(frozen.board.shown.items()) if "bob proposes" in unmarked(one.text))
        (button,) = buttons(frozen.board.shown[message])

        frozen.press(button, message, who=BOB)
        assert frozen.ledger.freezes.current() is not None
        frozen.press(button, message, who=ADA)

        assert frozen.ledger.freezes.current() is None
        assert says(frozen, "bob and ada have lifted the freeze.")
        frozen.press(button, message, who=OLE)
        assert "That is over" in frozen.told()
        told = [entry.summary for entry in frozen.ledger.history.find(text="freeze", limit=20)]
        assert told[0] == "lift the freeze, as bob proposed"
        assert "propose to lift the freeze" in told
        assert frozen.ledger.audit.verify().whole

    def test_is_not_lifted_by_the_word_of_somebody_who_may_not_any_more(self, frozen: Headquarters) -> None:
        frozen.type("freeze --lift", who=OLE)
        frozen.people.deactivate(OLE)
        try:
            frozen.type("freeze --lift")
        finally:
            frozen.people.deactivate(OLE, deleted=False)

        freeze = frozen.ledger.freezes.current()
        assert freeze is not None and freeze.proposed_by == ADA
        assert says(frozen, "ole may change nothing now, so their word is void.")
        frozen.type("freeze --lift", who=BOB)
        assert frozen.ledger.freezes.current() is None

    def test_is_for_those_who_may_change_something(self, hq: Headquarters) -> None:
        hq.type("freeze", who=EVE)

        assert "No grant lets you change anything" in hq.told()
        assert hq.ledger.freezes.current() is None
        hq.type("freeze --lift")
        assert "Nothing is frozen." in hq.told()

    def test_is_told_to_the_channels_of_the_digests(self, hq: Headquarters) -> None:
        hq.type("freeze", who=OLE, channel=ELSEWHERE)

        where = {ref.channel for ref, one in hq.board.shown.items() if "has frozen everything" in one.text}
        assert {CHANNEL, ELSEWHERE} <= where
        lift(hq)

    def test_is_told_to_channels_that_hear_nothing_right_now_as_soon_as_they_do(self, hq: Headquarters) -> None:
        hq.core.telling.pauses = (0.02,) * 1_000
        hq.board.out_of_order = True
        hq.type("freeze", who=OLE, channel=ELSEWHERE)
        assert hq.ledger.freezes.current()
        hq.board.out_of_order = False

        def late() -> list[str]:
            shown = [one.text for ref, one in list(hq.board.shown.items()) if ref.channel == CHANNEL]
            return [text for text in shown if "Slack did not take it then" in text]

        (told,) = hq.board.pulse.wait_for(late)
        assert "has frozen everything" in told
        lift(hq)

    def test_is_what_the_doctor_says(self, frozen: Headquarters) -> None:
        found = [one for one in storage.look(frozen.settings, frozen.clock, deep=False) if one.about == "freeze"]

        assert ["ole has frozen everything" in one.line for one in found] == [True]


class TestAOneTimeCode:
    """Asked for by a form that the card's button opens."""

    def submit(self, hq: Headquarters, given: str, *, who: str = ADA, delivery: str) -> Mapping[str, str]:
        """The form that was shown last; what is wrong with it."""
        _, form = hq.screens.opened[-1]
        sheet = Sheet(form.kind, form.memory, {"code": given}, ("code",))
        request = Submitted(delivery, TEAM, Origin("", who), sheet)
        if wrong := hq.core.desk.mistakes(request):
            return wrong
        assert hq.core.desk.arrived(request)
        hq.core.desk.attend(request)
        return {}

    def test_is_needed_beside_the_session_and_taken_once(self, hq: Headquarters) -> None:
        hq.add_vm("safe01", Past("first", DAY))
        hq.add_vm("safe02", Past("second", DAY))
        uri = Codes(hq.folder, hq.settings.codes, hq.clock).enroll(ADA)
        app = pyotp.TOTP(parse_qs(urlsplit(uri).query)["secret"][0])
        row = ask(hq, "delete safe01 first")

        press(hq, row, "Delete", ADA)
        assert self.submit(hq, "12345", delivery="form-0") == {"code": "A code has six digits."}
        self.submit(hq, "000000" if app.at(hq.clock()) != "000000" else "111111", delivery="form-1")
        assert "That code is wrong" in hq.told()
        assert checkpoints(hq, "safe01") == ["first"]

        code = app.at(hq.clock())
        self.submit(hq, code, delivery="form-2")
        hq.wait_for(ChangeState.SUCCEEDED, row)
        other = ask(hq, "delete safe02 second")
        press(hq, other, "Delete", ADA)
        self.submit(hq, code, delivery="form-3")
        assert "was used already" in hq.told()
        press(hq, other, "Cancel", ADA)
        hq.wait_for(ChangeState.CANCELLED, other)
        written = (hq.folder / "ledger.db").read_bytes() + (hq.folder / "ledger.db-wal").read_bytes()
        assert app.secret.encode() not in written
        assert code.encode() not in written

    def test_is_asked_for_before_a_copy_too(self, hq: Headquarters) -> None:
        hq.add_vm("safe04", Past("first", DAY))
        row = ask(hq, "export safe04 first C:/x")

        press(hq, row, "Export", ADA)

        assert hq.screens.opened[-1][1].kind == "code"
        assert hq.row(row).state is ChangeState.AWAITING
        press(hq, row, "Cancel", ADA)

    def test_of_nobody_is_no_answer(self, hq: Headquarters) -> None:
        hq.add_vm("safe03", Past("first", DAY))
        row = ask(hq, "delete safe03 first", who=BOB)

        press(hq, row, "Delete", BOB)
        self.submit(hq, "123456", who=BOB, delivery="form-4")

        assert "you have none yet" in hq.told()
        press(hq, row, "Cancel", BOB)


def lift(hq: Headquarters) -> None:
    for who in (ADA, BOB):
        hq.type("freeze --lift", who=who)
    assert hq.ledger.freezes.current() is None


class TestAStolenSession:
    """Each is a row of the table in the README."""

    def test_of_a_viewer_reads_and_changes_nothing(self, hq: Headquarters) -> None:
        hq.add_vm("row1", Past("first", DAY))
        hq.type("list row1", who=EVE)
        assert "first" in hq.told()
        for text in ("row1 x", "apply row1 first", "delete row1 first", "keep row1 first 7d", "export row1 first C:/x"):
            hq.type(text, who=EVE)
            assert "No grant lets you" in hq.told(), text
        assert checkpoints(hq, "row1") == ["first"]

    def test_of_an_operator_takes_and_renames_and_loses_nothing(self, hq: Headquarters) -> None:
        hq.add_vm("row2", Past("first", DAY))
        hq.type("row2 x", who=OLE)
        hq.wait_for(ChangeState.SUCCEEDED)
        for text in ("apply row2 first", "delete row2 first"):
            hq.type(text, who=OLE)
            assert "No grant lets you" in hq.told(), text
        assert checkpoints(hq, "row2") == ["first", "x"]

    def test_of_an_owner_destroys_what_is_theirs_as_far_as_the_brake_lets_it(self, hq: Headquarters) -> None:
        for number in range(PER_HOUR + 1):
            hq.add_vm(f"dan{number}", Past("first", DAY))
        hq.add_vm("row3", Past("first", DAY))
        hq.type("delete row3 first", who=DAN)
        assert "No grant lets you" in hq.told() or "no VM" in hq.told()
        for number in range(PER_HOUR):
            row = ask(hq, f"delete dan{number} first", who=DAN)
            press(hq, row, "Delete", DAN)
            hq.wait_for(ChangeState.SUCCEEDED, row)

        row = ask(hq, f"delete dan{PER_HOUR} first", who=DAN)
        press(hq, row, "Approve", DAN)

        assert "somebody else must approve it" in hq.told()
        assert checkpoints(hq, f"dan{PER_HOUR}") == ["first"]

    def test_of_an_owner_copies_what_is_theirs_as_far_as_the_brake_lets_it_and_to_no_share(
        self, hq: Headquarters
    ) -> None:
        for number in range(PER_HOUR + 1):
            hq.add_vm(f"dance{number}", Past("first", DAY))
        hq.type("export dance0 first //evil/share", who=DAN)
        assert "Nothing is exported to a share that the settings do not name." in hq.told()
        assert hq.newest().state is ChangeState.DENIED
        for number in range(PER_HOUR):
            row = ask(hq, f"export dance{number} first C:/x{number}", who=DAN)
            press(hq, row, "Export", DAN)
            hq.wait_for(ChangeState.SUCCEEDED, row)

        row = ask(hq, f"export dance{PER_HOUR} first C:/x", who=DAN)
        press(hq, row, "Approve", DAN)

        assert "somebody else must approve it" in hq.told()
        press(hq, row, "Withdraw", DAN)

    def test_of_an_owner_switches_checkpoints_off_which_the_channel_sees_and_takes_none_away(
        self, hq: Headquarters
    ) -> None:
        hq.add_vm("danger", Past("first", DAY))
        hq.type("settings danger --type disabled", who=DAN)

        done = hq.wait_for(ChangeState.SUCCEEDED)

        assert done.message is not None and done.message.channel == CHANNEL
        assert "disabled" in hq.message(done).text
        assert checkpoints(hq, "danger") == ["first"]

    def test_of_an_approver_asks_for_nothing_and_is_one_of_two(self, hq: Headquarters) -> None:
        hq.add_vm("sql09", Past("first", DAY))
        hq.type("apply sql09 first", who=CAT)
        assert "No grant lets you" in hq.told()
        row = ask(hq, "apply sql09 first")

        press(hq, row, "Approve", CAT)

        assert hq.wait_for(ChangeState.AWAITING, row).state is ChangeState.AWAITING
        assert checkpoints(hq, "sql09") == ["first"]

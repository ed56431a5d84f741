"""Whoever presses whatever, however often and however late: one outcome, the same on the host, in the ledger and in the
channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backends.base import VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model import checkpoints, power
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost, move
from backends.simulator.model.machines import SimulatedVM
from bot.people.identity import RECENT
from bot.settings import AccessSettings, ApprovalSettings
from tests.promises.asking import Change, asked, at_once, everything_on, refused, types, wait
from tests.support.office import Office, usual_access

CONFIRMED = ("requested", "awaiting", "queued", "running", "succeeded")
CANCELLED = ("requested", "awaiting", "cancelled")
EXPIRED = ("requested", "awaiting", "expired")
VOID = ("requested", "awaiting", "queued", "void")

OLD = Past("before-upgrade", 3 * DAY)


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One in which domain controllers need a second person of the administrators, whoever asks."""
    usual = usual_access()
    access = AccessSettings(
        grants=usual.grants,
        production_only=usual.production_only,
        approvals=(ApprovalSettings(vms=("dc*",), actions=("apply", "delete"), by=("S0VMADMIN",)),),
    )
    with Office(tmp_path_factory.mktemp("office") / "data", access=access) as office:
        yield office


@pytest.fixture(autouse=True)
def usual_people(office: Office) -> Iterator[None]:
    """Whatever a test does to people is undone, and the bot hears of it."""
    yield
    office.sandbox.change_group("vm-admins", ["ada", "oncall"])
    office.sandbox.change_user("oncall", deleted=False, is_restricted=False)
    office.bot.directory.group_members("S0VMADMIN", max_age=0)
    office.bot.directory.member("U0ONCALL1", max_age=0)


@contextmanager
def hanging(office: Office, cmdlet: str) -> Iterator[None]:
    """The next such cmdlet on hv01 gets nowhere while this lasts."""
    faults = office.host("hv01").faults
    faults.arm(Fault(FaultKind.HANG, cmdlet))
    try:
        yield
    finally:
        faults.disarm(FaultKind.HANG)
        faults.release()


def ran(office: Office, cmdlet: str) -> int:
    return len(office.commands().seen(cmdlet))


# ---------------------------------------------------------------- twice


def test_a_command_that_slack_delivers_twice_is_carried_out_once(office: Office) -> None:
    office.add_vm("twice01")

    change = asked(office, lambda: office.type("ada", "/checkpoint twice01 once", times=2))

    change.ends("requested", "queued", "running", "succeeded")
    assert office.checkpoints("twice01") == ["once"]


def test_a_command_that_is_delivered_again_after_a_restart_is_carried_out_once(office: Office) -> None:
    office.add_vm("twice02", OLD)
    payload = office.sandbox.log("envelope")
    change = types(office, "ada", "keep twice02 before-upgrade 7d")
    change.ends("requested", "queued", "running", "succeeded")
    (delivered,) = office.sandbox.log("envelope")[len(payload) :]

    office.restart()
    with office.nothing_changes():
        office.sandbox.deliver("slash_commands", delivered["payload"])
        office.ask("ada", "/checkpoint list twice02")

    assert len(change.messages) == 1
    assert change.way.count("succeeded") == 1


def test_a_click_that_slack_delivers_twice_counts_once(office: Office) -> None:
    office.add_vm("twice03", OLD)
    before = ran(office, "Restore-VMSnapshot")
    change = types(office, "ada", "apply twice03 before-upgrade")

    change.asks("confirm")
    office.press("ada", "Apply", times=2)

    change.ends(*CONFIRMED)
    assert ran(office, "Restore-VMSnapshot") == before + 1


def test_a_double_click_counts_once(office: Office) -> None:
    office.add_vm("twice04", OLD)
    before = ran(office, "Restore-VMSnapshot")
    change = types(office, "ada", "apply twice04 before-upgrade")

    change.asks("confirm")
    at_once(lambda: change.press("ada", "confirm"), lambda: change.press("ada", "confirm"))

    change.ends(*CONFIRMED)
    assert ran(office, "Restore-VMSnapshot") == before + 1
    assert len(office.checkpoints("twice04")) == 2


@pytest.mark.parametrize("number", range(3))
def test_of_confirm_and_cancel_pressed_at_once_one_counts(office: Office, number: int) -> None:
    vm = office.add_vm(f"web-both{number}", OLD)
    before = everything_on(office)
    change = types(office, "dev", f"apply {vm.name} before-upgrade")

    change.asks("confirm")
    at_once(lambda: change.press("dev", "cancel"), lambda: change.press("dev", "confirm"))

    wait(office, lambda: change.row.state.final)
    if change.row.state == "succeeded":
        change.ends(*CONFIRMED)
        assert len(vm.checkpoints) == 2
    else:
        assert "Nothing was changed." in change.ends(*change.way[:-1], "cancelled").seen
        assert everything_on(office) == before


@pytest.mark.parametrize("number", range(3))
def test_of_approving_and_withdrawing_at_once_one_counts(office: Office, number: int) -> None:
    vm = office.add_vm(f"dc-both{number}", OLD)
    before = everything_on(office)
    change = types(office, "ada", f"apply {vm.name} before-upgrade")

    change.asks("approve")
    at_once(lambda: change.press("oncall", "approve"), lambda: change.press("ada", "cancel"))

    wait(office, lambda: change.row.state.final)
    if change.row.state == "succeeded":
        assert "approved by oncall" in change.ends(*CONFIRMED).seen
        assert len(vm.checkpoints) == 2
    else:
        change.ends(*change.way[:-1], "cancelled")
        assert everything_on(office) == before


# ---------------------------------------------------------------- late


@pytest.mark.parametrize("action", ["confirm", "cancel"])
def test_a_click_after_the_time_is_up_finds_the_question_expired(office: Office, action: str) -> None:
    vm = office.add_vm(f"late-{action}", OLD)
    before = everything_on(office)
    change = types(office, "ada", f"apply {vm.name} before-upgrade")
    change.asks(action)

    office.clock.forward(minutes=11)
    change.press("ada", action)

    change.ends(*EXPIRED)
    assert everything_on(office) == before


def test_an_expired_question_can_be_asked_again(office: Office) -> None:
    office.add_vm("late01", OLD)
    change = types(office, "ada", "apply late01 before-upgrade")
    change.asks("confirm")
    office.clock.forward(minutes=11)
    change.press("ada", "confirm")
    change.ends(*EXPIRED)

    again = asked(office, lambda: change.press("ada", "again"))

    again.asks("confirm")
    again.press("ada", "confirm")
    again.ends(*CONFIRMED)


@pytest.mark.parametrize("action", ["confirm", "approve", "cancel"])
def test_a_click_on_the_message_of_last_week_changes_nothing(office: Office, action: str) -> None:
    vm = office.add_vm(f"web-old-{action}", OLD)
    change = types(office, "dev", f"apply {vm.name} before-upgrade")
    change.asks("confirm")
    asking = change.message
    change.press("dev", "confirm")
    message = change.ends(*CONFIRMED)
    office.clock.forward(days=7)

    refused(office, "dev", lambda: change.press("dev", action, inside=asking))

    assert change.message.seen == message.seen


# ---------------------------------------------------------------- forged

JUNK = (
    "",
    "0",
    "null",
    "00000000-0000-0000-0000-000000000000",
    "' OR '1'='1' --",
    '{"change_id": {"$ne": null}, "action": "confirm"}',
    "../../etc/passwd\x00",
    "%s%n{0}{{}}",
    "\ud800 half a character",
    "A" * 2000,
)


@pytest.mark.parametrize("action", ["confirm", "approve", "cancel", "undo", "again", "delete", "keep"])
def test_junk_in_a_button_confirms_nothing(office: Office, action: str) -> None:
    vm = office.add_vm(f"junk-{action}", OLD)
    change = types(office, "ada", f"apply {vm.name} before-upgrade")
    change.asks("confirm")

    for junk in JUNK:
        answer = refused(office, "ada", lambda junk=junk: change.press("ada", action, value=junk))
        assert "Nothing was changed." in answer

    assert change.answers == {"confirm", "cancel"}
    change.press("ada", "cancel")
    change.ends(*CANCELLED)


ELSEWHERE = {
    "another message": {"message": {"ts": "1.1"}, "container": {"message_ts": "1.1"}},
    "no message": {"message": None, "container": {"message_ts": None}},
    "a message that one person sees": {"container": {"is_ephemeral": True}},
    "another channel": {"channel": {"id": "C0GENERAL"}, "container": {"channel_id": "C0GENERAL"}},
    "another workspace": {"team": {"id": "T0OTHER"}, "user": {"team_id": "T0OTHER"}},
    "nobody": {"user": {"id": None}},
    "a menu": {"actions": [{"type": "static_select", "action_id": "bot.confirm.0", "selected_option": {"value": "x"}}]},
    "a form": {"type": "view_submission", "view": {"callback_id": "confirm", "state": {"values": {}}}},
}


def test_a_click_that_says_it_comes_from_elsewhere_confirms_nothing(office: Office) -> None:
    office.add_vm("web-elsewhere", OLD)
    change = types(office, "dev", "apply web-elsewhere before-upgrade")
    change.asks("confirm")
    refused(office, "ada", lambda: change.press("ada", "confirm"))
    click: dict[str, Any] = office.sandbox.log("envelope")[-1]["payload"]
    click["user"]["id"] = "U0DEV0001"

    with office.nothing_changes():
        for number, (place, fields) in enumerate(ELSEWHERE.items()):
            forged = {**click, "trigger_id": f"{number}.elsewhere"}
            for key, value in fields.items():
                forged[key] = {**click[key], **value} if isinstance(value, dict) and key in click else value
            assert office.sandbox.deliver("interactive", forged).acked, place
        office.ask("dev", "/checkpoint list web-elsewhere")
        assert change.way == ["requested", "awaiting"]

    office.clock.forward(seconds=1)
    office.sandbox.deliver("interactive", click | {"trigger_id": "from here"})
    change.ends(*CONFIRMED)


def test_a_button_of_no_known_kind_does_nothing(office: Office) -> None:
    office.add_vm("junk01", OLD)
    change = types(office, "ada", "apply junk01 before-upgrade")
    change.asks("confirm")

    for action in ("apply", "format", "confirm\n", "", "a" * 240):
        refused(office, "ada", lambda action=action: change.press("ada", action))

    change.press("ada", "cancel")
    change.ends(*CANCELLED)


def test_a_card_does_not_confirm_what_another_one_asks(office: Office) -> None:
    office.add_vm("junk02", OLD)
    office.add_vm("junk03", OLD)
    shown = types(office, "ada", "apply junk02 before-upgrade")
    meant = types(office, "ada", "delete junk03 before-upgrade")
    shown.asks("confirm")
    meant.asks("confirm")

    refused(office, "ada", lambda: shown.press("ada", "confirm", value=meant.id))

    for change in (shown, meant):
        change.press("ada", "cancel")
        change.ends(*CANCELLED)


def test_a_card_is_not_confirmed_from_another_channel(office: Office) -> None:
    office.add_vm("junk04", OLD)
    change = types(office, "ada", "apply junk04 before-upgrade")
    change.asks("confirm")
    here = office.channel
    office.move_to_a_new_channel()
    elsewhere = types(office, "ada", "delete junk04 before-upgrade")
    elsewhere.asks("confirm")

    refused(office, "ada", lambda: change.press("ada", "confirm", inside=elsewhere.message))

    elsewhere.press("ada", "cancel")
    elsewhere.ends(*CANCELLED)
    office.channel = here
    change.press("ada", "cancel")
    change.ends(*CANCELLED)


# ---------------------------------------------------------------- who


def test_nobody_but_who_asked_confirms_or_cancels(office: Office) -> None:
    office.add_vm("web-own", OLD)
    change = types(office, "dev", "apply web-own before-upgrade")
    change.asks("confirm")

    for action in ("confirm", "cancel"):
        answer = refused(office, "ada", lambda action=action: change.press("ada", action))
        assert "Only the person who asked may" in answer
    answer = refused(office, "ada", lambda: change.press("ada", "approve"))
    assert "needs no approval" in answer

    change.press("dev", "cancel")
    change.ends(*CANCELLED)


@pytest.mark.parametrize("who", ["guest", "stranger", "newcomer", "viewer"])
def test_who_may_do_nothing_here_answers_nothing(office: Office, who: str) -> None:
    vm = office.add_vm(f"dc-{who}", OLD)
    change = types(office, "ada", f"apply {vm.name} before-upgrade")
    change.asks("approve")

    for action in ("approve", "confirm", "cancel"):
        refused(office, who, lambda action=action: change.press(who, action))

    change.press("oncall", "approve")
    change.ends(*CONFIRMED)


def test_who_was_deactivated_answers_nothing(office: Office) -> None:
    office.add_vm("dc-left", OLD)
    change = types(office, "ada", "apply dc-left before-upgrade")
    change.asks("approve")
    office.sandbox.change_user("oncall", deleted=True)
    time.sleep(RECENT)

    answer = refused(office, "oncall", lambda: change.press("oncall", "approve"))

    assert "deactivated" in answer
    change.press("ada", "cancel")
    change.ends(*CANCELLED)


def test_nobody_approves_what_they_asked_for_themselves(office: Office) -> None:
    office.add_vm("dc-self", OLD)
    change = types(office, "ada", "apply dc-self before-upgrade")
    change.asks("approve")

    for action, why in (("approve", "somebody else must approve it"), ("confirm", "approval of a second person")):
        assert why in refused(office, "ada", lambda action=action: change.press("ada", action))

    change.press("oncall", "approve")
    message = change.ends(*CONFIRMED)
    assert "approved by oncall" in message.seen
    assert change.row.decided_by == "U0ONCALL1"


def test_who_asked_can_withdraw_what_waits_for_approval(office: Office) -> None:
    office.add_vm("dc-withdrawn", OLD)
    before = everything_on(office)
    change = types(office, "ada", "delete dc-withdrawn before-upgrade")
    change.asks("cancel")

    change.press("ada", "cancel")

    change.ends(*CANCELLED)
    assert everything_on(office) == before
    refused(office, "oncall", lambda: change.press("oncall", "approve"))


def test_an_approval_that_nobody_else_would_see_is_refused_at_once(office: Office) -> None:
    office.add_vm("dc-direct", OLD)
    here, office.channel = office.channel, office.sandbox.workspace.direct("U0ADA0001").id

    answer = refused(office, "ada", lambda: office.type("ada", "/checkpoint apply dc-direct before-upgrade"))

    assert "nobody but you sees this conversation" in answer
    office.channel = here


# ---------------------------------------------------------------- a permission that goes


def test_a_permission_that_goes_before_the_click_is_missing_at_the_click(office: Office) -> None:
    office.add_vm("gone01", OLD)
    change = types(office, "oncall", "apply gone01 before-upgrade")
    change.asks("confirm")

    office.sandbox.change_group("vm-admins", ["ada"])
    time.sleep(RECENT)

    refused(office, "oncall", lambda: change.press("oncall", "confirm"))
    assert change.row.state == "awaiting"


def test_an_approver_who_left_the_group_approves_nothing(office: Office) -> None:
    office.add_vm("dc-gone", OLD)
    change = types(office, "ada", "apply dc-gone before-upgrade")
    change.asks("approve")

    office.sandbox.change_group("vm-admins", ["ada"])
    time.sleep(RECENT)

    refused(office, "oncall", lambda: change.press("oncall", "approve"))
    change.press("ada", "cancel")
    change.ends(*CANCELLED)


@pytest.mark.parametrize("loses", ["the group", "the account"])
def test_a_permission_that_goes_after_the_click_is_missing_when_the_turn_comes(office: Office, loses: str) -> None:
    vm = office.add_vm(f"gone-with-{loses}", OLD)
    with hanging(office, "Set-VM"):
        first = types(office, "ada", f"settings '{vm.name}' --type standard")
        change = types(office, "oncall", f"delete '{vm.name}' before-upgrade")
        change.asks("confirm")
        change.press("oncall", "confirm")
        wait(office, lambda: change.row.state == "queued")
        if loses == "the group":
            office.sandbox.change_group("vm-admins", ["ada"])
        else:
            office.sandbox.change_user("oncall", deleted=True)
        time.sleep(RECENT)

    first.ends("requested", "queued", "running", "succeeded")
    message = change.ends("requested", "awaiting", "queued", "denied")
    assert "Nothing was changed." in message.seen
    assert office.checkpoints(vm.name) == ["before-upgrade"]


# ---------------------------------------------------------------- cancel


def test_what_waits_for_its_turn_can_be_cancelled(office: Office) -> None:
    office.add_vm("turn01")
    with hanging(office, "Checkpoint-VM"):
        first = types(office, "ada", "turn01 first")
        second = types(office, "ada", "turn01 second")
        second.asks("cancel")
        second.press("ada", "cancel")
        second.ends("requested", "queued", "cancelled")

    first.ends("requested", "queued", "running", "succeeded")
    types(office, "ada", "turn01 third").ends("requested", "queued", "running", "succeeded")
    second.ends("requested", "queued", "cancelled")
    assert office.checkpoints("turn01") == ["first", "third"]


def test_what_runs_cannot_be_cut_off_and_says_so(office: Office) -> None:
    office.add_vm("turn02")
    with hanging(office, "Checkpoint-VM"):
        change = types(office, "ada", "turn02 first")
        wait(office, lambda: change.row.state == "running")

        answer = refused(office, "ada", lambda: change.press("ada", "cancel"))

    assert "cannot be cut off" in answer
    change.ends("requested", "queued", "running", "succeeded")
    assert office.checkpoints("turn02") == ["first"]


def test_nobody_else_cancels_what_waits_for_its_turn(office: Office) -> None:
    office.add_vm("web-turn")
    with hanging(office, "Checkpoint-VM"):
        first = types(office, "dev", "web-turn first")
        second = types(office, "dev", "web-turn second")
        wait(office, lambda: first.row.state == "running")
        second.asks("cancel")
        refused(office, "ada", lambda: second.press("ada", "cancel"))

    for change in (first, second):
        change.ends("requested", "queued", "running", "succeeded")
    assert office.checkpoints("web-turn") == ["first", "second"]


# ---------------------------------------------------------------- undo


def applied(office: Office, who: str, vm: str) -> Change:
    change = types(office, who, f"apply {vm} before-upgrade")
    change.asks("confirm")
    change.press(who, "confirm")
    change.ends(*CONFIRMED)
    return change


def test_undo_asks_with_a_card_of_its_own_and_puts_the_vm_back(office: Office) -> None:
    vm = office.add_vm("undo01", OLD)
    change = applied(office, "ada", "undo01")
    safety = vm.ordered()[-1]

    undo = asked(office, lambda: change.press("ada", "undo"))
    undo.asks("confirm")
    assert vm.parent_id != safety.id
    undo.press("ada", "confirm")

    undo.ends(*CONFIRMED)
    assert vm.parent_id == safety.id
    assert vm.state is VMState.RUNNING
    assert change.way == list(CONFIRMED)


def test_a_double_click_on_undo_asks_once(office: Office) -> None:
    office.add_vm("undo02", OLD)
    change = applied(office, "ada", "undo02")

    undo = asked(office, lambda: at_once(lambda: change.press("ada", "undo"), lambda: change.press("ada", "undo")))

    undo.asks("confirm")
    undo.press("ada", "cancel")
    undo.ends(*CANCELLED)


def test_undo_of_a_group_puts_each_vm_back_to_its_own(office: Office) -> None:
    vms = [office.add_vm(f"undo-g{n}", OLD) for n in range(3)]
    change = applied(office, "ada", ",".join(vm.name for vm in vms))
    safeties = [vm.ordered()[-1].id for vm in vms]

    undo = asked(office, lambda: change.press("ada", "undo"))
    undo.asks("confirm")
    undo.press("ada", "confirm")

    undo.ends(*CONFIRMED)
    assert [vm.parent_id for vm in vms] == safeties


@pytest.mark.parametrize("who", ["viewer", "dev", "guest", "newcomer"])
def test_undo_is_refused_to_who_could_not_apply(office: Office, who: str) -> None:
    vm = office.add_vm(f"undo-{who}", OLD)
    change = applied(office, "ada", vm.name)

    answer = refused(office, who, lambda: change.press(who, "undo"))

    assert "Nothing was changed." in answer
    assert office.newest_change().state == "denied"


# ---------------------------------------------------------------- void


def start_or_stop(office: Office, vm: SimulatedVM) -> None:
    power.stop(office.host("hv01"), vm.id)


def add_checkpoint(office: Office, vm: SimulatedVM) -> None:
    checkpoints.create(office.host("hv01"), vm.id, "by hand")


def rename_checkpoint(office: Office, vm: SimulatedVM) -> None:
    checkpoints.rename(office.host("hv01"), vm.ordered()[0].id, "another name")


def remove_checkpoint(office: Office, vm: SimulatedVM) -> None:
    checkpoints.remove(office.host("hv01"), vm.ordered()[-1].id)


def apply_another(office: Office, vm: SimulatedVM) -> None:
    checkpoints.apply(office.host("hv01"), vm.ordered()[1].id)


def move_to_hv02(office: Office, vm: SimulatedVM) -> None:
    move(vm.id, office.host("hv01"), office.host("hv02"))


MOVES = [
    (start_or_stop, VMState.RUNNING, "it was running and is off now"),
    (add_checkpoint, VMState.RUNNING, "there is a new checkpoint by hand"),
    (rename_checkpoint, VMState.RUNNING, "the checkpoint before-upgrade is called another name now"),
    (remove_checkpoint, VMState.RUNNING, "the checkpoint after-upgrade has gone"),
    (apply_another, VMState.OFF, "it was put back to between"),
    (move_to_hv02, VMState.RUNNING, "it moved from hv01 to hv02"),
]


@pytest.mark.parametrize(
    ("verb", "by_hand", "state", "told"), [(verb, *move) for verb in ("apply", "delete") for move in MOVES]
)
def test_what_moved_between_card_and_click_makes_it_void_and_can_be_asked_again(
    office: Office, verb: str, by_hand: Callable[[Office, SimulatedVM], None], state: VMState, told: str
) -> None:
    past = OLD, Past("between", 2 * DAY), Past("after-upgrade", DAY)
    vm = office.add_vm(f"void-{verb}-{by_hand.__name__}", *past, state=state)
    change = types(office, "ada", f"{verb} {vm.name} before-upgrade")
    change.asks("confirm")
    by_hand(office, vm)
    office.clock.forward(seconds=10)
    before = everything_on(office)

    change.press("ada", "confirm")

    message = change.ends(*VOID)
    assert told in message.seen
    assert "Nothing was changed." in message.seen
    assert message.buttons == ("Ask again",)
    assert everything_on(office) == before

    again = asked(office, lambda: change.press("ada", "again"))
    again.asks("confirm")
    again.press("ada", "confirm")
    again.ends(*CONFIRMED)


def test_of_a_group_what_moved_is_void_and_the_rest_is_done(office: Office) -> None:
    vms = [office.add_vm(f"void-g{n}", OLD) for n in range(4)]
    change = types(office, "ada", "create void-g* before-patches")
    change.asks("confirm")
    for vm in vms:
        assert f"{vm.name} is on hv01, running for 12 days" in change.message.seen
    start_or_stop(office, vms[0])
    office.clock.forward(seconds=10)

    change.press("ada", "confirm")

    message = change.ends("requested", "awaiting", "queued", "running", "failed")
    assert (
        "void-g0 is not as it was when you asked: it was running and is off now. Nothing was changed." in message.seen
    )
    assert [len(vm.checkpoints) for vm in vms] == [1, 2, 2, 2]

    again = asked(office, lambda: change.press("ada", "again"))
    again.ends("requested", "queued", "running", "succeeded")
    assert [len(vm.checkpoints) for vm in vms] == [2, 2, 2, 2]


def test_a_large_group_on_one_host_is_done_when_nothing_moved(office: Office) -> None:
    for number in range(6):
        office.add_vm(f"many{number:02}", OLD)
    change = types(office, "ada", "delete many* before-upgrade")
    change.asks("confirm")
    assert change.message.seen.count("running for 12 days: before-upgrade") == 6

    change.press("ada", "confirm")

    change.ends(*CONFIRMED)


@pytest.mark.parametrize(
    ("who", "told"), [("viewer", "No grant lets you apply"), ("dev", "none of the hosts that answer")]
)
def test_asking_again_is_for_those_who_could_ask(office: Office, who: str, told: str) -> None:
    vm = office.add_vm(f"void-{who}", OLD)
    change = types(office, "ada", f"apply {vm.name} before-upgrade")
    change.asks("confirm")
    add_checkpoint(office, vm)
    office.clock.forward(seconds=10)
    change.press("ada", "confirm")
    change.ends(*VOID)

    assert told in refused(office, who, lambda: change.press(who, "again"))


def test_what_has_gone_cannot_be_asked_for_again_and_says_so(office: Office) -> None:
    vm = office.add_vm("void02", OLD)
    change = types(office, "ada", "delete void02 before-upgrade")
    change.asks("confirm")
    remove_checkpoint(office, vm)
    office.clock.forward(seconds=10)
    change.press("ada", "confirm")
    change.ends(*VOID)

    answer = refused(office, "ada", lambda: change.press("ada", "again"))

    assert "That checkpoint of void02 has gone." in answer


def test_a_vm_that_got_another_name_is_out_of_reach_of_its_old_grants(office: Office) -> None:
    vm = office.add_vm("web-renamed", OLD)
    change = types(office, "dev", "apply web-renamed before-upgrade")
    change.asks("confirm")
    with office.host("hv01").moment():
        vm.name = "payroll"
    office.clock.forward(seconds=10)

    change.press("dev", "confirm")

    assert "it is called payroll now" in change.ends(*VOID).seen
    assert len(vm.checkpoints) == 1


def test_a_disk_that_grew_moves_nothing(office: Office) -> None:
    vm = office.add_vm("void01", OLD)
    change = types(office, "ada", "apply void01 before-upgrade")
    change.asks("confirm")
    host: SimulatedHost = office.host("hv01")
    with host.moment():
        file = host.storage.find(str(vm.drives[0].path))
        assert file is not None
        host.storage.resize(file, file.file_size + 1_000_000)

    change.press("ada", "confirm")

    change.ends(*CONFIRMED)

"""What the bot does not do: each time a sentence that says why, and hosts that are as they were before."""

from __future__ import annotations

import time

import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model import checkpoints
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.machines import Vss
from bot.people.identity import RECENT
from tests.support.office import Office
from tests.support.waiting import DEADLINE

NOTHING = "Nothing was changed."


@pytest.mark.parametrize(
    ("who", "text", "sentence", "why"),
    [
        ("viewer", "/checkpoint web01 x", "No grant lets you take checkpoints of web01", "no grant for create"),
        ("dev", "/checkpoint dc01 x", "I know no VM called dc01", "no grant lets them see"),
        ("newcomer", "/checkpoint web01 x", "No grant gives you anything here", "no grant"),
        ("newcomer", "/checkpoint list", "No grant gives you anything here", "no grant"),
        ("guest", "/checkpoint web01 x", "You are a guest in this workspace", "guest"),
        ("stranger", "/checkpoint web01 x", "You belong to another workspace", "of another workspace: T0FABRIKM"),
    ],
)
def test_who_may_not_is_told_so_and_it_is_in_the_ledger(
    office: Office, who: str, text: str, sentence: str, why: str
) -> None:
    with office.nothing_changes():
        answer = office.ask(who, text)

    assert sentence in answer
    assert (NOTHING in answer) is (text != "/checkpoint list"), "a question says nothing of it"
    row = office.newest_change()
    assert row.state == "denied"
    assert row.person_id == office.sandbox.workspace.user(who).id
    assert why in row.reason


def test_a_payload_from_another_workspace_is_refused_though_the_person_is_ours(office: Office) -> None:
    with office.nothing_changes():
        office.type("ada", "/checkpoint web01 x", team="T0FABRIKM", forged=True)
        office.wait_for_text("You belong to another workspace")

    assert office.newest_change().state == "denied"


def test_a_channel_shared_with_another_workspace_is_no_place_to_change_things(office: Office) -> None:
    office.channel = "partners"
    with office.nothing_changes():
        answer = office.ask("ada", "/checkpoint web01 x")

    assert "This channel is shared with another workspace" in answer
    assert office.newest_change().state == "denied"


def test_somebody_who_lost_their_place_while_the_card_stood_cannot_confirm(office: Office) -> None:
    office.add_vm("shop01", Past("before-upgrade", 3 * DAY))
    office.type("oncall", "/checkpoint apply shop01 before-upgrade")
    office.wait_for_text("Apply before-upgrade to shop01?")

    office.sandbox.change_group("vm-admins", ["ada"])
    time.sleep(RECENT)
    try:
        with office.nothing_changes():
            office.press("oncall", "Apply")
            office.wait_for_text("No grant", who="oncall")
    finally:
        office.sandbox.change_group("vm-admins", ["ada", "oncall"])


def test_nobody_confirms_what_another_asked_for(office: Office) -> None:
    office.add_vm("web11", Past("before-upgrade", 3 * DAY))
    office.type("dev", "/checkpoint apply web11 before-upgrade")

    with office.nothing_changes():
        office.press("ada", "Apply")
        office.wait_for_text("Only the person who asked may confirm this.")

    office.press("dev", "Apply")
    office.wait_for_text("web11 is back at before-upgrade")


@pytest.mark.parametrize(
    ("text", "sentence", "hint"),
    [
        ("/checkpoint dc10 x", "I know no VM called dc10.", "Did you mean dc01?"),
        ("/checkpoint test01 x", "test01 may be 2 VMs.", "Type the short id of one instead"),
        ("/checkpoint apply web01 nope", "web01 has no checkpoint called nope.", "/checkpoint list web01"),
        (
            "/checkpoint apply",
            "/checkpoint apply needs <vm>.",
            "Type /checkpoint apply <vm> <checkpoint>",
        ),
        ("/checkpoint lsit", "There is no command and no VM called lsit.", "Did you mean /checkpoint list?"),
        ("/checkpoint apply web01 nginx-1.27 --saftey", "has no option --saftey", "Did you mean --no-safety?"),
        ("/checkpoint keep web01 nginx-1.27 soon", "soon", "7d"),
        ("/checkpoint create web01 x --type gold", "gold", "production"),
        ("/checkpoint create dc01 x --type standard", "dc01 takes production checkpoints only", "holds memory"),
        ('/checkpoint web01 "no end', "A quote is opened and not closed.", "Put one at each end"),
    ],
)
def test_what_cannot_be_carried_out_says_what_to_type_instead(
    office: Office, text: str, sentence: str, hint: str
) -> None:
    asked_for = len(office.ledger.history.find(limit=500))

    with office.nothing_changes():
        answer = office.ask("ada", text)

    assert sentence in answer
    assert hint in answer
    assert NOTHING in answer
    assert len(office.ledger.history.find(limit=500)) == asked_for


def test_a_short_id_tells_two_vms_of_one_name_apart(office: Office) -> None:
    answer = office.ask("ada", "/checkpoint test01 which-one")
    other = next(vm for vm in office.host("hv02").all() if vm.name == "test01")
    assert other.id[:8] in answer

    office.type("ada", f"/checkpoint {other.id[:8]} which-one")

    office.wait_for_text("Took which-one of test01")
    assert "which-one" in office.checkpoints("test01", "hv02")
    assert office.checkpoints("test01", "hv01") == []


def test_a_host_that_does_not_answer_is_named_with_what_to_look_at(office: Office) -> None:
    office.add_vm("shop02", host="hv02")
    office.ask("ada", "/checkpoint list shop02")

    with office.down("hv02"), office.nothing_changes():
        answer = office.ask("ada", "/checkpoint shop02 x")

    assert "hv02 does not answer" in answer
    assert answer.count(NOTHING) == 1


def test_a_host_that_is_down_still_shows_what_was_seen_of_it(office: Office) -> None:
    office.ask("ada", "/checkpoint list")
    office.clock.forward(seconds=10)

    with office.down("hv02"):
        answer = office.ask("ada", "/checkpoint list")

    assert "build01 | hv02" in answer
    assert "hv02 could not be asked, shown as seen at" in answer


def test_a_host_that_shows_no_vm_at_all_is_none_without_vms(office: Office) -> None:
    """Its management service is down, or the account has no right to Hyper-V: to WinRM all is well with it."""
    causes = ("service (Hyper-V Virtual Machine Management) is down or just starting", "has no right to Hyper-V")
    office.arm(FaultKind.SERVICE_DOWN, times=None, host="hv02")
    office.restart()

    from_the_start = office.ask("ada", "/checkpoint hosts")
    digest = office.ask("ada", "/checkpoint digest")
    office.host("hv02").faults.disarm()
    office.clock.forward(seconds=10)
    office.ask("ada", "/checkpoint list")
    office.arm(FaultKind.SERVICE_DOWN, times=None, host="hv02")
    office.clock.forward(seconds=10)
    later, listed = office.ask("ada", "/checkpoint hosts"), office.ask("ada", "/checkpoint list")
    office.host("hv02").faults.disarm()
    office.clock.forward(seconds=10)

    row = next(line for line in from_the_start.splitlines() if line.startswith("hv02 |"))
    assert row.startswith("hv02 | no | never | 0 | 0 |")
    assert all(cause in row for cause in causes)
    assert "hv02 could not be asked. Its VMs are missing here." in digest
    assert "All is well" not in digest
    assert "hv02 | no | 1" in later, "its VMs are kept as they were seen, some seconds ago"
    assert "hv02 | no | never" not in later
    assert "build01 | hv02" in listed
    assert "hv02 could not be asked, shown as seen at" in listed


def test_a_checkpoint_that_went_while_the_card_stood_is_not_looked_for_by_name(office: Office) -> None:
    vm = office.add_vm("shop03", Past("same-name", 3 * DAY))
    office.type("ada", "/checkpoint apply shop03 same-name")
    office.wait_for_text("Apply same-name to shop03?")
    host = office.host("hv01")
    checkpoints.remove(host, vm.ordered()[0].id)
    host.all()
    checkpoints.create(host, vm.id, "same-name")
    host.all()

    with office.nothing_changes():
        office.press("ada", "Apply")
        card = office.wait_for_text("shop03 is not as it was when you asked")

    assert "the checkpoint same-name has gone" in card.seen
    assert office.newest_change().state == "void"


def test_a_production_checkpoint_that_falls_back_is_not_passed_over_in_silence(office: Office) -> None:
    office.add_vm("shop04").vss = Vss.FAILING

    office.type("ada", "/checkpoint shop04 quiet")

    message = office.wait_for_text("Took quiet of shop04")
    assert "as a standard checkpoint" in message.seen


def test_an_apply_whose_safety_checkpoint_fails_applies_nothing(office: Office) -> None:
    vm = office.add_vm("shop05", Past("before-upgrade", 3 * DAY))
    office.type("ada", "/checkpoint apply shop05 before-upgrade")
    office.wait_for_text("Apply before-upgrade to shop05?")
    office.host("hv01").faults.arm(Fault(FaultKind.DISK_FULL, "Checkpoint-VM"))

    with office.nothing_changes():
        office.press("ada", "Apply")
        message = office.wait_for_text("Apply before-upgrade to shop05: failed")

    assert "The safety checkpoint of shop05 could not be taken, so nothing was applied" in message.seen
    assert vm.running
    assert office.newest_change().state == "failed"


def test_a_lost_answer_is_settled_by_looking_and_nothing_is_sent_twice(office: Office) -> None:
    office.add_vm("shop06")
    ran = len(office.commands().seen("Checkpoint-VM"))
    office.host("hv01").faults.arm(Fault(FaultKind.RESET_BEFORE_ANSWER, "Checkpoint-VM"))

    office.type("ada", "/checkpoint shop06 once")

    office.wait_for_text("Took once of shop06")
    assert office.checkpoints("shop06") == ["once"]
    assert len(office.commands().seen("Checkpoint-VM")) == ran + 1


def test_a_message_that_slack_refuses_does_not_stop_the_change(office: Office) -> None:
    office.add_vm("shop07")
    office.sandbox.fail("chat.postMessage", error="internal_error", times=1)

    office.type("ada", "/checkpoint shop07 unseen")

    office.sandbox.wait_for(lambda: office.checkpoints("shop07") == ["unseen"] or None, DEADLINE)

"""How requests arrive: acknowledged first, done once, and one at a time on each VM."""

from __future__ import annotations

import time
from functools import partial

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.dispatch.desk import DOUBLE_CLICK
from bot.people.identity import RECENT
from tests.support.office import Office
from tests.support.waiting import DEADLINE

SHOWS = ("chat.postMessage", "chat.update", "chat.postEphemeral", "conversations.open", "views.publish")
"""The methods by which the bot says something."""


def test_the_acknowledgement_leaves_before_anybody_is_asked_anything(office: Office) -> None:
    vm = office.add_vm("shop01")
    log_before = len(office.sandbox.log())

    office.type("oncall", "/checkpoint shop01 x")  # nobody has looked this person up yet
    office.wait_for_text("Took x of shop01")

    lines = office.sandbox.log()[log_before:]
    kinds = [line["kind"] for line in lines]
    assert kinds[:2] == ["envelope", "ack"]
    assert "web_api" in kinds
    acked_at = float(lines[1]["ts"])
    looks = [one.at for one in office.commands().seen("Get-VM") if vm.id in str(one.parameters)]
    assert min(looks) > acked_at


def test_a_command_that_is_delivered_twice_is_done_once(office: Office) -> None:
    office.add_vm("shop02")

    outcome = office.type("ada", "/checkpoint shop02 once", times=2)
    office.wait_for_text("Took once of shop02")
    office.ask("ada", "/checkpoint whoami")

    assert outcome.acked
    assert [again.acked for again in outcome.again] == [True]
    assert office.checkpoints("shop02") == ["once"]
    assert [entry.summary for entry in office.ledger.history.find(text="once")] == ["take once of shop02"]


def test_a_press_that_is_delivered_twice_is_done_once(office: Office) -> None:
    office.add_vm("shop03", Past("before-upgrade", 3 * DAY))
    applied = len(office.commands().seen("Restore-VMSnapshot"))
    office.type("ada", "/checkpoint apply shop03 before-upgrade --no-safety")

    office.press("ada", "Apply", times=2)
    office.wait_for_text("shop03 is back at before-upgrade")
    office.ask("ada", "/checkpoint whoami")

    assert len(office.commands().seen("Restore-VMSnapshot")) == applied + 1


def test_two_clicks_on_a_card_apply_once(office: Office) -> None:
    office.add_vm("shop04", Past("before-upgrade", 3 * DAY))
    applied = len(office.commands().seen("Restore-VMSnapshot"))
    office.type("ada", "/checkpoint apply shop04 before-upgrade")
    card = office.wait_for_text("Apply before-upgrade to shop04?")
    button = next(e["action_id"] for _, e in card.elements() if e["text"]["text"] == "Apply")

    office.sandbox.press("ada", card, button)
    office.sandbox.press("ada", card, button)
    office.wait_for_text("shop04 is back at before-upgrade")
    office.ask("ada", "/checkpoint whoami")

    assert len(office.commands().seen("Restore-VMSnapshot")) == applied + 1
    (entry,) = office.ledger.history.find(text="shop04")
    events = [e.event for e in office.ledger.events.of(entry.change_id)]
    assert events.count("queued") == events.count("succeeded") == 1


def test_a_press_on_an_old_card_is_answered(office: Office) -> None:
    office.add_vm("shop05", Past("before-upgrade", 3 * DAY))
    office.type("ada", "/checkpoint apply shop05 before-upgrade")
    card = office.wait_for_text("Apply before-upgrade to shop05?")
    office.press("ada", "Cancel")
    office.wait_for_text("Apply before-upgrade to shop05: cancelled")

    with office.nothing_changes():
        office.sandbox.press("ada", card, "bot.confirm.0", forged=True)
        office.wait_for_text("This request is cancelled already.")


def test_a_forged_button_names_no_change(office: Office) -> None:
    office.type("ada", "/checkpoint apply web01 nginx-1.27")
    card = office.wait_for_text("Apply nginx-1.27 to web01?")

    with office.nothing_changes():
        office.sandbox.press("ada", card, "bot.confirm.0", value="no-such-change", forged=True)
        office.wait_for_text("This button belongs to no request that I know.")


def test_a_change_waits_for_the_one_before_it_on_the_same_vm_and_others_go_on(office: Office) -> None:
    office.add_vm("shop06")
    office.add_vm("shop07")
    faults = office.host("hv01").faults
    faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
    try:
        office.type("ada", "/checkpoint shop06 first")
        office.wait_for_text("Take first of shop06: running")
        office.type("ada", "/checkpoint shop06 second")
        office.wait_for_text("Take second of shop06: queued", "Waits for its turn.")

        office.type("ada", "/checkpoint shop07 overtakes")
        office.wait_for_text("Took overtakes of shop07")
        assert office.checkpoints("shop06") == []
    finally:
        faults.release()

    office.wait_for_text("Took second of shop06")
    assert office.checkpoints("shop06") == ["first", "second"]


def test_what_waits_for_its_turn_can_be_cancelled_and_what_is_under_way_cannot(office: Office) -> None:
    office.add_vm("shop08")
    faults = office.host("hv01").faults
    faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
    try:
        office.type("ada", "/checkpoint shop08 first")
        running = office.wait_for_text("Take first of shop08: running")
        office.type("ada", "/checkpoint shop08 second")
        office.press("ada", "Cancel", about="Take second of shop08: queued")
        office.wait_for_text("Take second of shop08: cancelled")

        change_id = office.ledger.history.find(text="first shop08")[0].change_id
        office.sandbox.press("ada", running, "bot.cancel.0", value=change_id, forged=True)
        office.wait_for_text("This change is under way on the host and cannot be cut off.")
    finally:
        faults.release()

    office.wait_for_text("Took first of shop08")
    assert office.checkpoints("shop08") == ["first"]


def test_a_message_that_slack_does_not_take_does_not_stop_the_change(office: Office) -> None:
    office.add_vm("shop09")
    office.sandbox.fail("chat.postMessage", error="internal_error", times=1)

    office.type("ada", "/checkpoint shop09 unseen")

    office.sandbox.wait_for(lambda: office.checkpoints("shop09") == ["unseen"], DEADLINE)


def test_a_broken_connection_to_slack_is_made_up_for_by_the_other(office: Office) -> None:
    office.add_vm("shop10")
    office.sandbox.drop_connection()

    assert office.type("ada", "/checkpoint shop10 still-here").acked

    office.wait_for_text("Took still-here of shop10")
    office.sandbox.wait_for_connections(2, DEADLINE)


def test_while_slack_lets_no_message_through_changes_go_on_and_whoever_asked_is_told(office: Office) -> None:
    office.add_vm("shop11", Past("before", DAY))
    for method in SHOWS:
        office.sandbox.fail(method, retry_after=3600, times=None)
    try:
        for name in ("first", "second"):
            office.type("ada", f"/checkpoint shop11 {name}")
        office.sandbox.wait_for(lambda: len(office.checkpoints("shop11")) == 3, DEADLINE)
    finally:
        office.sandbox.clear_faults()

    def told(name: str) -> list[str]:
        """In the channel, to her alone there or by direct message: whichever was the first that passed."""
        said = [one.seen for one in list(office.sandbox.state.messages.values())]
        return [text for text in said if f"Took {name} of shop11" in text]

    office.sandbox.wait_for(lambda: told("first") and told("second"), DEADLINE)
    assert [len(told(name)) for name in ("first", "second")] == [1, 1]
    assert sorted(office.checkpoints("shop11")) == ["before", "first", "second"]


def test_while_slack_answers_nothing_at_all_what_was_asked_for_waits_and_is_done_and_told_after(office: Office) -> None:
    office.add_vm("shop14", Past("before", DAY))
    office.type("ada", "/checkpoint shop14 known")
    office.wait_for_text("Took known of shop14")
    time.sleep(RECENT)
    for method in (*SHOWS, "users.info", "usergroups.users.list", "conversations.info"):
        office.sandbox.fail(method, retry_after=3600, times=None)
    try:
        for name in ("first", "second"):  # of two that are typed at once either may be first
            office.type("ada", f"/checkpoint shop14 {name}")
            office.sandbox.wait_for(partial(goes_on, office, name), DEADLINE)
        calls = len(office.sandbox.log("web_api"))
        office.sandbox.wait_for(lambda: refused(office, "users.info", calls), DEADLINE)
        assert office.checkpoints("shop14") == ["before", "known"]
    finally:
        office.sandbox.clear_faults()

    office.wait_for_text("Took first of shop14")
    office.wait_for_text("Took second of shop14")
    assert office.checkpoints("shop14") == ["before", "known", "first", "second"]


def goes_on(office: Office, name: str) -> bool:
    return any(f" {name} of " in row.summary for row in office.ledger.changes.unfinished())


def refused(office: Office, method: str, since: int) -> bool:
    return any(line["method"] == method for line in office.sandbox.log("web_api")[since:])


def test_while_slack_answers_no_question_what_it_said_lately_stands_and_everything_can_be_frozen(
    office: Office,
) -> None:
    office.add_vm("shop12", Past("before", DAY))
    office.type("ada", "/checkpoint apply shop12 before")
    office.wait_for_text("Apply before to shop12?")
    time.sleep(RECENT)
    for method in ("users.info", "usergroups.users.list"):
        office.sandbox.fail(method, retry_after=3600, times=None)
    try:
        office.press("ada", "Apply")
        office.wait_for_text("Slack did not tell me who you are")  # what lets something go is not taken on trust
        office.press("ada", "Cancel")
        office.wait_for_text("Apply before to shop12: cancelled")
        office.type("ada", "/checkpoint freeze somebody asks too much")
        office.wait_for_text("has frozen everything since")
        assert "before" in office.ask("ada", "/checkpoint list shop12")
    finally:
        office.sandbox.clear_faults()

    for who in ("ada", "oncall"):
        office.type(who, "/checkpoint freeze --lift")
        office.wait_for_text(f"{who} proposes to lift" if who == "ada" else "have lifted the freeze")


def test_presses_that_come_close_together_ask_slack_once(office: Office) -> None:
    office.add_vm("shop13", Past("before", DAY))
    office.type("ada", "/checkpoint apply shop13 before")
    card = office.wait_for_text("Apply before to shop13?")
    button = next(e["action_id"] for _, e in card.elements() if e["text"]["text"] == "Apply")
    time.sleep(RECENT)
    before = len(office.sandbox.log("web_api"))

    for who in ("oncall", "oncall", "oncall"):
        office.sandbox.press(who, card, button)
        time.sleep(DOUBLE_CLICK.total_seconds())
    office.wait_for_text("Only the person who asked may confirm this.", who="oncall")

    asked = [line["method"] for line in office.sandbox.log("web_api")[before:]]
    assert asked.count("usergroups.users.list") <= 2  # one for each group of the grants
    office.press("ada", "Cancel")
    office.wait_for_text("Apply before to shop13: cancelled")

"""From what people type to what is on the host afterwards, and what the ledger says of it."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType, VMState
from backends.simulator.fleets.seed import DAY, HOUR, Past
from tests.support.office import Office


def test_the_short_form_takes_a_checkpoint_and_says_so_in_the_channel(office: Office) -> None:
    office.add_vm("shop01")

    office.type("ada", "/checkpoint shop01 before-upgrade")

    message = office.wait_for_text("Took before-upgrade of shop01 (production)")
    assert message.ephemeral_to is None
    assert office.checkpoints("shop01") == ["before-upgrade"]
    row = office.newest_change()
    assert (row.verb, row.state, row.person_name) == ("create", "succeeded", "ada")
    assert [vm.name for vm in row.vms] == ["shop01"]


def test_what_was_said_of_a_checkpoint_can_be_read_later(office: Office) -> None:
    office.add_vm("shop02")
    office.type("ada", '/checkpoint create shop02 before-upgrade --keep 3d --note "kernel 6.12"')
    office.wait_for_text("Took before-upgrade of shop02")

    shown = office.ask("viewer", "/checkpoint show shop02 before-upgrade")

    for fact in ("kernel 6.12", "ada", "production", "Kept | until"):
        assert fact in shown


def test_typographic_quotes_and_dashes_of_a_phone_are_understood(office: Office) -> None:
    office.add_vm("shop03")

    office.type("ada", "/checkpoint create shop03 “before the upgrade” —note “from the train”")

    office.wait_for_text("Took before the upgrade of shop03")
    assert office.checkpoints("shop03") == ["before the upgrade"]


def test_a_type_that_is_asked_for_leaves_the_policy_of_the_vm_as_it_was(office: Office) -> None:
    office.add_vm("shop04", checkpoint_type=CheckpointType.PRODUCTION)

    office.type("ada", "/checkpoint create shop04 with-memory --type standard")

    office.wait_for_text("Took with-memory of shop04 (standard)")
    vm = office.vm("shop04")
    assert [one.has_memory for one in vm.ordered()] == [True]
    assert vm.checkpoint_type is CheckpointType.PRODUCTION


def test_an_apply_asks_first_and_says_what_will_be_lost(office: Office) -> None:
    office.add_vm("shop05", Past("before-upgrade", 3 * DAY), Past("after-upgrade", 1 * DAY))

    with office.nothing_changes():
        office.type("ada", "/checkpoint apply shop05 before-upgrade")
        card = office.wait_for_text("Apply before-upgrade to shop05?")

    assert "Everything written on shop05 since before-upgrade" in card.seen
    assert "3 days ago) will be lost" in card.seen
    assert "A safety checkpoint of the present state is taken first" in card.seen
    assert "shop05 keeps its 1 newer checkpoint" in card.seen
    assert card.buttons == ("Apply", "Cancel", "Take over")
    assert office.newest_change().state == "awaiting"


def test_where_much_is_lost_the_amount_comes_first_and_the_button_asks_again(office: Office) -> None:
    office.add_vm("shop16", Past("before-upgrade", 17 * DAY))

    office.type("ada", "/checkpoint apply shop16 before-upgrade")
    card = office.wait_for_text("Apply before-upgrade to shop16?")

    apply = next(element for _, element in card.elements() if element["text"]["text"] == "Apply")
    assert card.seen.splitlines()[1].startswith("🛑 17 days and ")
    assert apply["style"] == apply["confirm"]["style"] == "danger"
    assert apply["confirm"]["text"]["text"].startswith("17 days and ")


def test_an_apply_takes_a_safety_checkpoint_and_starts_the_vm_again(office: Office) -> None:
    office.add_vm("shop06", Past("before-upgrade", 3 * DAY))
    ran = len(office.commands().seen("Checkpoint-VM", "Restore-VMSnapshot", "Start-VM"))

    office.type("ada", "/checkpoint apply shop06 before-upgrade")
    office.press("ada", "Apply")

    message = office.wait_for_text("shop06 is back at before-upgrade, and is running.", "confirmed by ada")
    vm = office.vm("shop06")
    original, safety = vm.ordered()
    assert vm.state is VMState.RUNNING
    assert original.name == "before-upgrade"
    assert vm.parent_id == original.id
    assert safety.name.startswith("safety ")
    assert f"kept as {safety.name}" in message.seen
    done = [one.command for one in office.commands().seen("Checkpoint-VM", "Restore-VMSnapshot", "Start-VM")[ran:]]
    assert done == ["Checkpoint-VM", "Restore-VMSnapshot", "Start-VM"]
    note = office.ledger.checkpoints.notes([safety.id])[safety.id]
    assert note.safety
    assert note.keep_until is not None
    row = office.newest_change()
    assert (row.state, row.decided_by) == ("succeeded", "U0ADA0001")


def test_a_checkpoint_with_memory_is_applied_without_a_restart_of_the_guest(office: Office) -> None:
    office.add_vm("shop07", Past("with-memory", 2 * HOUR, has_memory=True))

    office.type("ada", "/checkpoint apply shop07 with-memory --no-safety")
    office.press("ada", "Apply")

    office.wait_for_text("shop07 is back at with-memory, and is running.")
    assert office.checkpoints("shop07") == ["with-memory"]


def test_an_apply_can_be_undone_with_the_button_on_its_result(office: Office) -> None:
    office.add_vm("shop08", Past("before-upgrade", 3 * DAY))
    office.type("ada", "/checkpoint apply shop08 before-upgrade")
    office.press("ada", "Apply")
    office.wait_for_text("shop08 is back at before-upgrade")
    safety = office.vm("shop08").ordered()[-1]

    office.press("ada", "Undo")
    office.press("ada", "Apply", about=safety.name)

    office.wait_for_text(f"shop08 is back at {safety.name}")
    assert office.vm("shop08").parent_id == safety.id


def test_cancel_leaves_everything_as_it_was(office: Office) -> None:
    office.add_vm("shop09", Past("before-upgrade", 3 * DAY))

    with office.nothing_changes():
        office.type("ada", "/checkpoint apply shop09 before-upgrade")
        office.press("ada", "Cancel")
        office.wait_for_text("Apply before-upgrade to shop09: cancelled", "Nothing was changed.")

    row = office.newest_change()
    assert (row.state, row.decided_by) == ("cancelled", "U0ADA0001")


def test_a_delete_asks_first_and_removes_exactly_that_checkpoint(office: Office) -> None:
    office.add_vm("shop10", Past("first", 5 * DAY), Past("second", 3 * DAY), Past("third", 1 * DAY))

    office.type("ada", "/checkpoint delete shop10 second")
    card = office.wait_for_text("Delete second of shop10?")
    assert "The 1 checkpoint under it will still be there." in card.seen
    office.press("ada", "Delete")

    office.wait_for_text("Deleted second of shop10.")
    assert office.checkpoints("shop10") == ["first", "third"]


def test_several_vms_are_changed_by_one_command(office: Office) -> None:
    office.add_vm("shop11")
    office.add_vm("shop12")

    office.type("ada", "/checkpoint shop11,shop12 both")

    office.wait_for_text("Took both of shop11", "Took both of shop12")
    assert office.checkpoints("shop11") == office.checkpoints("shop12") == ["both"]


def test_more_than_three_vms_are_asked_about_whatever_the_verb(office: Office) -> None:
    for number in range(4):
        office.add_vm(f"farm{number}")

    office.type("ada", "/checkpoint farm* all-of-them")
    office.press("ada", "Create")

    office.wait_for_text(*(f"Took all-of-them of farm{number}" for number in range(4)))
    assert all(office.checkpoints(f"farm{number}") == ["all-of-them"] for number in range(4))


def test_a_host_behind_basic_over_plain_http_is_reached_too(office: Office) -> None:
    office.add_vm("plain01", Past("before-upgrade", 3 * DAY), host="hv02")

    office.type("ada", "/checkpoint apply plain01 before-upgrade")
    office.press("ada", "Apply")

    office.wait_for_text("plain01 is back at before-upgrade, and is running.")
    assert office.checkpoints("plain01", "hv02")[0] == "before-upgrade"


def test_renaming_keeping_and_settings_act_at_once(office: Office) -> None:
    office.add_vm("shop13", Past("before-upgrade", 3 * DAY))

    office.type("ada", "/checkpoint rename shop13 before-upgrade before-the-second-try")
    office.wait_for_text("is called before-the-second-try now")
    office.type("ada", "/checkpoint keep shop13 before-the-second-try forever")
    office.wait_for_text("is kept forever")
    office.type("ada", "/checkpoint settings shop13 --automatic on")
    office.wait_for_text("automatic ones are on")

    vm = office.vm("shop13")
    (checkpoint,) = vm.ordered()
    assert checkpoint.name == "before-the-second-try"
    assert office.ledger.checkpoints.notes([checkpoint.id])[checkpoint.id].pinned
    assert vm.automatic_checkpoints


def test_to_shorten_what_another_keeps_is_asked_about_and_told_to_them(office: Office) -> None:
    office.add_vm("web13", Past("golden", 3 * DAY))
    office.type("ada", "/checkpoint keep web13 golden forever")
    office.wait_for_text("golden of web13 is kept forever.")

    office.type("dev", "/checkpoint keep web13 golden 7d")
    assert "ada wants golden of web13 forever: this is shorter." in office.wait_for_text("?", "open until").seen
    office.press("dev", "Keep")

    office.wait_for_text("golden of web13 is kept until")
    direct = f"@{office.sandbox.workspace.app.bot_name}"
    news = office.sandbox.wait_for(lambda: [one.seen for one in office.sandbox.messages(direct, user="ada")])
    assert "dev has changed what you wanted to keep. golden of web13 is kept until" in news[-1]


def test_a_name_with_brackets_acts_on_that_checkpoint_alone(office: Office) -> None:
    office.add_vm("lab[1]", Past("start [1]", 3 * DAY), Past("start 1", 2 * DAY))

    office.type("ada", '/checkpoint delete lab[1] "start [1]"')
    office.press("ada", "Delete")

    office.wait_for_text("Deleted start [1] of lab[1].")
    assert office.checkpoints("lab[1]") == ["start 1"]


class TestTheDigest:
    def test_it_lists_the_stale_checkpoints_of_its_channel_only(self, office: Office) -> None:
        office.channel = "web-team"

        digest = office.ask("dev", "/checkpoint digest")

        for stale in ("web01: before-december-patches", "web01: nginx-1.27", "web02: before-december-patches"):
            assert stale in digest
        assert "build01" not in digest
        assert "3 stale checkpoints" in digest

    def test_its_buttons_meet_the_same_questions_as_typed_commands(self, office: Office) -> None:
        office.add_vm("old01", Past("first", 30 * DAY), Past("second", 20 * DAY))
        office.channel = "general"
        office.ask("ada", "/checkpoint digest")

        office.press_beside("ada", "Delete", "old01: second")
        card = office.wait_for_text("Delete second of old01?")
        assert "20 days ago) of old01 cannot be had back" in card.seen
        office.press("ada", "Delete", about="Delete second of old01?")

        office.wait_for_text("Deleted second of old01.")
        assert office.checkpoints("old01") == ["first"]

    def test_keep_seven_days_takes_a_checkpoint_off_the_next_digest(self, office: Office) -> None:
        office.add_vm("old02", Past("still-needed", 30 * DAY))
        office.channel = "general"
        assert "old02: still-needed" in office.ask("ada", "/checkpoint digest")

        office.press_beside("ada", "Keep 7 days", "old02: still-needed")
        office.wait_for_text("still-needed of old02 is kept until")

        assert "old02: still-needed" not in office.ask("ada", "/checkpoint digest")

    def test_its_buttons_do_nothing_for_those_who_may_not(self, office: Office) -> None:
        office.add_vm("old03", Past("not-yours", 30 * DAY))
        office.channel = "general"
        office.ask("ada", "/checkpoint digest --share")

        with office.nothing_changes():
            office.press_beside("viewer", "Delete", "old03: not-yours")
            office.wait_for_text("No grant lets you delete checkpoints of old03", who="viewer")

        row = office.newest_change()
        assert (row.state, row.person_name) == ("denied", "viewer")

    def test_it_is_seen_by_one_alone_also_in_its_channel_and_by_all_where_it_is_shared(self, office: Office) -> None:
        office.channel = "general"
        office.ask("viewer", "/checkpoint digest")
        assert office.seen_by("viewer")[-1].ephemeral_to is not None

        office.ask("viewer", "/checkpoint digest --share")
        assert office.seen_by("viewer")[-1].ephemeral_to is None


class TestAnswers:
    def test_the_tree_of_a_vm_shows_where_it_is(self, office: Office) -> None:
        tree = office.ask("viewer", "/checkpoint list web01")

        assert tree.index("before-december-patches") < tree.index("nginx-1.27") < tree.index("you are here")

    def test_many_vms_are_a_table(self, office: Office) -> None:
        table = office.ask("viewer", "/checkpoint list web*")

        assert "web01 | hv01 | running | 2" in table
        assert "web02 | hv01 | running | 1" in table

    def test_history_tells_who_did_what(self, office: Office) -> None:
        office.add_vm("shop14")
        office.type("ada", "/checkpoint shop14 remembered")
        office.wait_for_text("Took remembered of shop14")

        history = office.ask("viewer", "/checkpoint history shop14")

        assert "take remembered of shop14" in history
        assert "ada" in history
        assert "succeeded" in history

    @pytest.mark.parametrize(("who", "role"), [("ada", "owner"), ("dev", "web*"), ("viewer", "view")])
    def test_whoami_tells_what_one_may_do(self, office: Office, who: str, role: str) -> None:
        answer = office.ask(who, "/checkpoint whoami")

        assert who in answer
        assert role in answer

    @pytest.mark.parametrize("text", ["/checkpoint help", "/checkpoint --help"])
    def test_help_shows_the_short_form_first(self, office: Office, text: str) -> None:
        assert "/checkpoint web01 before-upgrade takes a checkpoint of web01" in office.ask("ada", text)

    def test_help_with_a_command_shows_its_options(self, office: Office) -> None:
        answer = office.ask("ada", "/checkpoint help apply")

        assert "--no-safety" in answer
        assert "--no-start" in answer

    def test_answers_are_seen_by_the_person_who_asked_alone(self, office: Office) -> None:
        office.ask("viewer", "/checkpoint list web01")

        assert office.seen_by("viewer")[-1].ephemeral_to == "U0VIEWER1"
        assert office.seen_by("ada") == []

    def test_hosts_tells_which_hosts_answer(self, office: Office) -> None:
        answer = office.ask("ada", "/checkpoint hosts")

        assert "hv01 | yes" in answer
        assert "hv02 | yes" in answer

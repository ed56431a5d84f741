"""The desk: who is let in, what they typed or pressed, and that every request gets one answer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.dispatch.requests import change_id_of
from bot.ledger import ChangeState
from bot.messages import MessageRef
from commands.base import Button
from tests.support.headquarters import BOB, CHANNEL, EVE, GUEST, SHARED, Headquarters, buttons, wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
        open_headquarters.add_vm("web01")
        open_headquarters.add_vm("app01")
        yield open_headquarters


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.board.whispers.clear()
    return shared


class TestAnswers:
    def test_are_whispered(self, hq: Headquarters) -> None:
        posts = len(hq.board.shown)

        hq.type("whoami")

        assert "ada (U0ADA)" in hq.told()
        assert len(hq.board.shown) == posts

    def test_that_are_shared_are_posted(self, hq: Headquarters) -> None:
        hq.type("digest")

        assert "Checkpoint digest" in hq.board.texts[-1]
        assert hq.board.whispers == []

    def test_to_what_cannot_be_carried_out_say_what_to_type(self, hq: Headquarters) -> None:
        hq.type("aply web01 x")

        assert "/checkpoint apply" in hq.told()
        assert "Nothing was changed." in hq.told()

    def test_to_what_a_host_refuses_say_it_once(self, hq: Headquarters) -> None:
        hq.type("list app01")
        hq.hosts["hv01"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
        try:
            hq.type("app01 x")
        finally:
            hq.hosts["hv01"].faults.disarm()

        assert hq.told().count("Nothing was changed.") == 1


class TestRefusals:
    @pytest.mark.parametrize(
        ("who", "name", "text", "sentence", "why"),
        [
            (GUEST, "gus", "list", "You are a guest", "guest"),
            (EVE, "eve", "web01 x", "No grant lets you take checkpoints of web01", "no grant for create"),
            (EVE, "eve", "app01 x", "No grant lets you see app01", "No grant lets you see app01"),
            ("U0NOBODY", "U0NOBODY", "list", "Slack did not tell me who you are", "look-up failed"),
            ("<@U1>", "<@U1>", "list", "I cannot tell who you are", "malformed"),
        ],
    )
    def test_are_whispered_and_in_the_ledger(
        self, hq: Headquarters, who: str, name: str, text: str, sentence: str, why: str
    ) -> None:
        hq.type(text, who=who)

        assert sentence in hq.told()
        row = hq.newest()
        assert (row.state, row.person_id) == (ChangeState.DENIED, who)
        assert row.person_name == name
        assert why in row.reason

    def test_of_another_workspace_are_by_the_payload_too(self, hq: Headquarters) -> None:
        hq.type("list", team="T0ELSEWHERE")

        assert "You belong to another workspace" in hq.told()

    def test_in_a_shared_channel_are_of_changes_and_not_of_questions(self, hq: Headquarters) -> None:
        hq.type("whoami", channel=SHARED)
        assert "ada" in hq.told()

        hq.add_vm("app02")
        hq.type("app02 x", channel=SHARED)
        assert "This channel is shared with another workspace" in hq.told()


class TestDeliveries:
    def test_of_one_trigger_are_one_request(self, hq: Headquarters) -> None:
        seen = hq.add_vm("app03")

        for _ in range(3):
            hq.type("app03 once", delivery="the-same")

        hq.wait_for(ChangeState.SUCCEEDED)
        assert len(hq.look(seen.vm.id).checkpoints) == 1

    def test_of_one_trigger_are_answered_once(self, hq: Headquarters) -> None:
        for _ in range(2):
            hq.type("whoami", delivery="the-same-question")
        for _ in range(2):
            hq.press(Button("Format", "format", "C:"), None, delivery="the-same-press")
            hq.clock.forward(minutes=1)

        assert len(hq.board.whispers) == 2

    def test_that_come_again_after_a_restart_find_the_change(self, hq: Headquarters) -> None:
        seen = hq.add_vm("app04")
        hq.type("app04 once", delivery="before-the-restart")
        row = hq.wait_for(ChangeState.SUCCEEDED)

        hq.stop()
        hq.start()
        hq.type("app04 once", delivery="before-the-restart")

        assert hq.newest().id == row.id == change_id_of("before-the-restart")
        assert len(hq.look(seen.vm.id).checkpoints) == 1

    def test_make_the_same_change_id_each_time(self) -> None:
        assert change_id_of("a") == change_id_of("a") != change_id_of("b")
        uuid.UUID(change_id_of("a"))


class TestButtons:
    def test_of_a_card_are_for_who_asked(self, hq: Headquarters) -> None:
        hq.add_vm("app05", Past("first", DAY))
        hq.type("apply app05 first")
        row = hq.wait_for(ChangeState.AWAITING)

        hq.press(hq.button(row, "Apply"), row.message, who=BOB)
        assert "Only the person who asked may confirm this." in hq.told()
        refused = hq.newest()
        assert refused.summary == f"press confirm on change {row.id[:8]}: apply first to app05"
        assert [vm.name for vm in refused.vms] == ["app05"]

        hq.press(hq.button(row, "Apply"), row.message)
        hq.wait_for(ChangeState.SUCCEEDED, row)

    def test_of_a_card_count_only_in_its_own_message(self, hq: Headquarters) -> None:
        hq.add_vm("app06", Past("first", DAY))
        hq.type("apply app06 first")
        row = hq.wait_for(ChangeState.AWAITING)

        hq.press(hq.button(row, "Apply"), MessageRef(CHANNEL, "1600000000.000000"))

        assert "This button belongs to no request that I know." in hq.told()
        assert hq.newest().state is ChangeState.AWAITING

    def test_of_a_card_that_is_not_in_the_channel_yet_count_only_where_it_was_asked_for(self, hq: Headquarters) -> None:
        hq.add_vm("unseen01", Past("first", DAY))
        hq.board.out_of_order = True
        try:
            hq.type("delete unseen01 first")
            row = wait_until(lambda: hq.newest() if hq.newest().state is ChangeState.AWAITING else None)
        finally:
            hq.board.out_of_order = False

        hq.press_elsewhere(Button("Delete", "confirm", row.id))

        assert "This button belongs to no request that I know." in hq.told()
        assert hq.wait_for(ChangeState.AWAITING, row)

    def test_that_are_pressed_again_are_told_how_it_stands(self, hq: Headquarters) -> None:
        hq.add_vm("app07", Past("first", DAY))
        hq.type("apply app07 first")
        row = hq.wait_for(ChangeState.AWAITING)
        button = hq.button(row, "Cancel")
        hq.press(button, row.message)
        hq.wait_for(ChangeState.CANCELLED)

        hq.clock.forward(seconds=1)
        hq.press(button, row.message)

        assert "This request is cancelled already." in hq.told()

    def test_of_a_digest_are_the_typed_command(self, hq: Headquarters) -> None:
        seen = hq.add_vm("old01", Past("long-ago", 30 * DAY))
        hq.type("digest")
        ref, digest = list(hq.board.shown.items())[-1]
        delete, keep = [b for b in buttons(digest) if b.value == seen.checkpoints[0].id]

        hq.press(keep, ref)
        assert hq.wait_for(ChangeState.SUCCEEDED).verb == "keep"
        hq.press(delete, ref)
        assert hq.wait_for(ChangeState.AWAITING).summary == "delete long-ago of old01"

    def test_of_a_checkpoint_that_has_gone_say_so(self, hq: Headquarters) -> None:
        hq.press(Button("Delete", "delete", str(uuid.uuid4())), None)

        assert "That checkpoint has gone." in hq.told()

    def test_that_put_an_apply_back_ask_first(self, hq: Headquarters) -> None:
        hq.add_vm("app08", Past("first", DAY))
        hq.type("apply app08 first")
        row = hq.wait_for(ChangeState.AWAITING)
        hq.press(hq.button(row, "Apply"), row.message)
        done = hq.wait_for(ChangeState.SUCCEEDED)
        undo = wait_until(lambda: next((b for b in buttons(hq.message(done)) if b.label == "Undo"), None))
        assert undo is not None

        hq.press(undo, done.message)

        assert hq.wait_for(ChangeState.AWAITING).summary.startswith("apply safety ")

    def test_that_put_a_group_back_ask_about_each_of_its_vms(self, hq: Headquarters) -> None:
        for name in ("pair1", "pair2"):
            hq.add_vm(name, Past("first", DAY))
        hq.type("apply pair1,pair2 first")
        row = hq.wait_for(ChangeState.AWAITING)
        hq.press(hq.button(row, "Apply"), row.message)
        done = hq.wait_for(ChangeState.SUCCEEDED)

        hq.press(hq.button(done, "Undo"), done.message)

        asked = hq.wait_for(ChangeState.AWAITING)
        assert asked.verb == "apply"
        assert {vm.name for vm in asked.vms} == {"pair1", "pair2"}
        assert asked.plan is not None
        assert all(str(t.checkpoint_name).startswith("safety ") for t in asked.plan.targets)

    def test_that_are_double_clicked_ask_once(self, hq: Headquarters) -> None:
        seen = hq.add_vm("old02", Past("long-ago", 30 * DAY))
        hq.type("list old02")
        delete = Button("Delete", "delete", seen.checkpoints[0].id)
        hq.press(delete, None)
        asked = hq.wait_for(ChangeState.AWAITING)

        hq.press(delete, None)
        assert hq.newest().id == asked.id

        hq.clock.forward(seconds=1)
        hq.press(delete, None)
        assert hq.newest().id != asked.id

    def test_of_a_card_count_only_with_the_message_that_they_stand_in(self, hq: Headquarters) -> None:
        hq.add_vm("app09", Past("first", DAY))
        hq.type("apply app09 first")
        row = hq.wait_for(ChangeState.AWAITING)

        hq.press(hq.button(row, "Apply"), None)

        assert "This button belongs to no request that I know." in hq.told()
        assert hq.newest().state is ChangeState.AWAITING

    def test_that_nobody_made_are_not_known(self, hq: Headquarters) -> None:
        hq.press(Button("Format", "format", "C:"), None)

        assert "I do not know this button." in hq.told()

    def test_of_no_change_at_all_are_refused(self, hq: Headquarters) -> None:
        for action in ("confirm", "cancel", "approve", "undo", "again"):
            hq.press(Button("?", action, "no-such-change"), None)
            assert "This button belongs to no request that I know." in hq.told()

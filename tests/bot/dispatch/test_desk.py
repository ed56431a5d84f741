"""The desk: who is let in, what they typed or pressed, and that every request gets one answer."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator

import pytest

from backends.simulator.model.faults import Fault, FaultKind
from bot.dispatch.refusals import EACH
from bot.dispatch.requests import change_id_of
from bot.ledger import ChangeState
from commands.base import Button
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, EVE, GUEST, SHARED


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
        hq.type("digest --share")

        assert "Checkpoint digest" in hq.board.texts[-1]
        assert hq.board.whispers == []

    def test_of_a_digest_are_whispered_also_where_it_is_posted_daily(self, hq: Headquarters) -> None:
        posts = len(hq.board.shown)

        hq.type("digest")

        assert "Checkpoint digest" in hq.told()
        assert len(hq.board.shown) == posts

    def test_to_a_question_do_not_say_that_nothing_was_changed(self, hq: Headquarters) -> None:
        hq.type("show nosuch01 x")

        assert "I know no VM called nosuch01." in hq.told()
        assert "Nothing was changed." not in hq.told()

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
            (EVE, "eve", "app01 x", "I know no VM called app01", "no grant lets them see"),
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

    def test_of_an_answer_that_strangers_would_read_are_whispered(self, hq: Headquarters) -> None:
        posts = len(hq.board.shown)

        hq.type("list --share", channel=SHARED)

        assert "Not shown to the channel" in hq.told()
        assert len(hq.board.shown) == posts

    def test_in_a_shared_channel_are_of_changes_and_not_of_questions(self, hq: Headquarters) -> None:
        hq.type("whoami", channel=SHARED)
        assert "ada" in hq.told()

        hq.add_vm("app02")
        hq.type("app02 x", channel=SHARED)
        assert "This channel is shared with another workspace" in hq.told()

    def test_that_would_show_the_fleet_to_strangers_are_for_the_person_alone(self, hq: Headquarters) -> None:
        posts = len(hq.board.shown)

        hq.type("list --share", channel=SHARED)

        assert "Not shown to the channel" in hq.told()
        assert len(hq.board.shown) == posts

    def test_of_one_person_are_counted_where_they_are_many(self, hq: Headquarters) -> None:
        for _ in range(EACH + 5):
            hq.type("list", who=GUEST)
        recorded = len(hq.ledger.history.find(person=GUEST, limit=100))
        hq.clock.forward(hours=2)
        hq.type("list", who=GUEST)

        assert recorded <= EACH
        assert "more refusals before" in hq.newest().reason

    def test_of_changes_are_counted_too(self, hq: Headquarters) -> None:
        hq.clock.forward(hours=2)
        for number in range(EACH + 5):
            hq.type(f"web01 flood{number}", who=EVE)

        assert "No grant lets you take checkpoints of" in hq.told()
        assert len(hq.ledger.history.find(person=EVE, text="flood", limit=100)) == EACH


class TestTheSameAtTheSameTime:
    def test_is_done_once_and_the_others_are_told(self, hq: Headquarters) -> None:
        seen = hq.add_vm("twin01")
        threads = [
            threading.Thread(target=hq.type, args=("twin01 same",), kwargs={"who": who}) for who in (ADA, ADA, BOB)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        hq.wait_for(ChangeState.SUCCEEDED)
        assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["same"]
        told = [one.text for one in hq.board.whispers]
        assert len(told) == 2
        assert all("asked for the same just now" in text for text in told)

    def test_a_group_that_shares_some_vms_with_the_one_before_takes_the_others(self, hq: Headquarters) -> None:
        for vm in ("over01", "over02", "over03"):
            hq.add_vm(vm)

        hq.type("create over01,over02 same")
        hq.type("create over02,over03 Same", who=BOB)

        vms = ("over01", "over02", "over03")
        taken = [hq.board.pulse.wait_for(lambda vm=vm: hq.checkpoints(vm)) for vm in vms]
        assert taken == [["same"], ["same"], ["Same"]]
        assert hq.newest().summary == "take Same of over03"
        assert "ada has asked for the same of over02 just now, so it is done once there." in hq.told()

    def test_is_not_held_up_by_a_refusal(self, hq: Headquarters) -> None:
        seen = hq.add_vm("web02")
        hq.type("web02 same", who=EVE)
        hq.type("web02 same")

        hq.wait_for(ChangeState.SUCCEEDED)
        assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["same"]


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

"""Buttons: what each means, where it counts, and who may press it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeState
from bot.messages import MessageRef
from commands.base import Button, CheckpointNote
from tests.support.board import buttons
from tests.support.headquarters import Headquarters
from tests.support.people import BOB, CHANNEL, EVE
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
        yield open_headquarters


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.board.whispers.clear()
    return shared


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

    def test_of_a_page_run_the_question_and_nothing_else(self, hq: Headquarters) -> None:
        seen = hq.add_vm("pages01", Past("first", DAY))
        hq.press(Button("Next", "page", "/checkpoint list pages01 --page 1"), None)
        assert "pages01 on hv01" in hq.told()
        before = hq.ledger.history.find(limit=1)

        for value in ("", "/checkpoint delete pages01 first", "/checkpoint", '/checkpoint "'):
            hq.press(Button("Next", "page", value), None)
            assert "Nothing was changed." in hq.told() or "quote" in hq.told(), value
        hq.press(Button("Show", "list", ""), None, chosen=(seen.vm.id,))
        assert "pages01 on hv01" in hq.told()
        hq.press(Button("Show", "list", ""), None)
        assert "Nothing is chosen." in hq.told()
        assert hq.ledger.history.find(limit=1) == before

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
        hq.type("digest --share")
        ref, digest = list(hq.board.shown.items())[-1]
        keep, _, _, delete = [b for b in buttons(digest) if b.value == seen.checkpoints[0].id]

        hq.press(keep, ref)
        assert hq.wait_for(ChangeState.SUCCEEDED).verb == "keep"
        hq.press(delete, ref)
        assert hq.wait_for(ChangeState.AWAITING).summary == "delete long-ago of old01"

    def test_that_claim_make_a_checkpoint_the_pressers(self, hq: Headquarters) -> None:
        seen = hq.add_vm("app10", Past("elsewhere", DAY))
        hq.type("list app10")
        (claim,) = [b for b in buttons(hq.board.whispers[-1]) if b.action == "form-claim"]

        hq.press(claim, None, who=BOB)

        done = hq.wait_for(ChangeState.SUCCEEDED)
        assert (done.summary, done.result) == ("claim elsewhere of app10", "elsewhere of app10 is bob's from now on.")
        assert hq.ledger.checkpoints.notes([seen.checkpoints[0].id])[seen.checkpoints[0].id].owner == BOB
        hq.type("list --mine", who=BOB)
        assert "elsewhere" in hq.told()
        hq.people.deactivate(BOB)
        try:
            hq.type("list --unclaimed")
            assert "unclaimed: bob has left" in hq.told()
        finally:
            hq.people.deactivate(BOB, deleted=False)

    def test_that_keep_for_good_are_the_typed_command(self, hq: Headquarters) -> None:
        seen = hq.add_vm("app11", Past("golden", DAY))

        hq.press(Button("Keep for good", "pin", seen.checkpoints[0].id), None)

        assert hq.wait_for(ChangeState.SUCCEEDED).summary == "keep golden of app11 forever"

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

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("create eves1,web09 without-web09", "No grant lets you take checkpoints of web09"),
            ("create eves2,nosuch without-nosuch", "I know no VM called nosuch."),
        ],
    )
    def test_that_go_on_with_the_rest_of_a_group_meet_the_gate(self, hq: Headquarters, text: str, why: str) -> None:
        for name in text.split()[1].replace("nosuch", "web10").split(","):
            hq.add_vm(name)
        hq.type(text, who=EVE)
        refusal = hq.board.whispers[-1]
        assert why in refusal.text
        (rest,) = buttons(refusal)
        assert rest.label == "Go on with the rest"

        hq.press(rest, None, who=BOB)
        assert "This offer was made too long ago." in hq.told(), "it was not made to him"
        hq.press(rest, None, who=EVE)

        done = hq.wait_for(ChangeState.SUCCEEDED)
        assert (done.person_id, done.summary) == (EVE, f"take {text.rsplit(maxsplit=1)[-1]} of {text[7:12]}")

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


def kept(hq: Headquarters, id: str) -> CheckpointNote:
    return hq.ledger.checkpoints.notes([id]).get(id, CheckpointNote())


class TestSeveralThatAreChosen:
    def test_are_each_a_command_of_its_own(self, hq: Headquarters) -> None:
        for n in (1, 2):
            hq.add_vm(f"mine{n}", Past("old", 30 * DAY))
        hq.type("list mine1")
        ids = [one.checkpoints[0].id for one in hq.core.inventory.seen() if one.vm.name in ("mine1", "mine2")]

        hq.press(Button("Keep 7 days", "keep", ""), None, chosen=(*ids, "gone"))

        wait_until(lambda: all(kept(hq, id).keep_until for id in ids))
        assert "That checkpoint has gone." in hq.told()

    def test_must_be_at_least_one(self, hq: Headquarters) -> None:
        hq.press(Button("Delete", "delete", ""), None)

        assert "Nothing is chosen." in hq.told()

    def test_keep_for_good_is_kept_forever(self, hq: Headquarters) -> None:
        hq.add_vm("golden1", Past("golden", 30 * DAY))
        hq.type("list golden1")
        (id,) = (one.checkpoints[0].id for one in hq.core.inventory.seen() if one.vm.name == "golden1")

        hq.press(Button("Keep for good", "pin", id), None)

        wait_until(lambda: kept(hq, id).pinned)

    def test_all_of_mine_is_the_digests_own_question(self, hq: Headquarters) -> None:
        hq.press(Button("All of mine …", "mine", ""), None)

        assert "Nothing of yours is stale" in hq.told()

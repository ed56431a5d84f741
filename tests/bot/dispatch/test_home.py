"""The Home tab, and the small forms that it opens, through the app's listeners."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.dispatch.home import until
from bot.dispatch.views import Alert, Choice, Conversation
from bot.ledger import ChangeState
from commands.base import CheckpointNote, Item, Paragraph, unmarked
from tests.support.board import buttons
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, CHANNEL, EVE, GUEST
from tests.support.settings import owners


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as opened:
        for vm in ("web01", "sql01", "eves01"):
            opened.add_vm(vm)
        opened.type("web01 mine")
        opened.wait_for(ChangeState.SUCCEEDED)
        opened.core.inventory.refresh(disks=True)
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    return FrontDoor(hq)


def home(door: FrontDoor, who: str = ADA) -> str:
    door.open_home(who=who)
    return unmarked(door.hq.screens.homes[who].text)


def mine(hq: Headquarters) -> str:
    """The id of Ada's checkpoint."""
    return str(hq.vm("web01").ordered()[0].id)


def test_it_shows_what_somebody_has_and_may_do(door: FrontDoor) -> None:
    text = home(door)
    assert "mine of web01" in text
    assert "3 VMs" in text
    assert "owner of *" in text


def test_of_what_is_somebody_elses_it_shows_nothing(door: FrontDoor) -> None:
    text = home(door, EVE)
    assert "mine" not in text.replace("--mine", "")
    assert "eves01" in text
    assert "sql01" not in text


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (CheckpointNote(), "nobody said how long it is wanted"),
        (CheckpointNote(pinned=True), "wanted forever"),
        (CheckpointNote(schedule="nightly"), "it goes when its schedule nightly says so"),
    ],
)
def test_it_says_when_a_checkpoint_goes(note: CheckpointNote, said: str) -> None:
    assert unmarked(until(note)) == said


def test_a_guest_gets_one_polite_line(door: FrontDoor) -> None:
    assert home(door, GUEST) == "You are a guest in this workspace, and guests cannot use me. Ask a full member."
    assert len(door.hq.screens.homes[GUEST].parts) == 1


def test_a_guest_is_refused_in_the_ledger_for_each_look_and_not_when_the_tab_follows(
    door: FrontDoor, hq: Headquarters
) -> None:
    home(door, GUEST)
    refused = hq.newest()

    hq.core.desk.homes.follow()

    assert hq.newest() == refused
    home(door, GUEST)
    assert hq.newest().number == refused.number + 1


def test_who_has_no_grant_is_told_whom_to_ask(door: FrontDoor, hq: Headquarters) -> None:
    without = hq.settings.access.model_copy(update={"grants": (owners(ADA),), "ask": (ADA,)})
    before, hq.settings = hq.settings, hq.settings.model_copy(update={"access": without})
    door.press_at_home("form-keep", mine(hq))
    try:
        hq.restart()
        door.open()
        home(door, EVE)
        assert [part.to for part in hq.screens.homes[EVE].parts if isinstance(part, Paragraph)][-1] == (ADA,)
        (error,) = door.submit(door.form, channel=CHANNEL, who=EVE).values()
        assert error.endswith("The settings name whom to ask for a grant.")
    finally:
        hq.settings = before
        hq.restart()
        hq.core.inventory.refresh(disks=True)


def test_what_waits_for_an_answer_is_answered_there(door: FrontDoor, hq: Headquarters) -> None:
    hq.type("sql01 base")
    hq.wait_for(ChangeState.SUCCEEDED)
    hq.type("apply sql01 base")
    row = hq.wait_for(ChangeState.AWAITING)
    assert "Apply base to sql01" not in home(door), "she asked, and somebody else approves"
    assert "Apply base to sql01" in home(door, BOB)
    assert "Apply base" not in home(door, EVE)
    (approve,) = (b for b in buttons(hq.screens.homes[BOB]) if b.label == "Approve")

    door.press_at_home(approve.action, approve.value, who=EVE)
    assert hq.wait_for(ChangeState.AWAITING, row)
    door.press_at_home(approve.action, approve.value, who=BOB)
    assert hq.wait_for(ChangeState.SUCCEEDED, row)


def test_a_button_there_asks_for_no_less_than_its_card(door: FrontDoor, hq: Headquarters) -> None:
    hq.add_vm("old01", Past("first", 40 * DAY))
    hq.type("apply old01 first")
    row = hq.wait_for(ChangeState.AWAITING)
    home(door)

    (there,) = (button for button in buttons(hq.screens.homes[ADA]) if button.label == "Apply")

    assert hq.button(row, "Apply").confirm
    assert unmarked(there.confirm).startswith(unmarked(hq.button(row, "Apply").confirm))


def test_it_follows_for_those_who_looked_lately(door: FrontDoor, hq: Headquarters) -> None:
    assert "follows of web01" not in home(door)
    hq.type("web01 follows")
    hq.wait_for(ChangeState.SUCCEEDED)
    hq.core.inventory.refresh()
    hq.core.desk.homes.follow()
    assert "follows of web01" in unmarked(hq.screens.homes[ADA].text)


class TestTheSmallForms:
    def test_keep(self, door: FrontDoor, hq: Headquarters) -> None:
        door.press_at_home("form-keep", mine(hq))
        assert door.submit(door.form, period="2001-01-01") == {"period": "That day is over. Choose a later one."}
        assert door.submit(door.form, channel=CHANNEL) == {}
        row = hq.wait_for(ChangeState.SUCCEEDED)
        assert row.summary == "keep mine of web01 forever"
        assert row.origin.channel == CHANNEL

    def test_claim_has_no_field_in_a_channel_and_its_refusal_is_told(self, door: FrontDoor, hq: Headquarters) -> None:
        door.press_at_home("form-claim", mine(hq))
        assert [part for part in door.form.parts if isinstance(part, Conversation)]
        assert "is yours already" in next(iter(door.submit(door.form).values()))

    def test_apply_says_what_is_lost_and_needs_a_channel_where_somebody_approves(
        self, door: FrontDoor, hq: Headquarters
    ) -> None:
        base = next(one for one in hq.vm("sql01").ordered() if one.name == "base")
        hq.core.inventory.refresh(disks=True)
        door.press_at_home("form-apply", str(base.id))
        told = unmarked(" ".join(part.text for part in door.form.parts if isinstance(part, Paragraph | Alert)))
        assert "will be lost" in told
        assert "choose a channel" in door.submit(door.form)["channel"]

    def test_delete_of_a_branch_is_asked_about_by_a_card(self, door: FrontDoor, hq: Headquarters) -> None:
        hq.core.inventory.refresh(disks=True)
        door.press_at_home("form-delete", mine(hq))
        (what,) = (part for part in door.form.parts if isinstance(part, Choice))
        assert what.id == "subtree"
        assert door.submit(door.form, subtree="yes", channel=CHANNEL) == {}
        row = hq.wait_for(ChangeState.AWAITING)
        hq.press(hq.button(row, "Delete"), row.message)
        hq.wait_for(ChangeState.SUCCEEDED, row)
        assert hq.checkpoints("web01") == []

    def test_of_a_checkpoint_that_nobody_may_see_there_none_opens(self, door: FrontDoor, hq: Headquarters) -> None:
        before = len(hq.screens.opened)
        base = next(one for one in hq.vm("sql01").ordered() if one.name == "base")
        door.press_at_home("form-delete", str(base.id), who=EVE)
        assert len(hq.screens.opened) == before
        assert "not in sight" in hq.told()

    def test_every_line_of_a_checkpoint_has_a_menu(self, door: FrontDoor, hq: Headquarters) -> None:
        home(door)
        items = [part for part in hq.screens.homes[ADA].parts if isinstance(part, Item) and part.choices]
        of_all = frozenset({"Show", "Apply …", "Keep …", "Delete …"})
        assert {frozenset(b.label for b in item.choices) for item in items} == {of_all, of_all | {"Claim …"}}

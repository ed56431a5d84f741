"""The form in which an approver says why they refuse, and the message where no form can be opened."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.dispatch.requests import Sheet, Submitted
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from commands.base import Entry, Paragraph, unmarked
from tests.support.board import buttons
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, EVE, TEAM


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as opened:
        opened.add_vm("sql01", Past("first", DAY))
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    hq.screens.out_of_order = False
    hq.clock.forward(minutes=1)
    return FrontDoor(hq)


@pytest.fixture
def row(hq: Headquarters, door: FrontDoor) -> ChangeRow:
    """Ada's, and Bob's to approve."""
    hq.type("apply sql01 first")
    return hq.wait_for(ChangeState.AWAITING)


@pytest.mark.parametrize(("reason", "said"), [("month's  end\n*now*", "by bob: month's end *now*"), ("", "by bob")])
def test_the_reason_is_told_and_may_be_left_out(
    door: FrontDoor, hq: Headquarters, row: ChangeRow, reason: str, said: str
) -> None:
    door.open_home(who=BOB)
    assert ("Refuse", row.id) in [(one.label, one.value) for one in buttons(hq.screens.homes[BOB])]
    door.press_at_home("refuse", row.id, who=BOB)
    about = door.form.parts[0]
    assert isinstance(about, Paragraph)
    assert unmarked(about.text) == "You refuse what ada asked for: Apply first to sql01. They are told."

    for _ in range(2):
        assert door.submit(door.form, view=f"V{row.number}", who=BOB, **({"reason": reason} if reason else {})) == {}

    ended = hq.wait_for(ChangeState.REFUSED, row)
    assert (ended.decided_by, ended.reason) == (BOB, said)
    told = hq.board.pulse.wait_for(lambda: next((one for one in hq.board.addressed if one[0] == row.message), None))
    assert told[1:] == (ADA, f"This was refused {said}.")


def test_no_form_opens_for_who_may_not_refuse_and_a_forged_one_refuses_nothing(
    door: FrontDoor, hq: Headquarters, row: ChangeRow
) -> None:
    opened = len(hq.screens.opened)
    for who, said in ((ADA, "somebody else must refuse it"), (EVE, "not among those who may refuse")):
        door.press_at_home("refuse", row.id, who=who)
        assert said in hq.told()
    assert len(hq.screens.opened) == opened

    door.press_at_home("refuse", row.id, who=BOB)
    for who in (ADA, EVE):
        door.submit(door.form, who=who, reason="forged")
    assert hq.row(row).state is ChangeState.AWAITING
    hq.press(hq.button(row, "Withdraw"), row.message)
    hq.wait_for(ChangeState.CANCELLED, row)
    door.submit(door.form, who=BOB, reason="too late")
    assert "cancelled already" in hq.told()


def test_where_no_form_can_be_opened_the_reason_is_asked_for_in_a_message(
    door: FrontDoor, hq: Headquarters, row: ChangeRow
) -> None:
    hq.screens.out_of_order = True
    door.press_at_home("refuse", row.id, who=BOB)
    asked = hq.board.whispers[-1]
    assert [part for part in asked.parts if isinstance(part, Entry)]
    (refuse,) = buttons(asked)
    hq.press(refuse, None, who=BOB, entered="no")
    assert hq.wait_for(ChangeState.REFUSED, row).reason == "by bob: no"


def test_a_bot_that_dies_over_it_tells_who_refused_only_where_that_was_not_taken(
    door: FrontDoor, hq: Headquarters, row: ChangeRow
) -> None:
    sheet = Sheet("refuse", {"change": row.id}, {"reason": "no"}, ("reason",))
    lost = Submitted("lost-before", TEAM, Origin("", BOB), sheet)
    assert hq.core.desk.arrived(lost)
    hq.restart()
    assert "I was stopped while I looked into what you asked" in hq.told()

    taken = Submitted("lost-after", TEAM, Origin("", BOB), sheet)
    assert hq.core.desk.arrived(taken)
    hq.core.desk._submitted(taken, taken.origin)
    hq.wait_for(ChangeState.REFUSED, row)
    before = len(hq.board.whispers)
    hq.restart()
    assert len(hq.board.whispers) == before

"""*All of mine …* of a digest: several of one's own stale checkpoints are chosen in a form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.dispatch.views import Choice, Form, Several
from bot.ledger import ChangeState
from commands.base import Pick
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB

VMS = ("old01", "old02", "old03", "old04")


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    """All are ada's but the last, which is bob's."""
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as opened:
        for vm in VMS:
            seen = opened.add_vm(vm, Past("old", 30 * DAY))
            owner = BOB if vm == VMS[-1] else ADA
            opened.ledger.checkpoints.remember(seen.checkpoints[0], host="hv01", vm_name=vm, owner=owner)
        opened.core.inventory.refresh(disks=True)
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    hq.screens.out_of_order = False
    hq.people.deactivate(ADA, False)
    hq.clock.forward(minutes=1)  # else the next press is one of a double click
    return FrontDoor(hq)


def ids(hq: Headquarters, *vms: str) -> str:
    return "\n".join(hq.vm(vm).ordered()[0].id for vm in vms)


def opened(door: FrontDoor) -> Form:
    door.press("mine")
    return door.form


def test_the_button_opens_a_choice_of_several_of_ones_own(door: FrontDoor, hq: Headquarters) -> None:
    several, what, _ = opened(door).parts
    assert isinstance(several, Several)
    assert isinstance(what, Choice)
    assert [one.label.split(" (")[0] for one in several.options] == ["old01: old", "old02: old", "old03: old"]
    assert [one.label for one in what.options] == ["Keep 7 days", "Keep for good", "Delete"]


def test_each_that_is_chosen_is_kept_and_what_is_not_chosen_is_left_alone(door: FrontDoor, hq: Headquarters) -> None:
    assert door.submit(opened(door), checkpoints=ids(hq, "old01", "old02"), what="pin") == {}

    kept = hq.ledger.checkpoints.notes(ids(hq, *VMS).split("\n"))
    hq.wait_for(ChangeState.SUCCEEDED)
    wanted = ids(hq, "old01", "old02").split("\n")
    hq.board.pulse.wait_for(lambda: all(hq.ledger.checkpoints.notes(wanted)[one].pinned for one in wanted) or None)
    assert not kept[ids(hq, "old03")].pinned


def test_a_delete_asks_first_as_the_typed_one_does(door: FrontDoor, hq: Headquarters) -> None:
    form = opened(door)
    for _ in range(2):
        assert door.submit(form, view="V0DELETE", checkpoints=ids(hq, "old03"), what="delete") == {}

    row = hq.wait_for(ChangeState.AWAITING)
    assert (row.verb, row.person_id) == ("delete", ADA)
    assert hq.checkpoints("old03") == ["old"]


def test_what_is_wrong_is_said_at_the_field(door: FrontDoor, hq: Headquarters) -> None:
    form = opened(door)
    assert list(door.submit(form, view="V0WRONG", what="pin")) == ["checkpoints"]
    assert list(door.submit(form, view="V0WRONG", checkpoints="gone", what="pin")) == ["checkpoints"]
    assert list(door.submit(form, view="V0WRONG", checkpoints=ids(hq, "old03"), what="format")) == ["what"]


def test_rights_are_asked_again_when_it_is_submitted(door: FrontDoor, hq: Headquarters) -> None:
    form = opened(door)
    hq.people.deactivate(ADA)
    assert "deactivated" in str(door.submit(form, checkpoints=ids(hq, "old03"), what="pin"))
    assert not hq.ledger.checkpoints.notes([ids(hq, "old03")])[ids(hq, "old03")].pinned


def test_where_no_form_can_be_shown_the_choice_is_in_a_message(door: FrontDoor, hq: Headquarters) -> None:
    hq.screens.out_of_order = True
    door.press("mine")
    assert any(isinstance(part, Pick) for part in hq.board.whispers[-1].parts)


def test_who_has_nothing_stale_is_told_so(door: FrontDoor, hq: Headquarters) -> None:
    door.press("mine", who="U0EVE")
    assert "Nothing of yours is stale" in hq.told()

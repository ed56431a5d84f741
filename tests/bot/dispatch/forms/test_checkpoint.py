"""The small forms about checkpoints, as `list` opens them: each says one right thing, whatever happened since."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.dispatch.views import Alert, Choice, Day, Form
from bot.ledger import ChangeState
from commands.base import Paragraph, Pick, unmarked
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL, EVE
from tests.support.settings import viewers
from tests.support.waiting import wait_until

NUMBERS = itertools.count(1)
KINDS = ("apply", "delete", "keep", "claim")
ENDS = {"apply": ChangeState.AWAITING, "delete": ChangeState.AWAITING}
"""Where a form's change comes to rest; the others are done."""


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as opened:
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    hq.clock.forward(minutes=1)  # else the next press is one of a double click
    return FrontDoor(hq)


def make(hq: Headquarters) -> str:
    """A VM with two checkpoints that nobody owns."""
    name = f"vm{next(NUMBERS):03}x"
    hq.add_vm(name, Past("first", 9 * DAY), Past("second", 8 * DAY))
    see(hq, name)
    return name


@pytest.fixture
def vm(hq: Headquarters) -> str:
    return make(hq)


def see(hq: Headquarters, *vms: str) -> None:
    """Look at the hosts until they were seen: a look that began before one was added may be under way."""

    def seen() -> bool:
        hq.core.inventory.refresh(disks=True)
        return {one.vm.name for one in hq.core.inventory.seen(disks=True)}.issuperset(vms)

    wait_until(seen)


def restart(hq: Headquarters, door: FrontDoor, *vms: str) -> None:
    hq.restart()
    door.open()
    see(hq, *vms)


def ids(hq: Headquarters, vm: str) -> list[str]:
    return [str(one.id) for one in hq.vm(vm).ordered()]


def changes(hq: Headquarters, vm: str) -> list[str]:
    """What was asked for of a VM and not denied, the newest first."""
    found = hq.ledger.history.find(text=vm, limit=100)
    return [one.summary for one in found if one.state != ChangeState.DENIED]


def opened(door: FrontDoor, kind: str, *chosen: str) -> Form:
    door.press(f"form-{kind}", chosen=chosen)
    return door.form


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_chosen_beneath_a_list_opens_its_form_which_becomes_the_typed_command(
    door: FrontDoor, hq: Headquarters, vm: str, kind: str
) -> None:
    door.command(f"list {vm}")
    (pick,) = (part for part in hq.board.whispers[-1].parts if isinstance(part, Pick))
    assert f"form-{kind}" in [button.action for button in pick.buttons]

    form = opened(door, kind, ids(hq, vm)[-1])

    assert (form.kind, form.memory["channel"]) == (kind, CHANNEL)
    assert isinstance(form.parts[0], Paragraph)
    assert unmarked(form.parts[0].text) == f"second of {vm}"
    assert door.submit(form) == {}
    row = hq.wait_for(ENDS.get(kind, ChangeState.SUCCEEDED))
    assert (row.verb, row.origin.channel) == (kind, CHANNEL)
    assert unmarked(row.summary).startswith(f"{kind} second")


def test_forms_of_before_a_restart_that_come_twice_and_again_after_another_ask_once(
    door: FrontDoor, hq: Headquarters
) -> None:
    forms = {kind: (vm := make(hq), opened(door, kind, ids(hq, vm)[-1])) for kind in KINDS}
    restart(hq, door, *(vm for vm, _ in forms.values()))
    for kind, (vm, form) in forms.items():
        for _ in range(2):
            assert door.submit(form, view=f"V-{vm}") == {}
        assert hq.wait_for(ENDS.get(kind, ChangeState.SUCCEEDED)).verb == kind
    restart(hq, door, *(vm for vm, _ in forms.values()))
    before = len(hq.board.whispers)

    for vm, form in forms.values():
        assert door.submit(form, view=f"V-{vm}") == {}
        assert len(changes(hq, vm)) == 1
    assert len(hq.board.whispers) == before, "there is nothing more to say of them"


def test_forms_of_somebody_who_lost_the_grant_meanwhile_are_refused_and_recorded_once(
    door: FrontDoor, hq: Headquarters
) -> None:
    forms = {kind: (vm := make(hq), opened(door, kind, ids(hq, vm)[-1])) for kind in KINDS}
    whole = hq.settings
    less = whole.access.model_copy(update={"grants": (viewers(ADA),)})
    hq.settings = whole.model_copy(update={"access": less})
    try:
        restart(hq, door, *(vm for vm, _ in forms.values()))
        for vm, form in forms.values():
            denied = hq.newest().number
            told = " ".join(door.submit(form).values()) or hq.told()
            assert "No grant lets you" in told
            assert (hq.newest().number, hq.newest().state) == (denied + 1, ChangeState.DENIED)
            assert changes(hq, vm) == []
    finally:
        hq.settings = whole
        hq.restart()


def test_one_form_is_about_all_that_are_chosen_and_each_is_a_change_of_its_own(
    door: FrontDoor, hq: Headquarters, vm: str
) -> None:
    form = opened(door, "keep", *ids(hq, vm))
    told = [unmarked(part.text) for part in form.parts if isinstance(part, Paragraph)]
    assert {f"first of {vm}", f"second of {vm}"} <= set(told)
    assert [part for part in form.parts if isinstance(part, Day)]

    assert door.submit(form, view=f"V-{vm}") == {}
    hq.board.pulse.wait_for(lambda: all(n.pinned for n in hq.ledger.checkpoints.notes(ids(hq, vm)).values()) or None)
    hq.wait_for(ChangeState.SUCCEEDED)
    restart(hq, door, vm)

    assert door.submit(form, view=f"V-{vm}") == {}
    assert sorted(changes(hq, vm)) == [f"keep first of {vm} forever", f"keep second of {vm} forever"]


def test_of_several_each_stays_the_same_change_when_another_is_gone(door: FrontDoor, hq: Headquarters, vm: str) -> None:
    form = opened(door, "delete", *ids(hq, vm))
    assert door.submit(form, view=f"V-{vm}") == {}
    hq.wait_for(ChangeState.AWAITING)
    assert len(changes(hq, vm)) == 2
    first = hq.vm(vm).ordered()[0]
    for row in hq.ledger.changes.unfinished():
        if row.summary == f"delete {first.name} of {vm}":
            shown = hq.wait_for(ChangeState.AWAITING, row)
            hq.press(hq.button(shown, "Delete"), shown.message)
            hq.wait_for(ChangeState.SUCCEEDED, row)
    restart(hq, door, vm)

    assert door.submit(form, view=f"V-{vm}") == {}
    assert len(changes(hq, vm)) == 2
    again = opened(door, "delete", first.id, ids(hq, vm)[0])
    assert ["not in sight" in part.text for part in again.parts if isinstance(part, Alert)][-1:] == [True]


def test_the_branches_of_several_go_with_them_where_somebody_says_so(
    door: FrontDoor, hq: Headquarters, vm: str
) -> None:
    (what,) = (part for part in opened(door, "delete", *ids(hq, vm)).parts if isinstance(part, Choice))
    assert [one.label for one in what.options] == ["Only these", "These and 1 checkpoint under them"]


def test_of_a_checkpoint_that_was_taken_a_moment_ago_a_form_opens(door: FrontDoor, hq: Headquarters, vm: str) -> None:
    door.command(f"{vm} fresh")
    hq.wait_for(ChangeState.SUCCEEDED)
    form = opened(door, "keep", ids(hq, vm)[-1])
    assert isinstance(form.parts[0], Paragraph)
    assert unmarked(form.parts[0].text) == f"fresh of {vm}"


def test_nothing_chosen_is_said_and_opens_nothing(door: FrontDoor, hq: Headquarters) -> None:
    before = len(hq.screens.opened)
    door.press("form-keep")
    assert "Nothing is chosen." in hq.told()
    assert len(hq.screens.opened) == before


def test_home_offers_a_claim_of_what_nobody_owns_to_those_who_may_keep_it(
    door: FrontDoor, hq: Headquarters, vm: str
) -> None:
    door.open_home()
    assert "Nobody's, on VMs of yours" in hq.screens.homes[ADA].text
    door.open_home(who=EVE)
    assert "Nobody's" not in hq.screens.homes[EVE].text

    door.press_at_home("form-claim", ids(hq, vm)[0])
    assert door.submit(door.form, channel=CHANNEL) == {}
    hq.wait_for(ChangeState.SUCCEEDED)
    assert hq.ledger.checkpoints.notes(ids(hq, vm))[ids(hq, vm)[0]].owner == ADA

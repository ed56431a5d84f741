"""Who may do what by every kind of delivery, from everywhere: through the app's listeners, in every cell.

A cell says what comes of it in the channel that the grant names, in another one, in one that is shared with another
workspace, and in none: `c` a change, `n` a VM's name, `o` something that opens and names no VM, `.` nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bot.dispatch.views import Form, Option, Search
from bot.ledger import ChangeState
from bot.people.directory import LookupFailed, Member, ScopeMissing
from bot.settings import AccessSettings, GrantSettings
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters, settings
from tests.support.people import CHANNEL, ELSEWHERE, SHARED, TEAM, People

VM = "secretvm01"
EVERYWHERE, MEMBER, WITHOUT = "U0ALL", "U0MEMBER", "U0WITHOUT"
GUEST, SINGLE, STRANGER, OTHERS = "U0GUEST", "U0SINGLE", "U0STRANGE", "U0OTHERS"
GONE, BOT, UNKNOWN, SCOPELESS = "U0GONE", "U0BOT", "U0UNKNOWN", "U0NOSCOPE"
PEOPLE = (EVERYWHERE, MEMBER, WITHOUT, GUEST, SINGLE, STRANGER, OTHERS, GONE, BOT, UNKNOWN, SCOPELESS)
PLACES = (CHANNEL, ELSEWHERE, SHARED, "")

KINDS = ["command", "press", "shortcut", "message", "search", "edit", "submit", "close", "home", "at_home"]
EXPECTED = """
U0ALL     cc..    nnn.    oooo    oooo    nnnn    nnnn    cc..    ....    nnnn    nnnn
U0MEMBER  c...    n...    oooo    oooo    n...    nooo    c...    ....    oooo    ....
U0WITHOUT ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0GUEST   ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0SINGLE  ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0STRANGE ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0OTHERS  ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0GONE    ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0BOT     ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0UNKNOWN ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
U0NOSCOPE ....    ....    ....    ....    ....    ....    ....    ....    ....    ....
"""
"""In the order of `KINDS`. All but the third have grants: the gate comes before them."""

TABLE = {row[0]: dict(zip(KINDS, row[1:], strict=True)) for row in map(str.split, EXPECTED.strip().splitlines())}


class Everybody(People):
    """One of every sort, of whom the workspace tells what it does."""

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        if user_id == UNKNOWN:
            raise LookupFailed("fatal_error")
        return super().member(user_id, max_age=max_age)

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        raise ScopeMissing("usergroups:read")


def everybody() -> Everybody:
    made = Everybody()
    standing = {
        GUEST: {"is_restricted": True},
        SINGLE: {"is_ultra_restricted": True},
        STRANGER: {"is_stranger": True, "team_id": "T0OTHER"},
        OTHERS: {"team_id": "T0OTHER"},
        GONE: {"deleted": True},
        BOT: {"is_bot": True},
    }
    for who in PEOPLE:
        made.members[who] = replace(Member(who, who.lower(), TEAM), **standing.get(who, {}))
    return made


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    folder = tmp_path_factory.mktemp("headquarters")
    made = Headquarters(folder)
    made.people = everybody()
    here = tuple(who for who in PEOPLE if who not in (EVERYWHERE, WITHOUT, SCOPELESS))
    grants = (
        GrantSettings(to=(EVERYWHERE,), role="owner", vms=("*",)),
        GrantSettings(to=here, role="owner", vms=("*",), channels=(CHANNEL,)),
        GrantSettings(to=("S0GROUP",), role="owner", vms=("*",)),
    )
    made.settings = settings(folder).model_copy(update={"access": AccessSettings(grants=grants)})
    with made as opened:
        opened.add_vm(VM)
        opened.type(f"{VM} first", who=EVERYWHERE)
        opened.wait_for(ChangeState.SUCCEEDED)
        opened.core.inventory.refresh(disks=True)
        yield opened


@pytest.fixture
def door(hq: Headquarters) -> FrontDoor:
    return FrontDoor(hq)


def acts(door: FrontDoor, who: str, place: str) -> dict[str, Callable[[], object]]:
    """Each kind of delivery, as somebody makes it in a place."""
    model = door.hq.vm(VM)
    vm, first, team = str(model.id), str(model.ordered()[0].id), TEAM if who != OTHERS else "T0OTHER"
    field = Search(id="vm", label="VM", chosen=Option("it", vm))
    form = Form("create", "Take", "Take", (field,), {"channel": place} if place else {})
    new = f"{who} {place}"
    pressed = {"type": "button", "action_id": "bot.show.0", "value": first}
    by = {**door.by(who, team), "channel": {"id": place}, "actions": [pressed]}
    return {
        "command": lambda: door.command(f'create {vm} "{new} typed"', who=who, channel=place, team=team),
        "press": lambda: door.deliver({**by, "type": "block_actions"}),
        "shortcut": lambda: door.shortcut(who=who, team=team),
        "message": lambda: door.message_shortcut("why", who=who, channel=place, team=team),
        "search": lambda: door.search(form, "", who=who, team=team),
        "edit": lambda: door.edit(form, who=who, team=team, vm=vm),
        "submit": lambda: door.submit(
            replace(form, parts=(field, *door.name_field)), who=who, team=team, vm=vm, name=f"{new} form"
        ),
        "close": lambda: door.deliver({**door.by(who, team), "type": "view_closed", "view": {"type": "modal"}}),
        "home": lambda: door.open_home(who=who, team=team),
        "at_home": lambda: door.press_at_home("form-apply", first, who=who, team=team),
    }


def test_every_cell_of_the_matrix_says_what_is_expected() -> None:
    assert list(TABLE) == list(PEOPLE)
    assert all(len(cell) == len(PLACES) and set(cell) <= set("cno.") for row in TABLE.values() for cell in row.values())


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_delivery_gets_further_than_the_gate_lets_it(kind: str, door: FrontDoor) -> None:
    came = {who: "".join(_what_came_of(door, acts(door, who, place)[kind], who) for place in PLACES) for who in PEOPLE}
    assert came == {who: row[kind] for who, row in TABLE.items()}


def _what_came_of(door: FrontDoor, act: Callable[[], object], who: str) -> str:
    hq = door.hq
    hq.clock.forward(seconds=5)  # no two of them are a double click
    board, screens = hq.board, hq.screens
    changes = _changes(hq)
    opened, drawn, whispers = len(screens.opened), len(screens.changed), len(board.whispers)
    screens.homes.clear()
    ack = act()
    forms = [form for _, form in (*screens.opened[opened:], *screens.changed[drawn:])]
    home = screens.homes.get(who)  # that of others may follow at the same time
    told = [ack, board.whispers[whispers:], forms, home]
    if _changes(hq) > changes:
        return "c"
    if VM in str(told):
        return "n"
    return "o" if forms or (home is not None and len(home.parts) > 1) else "."


def _changes(hq: Headquarters) -> int:
    """Those that were let through."""
    found = hq.ledger.history.find(limit=200)
    return sum(one.state != ChangeState.DENIED for one in found)

"""What somebody is told who uses the bot for the first time, and the buttons that put a slip right."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.dispatch.orientation import lines
from bot.ledger import ChangeState
from commands.base import unmarked
from tests.support.board import buttons
from tests.support.front_door import FrontDoor
from tests.support.headquarters import Headquarters
from tests.support.people import BOB, EVE, GUEST


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    made = Headquarters(tmp_path_factory.mktemp("headquarters"))
    made.newcomers = True
    made.settings = made.settings.model_copy(
        update={"access": made.settings.access.model_copy(update={"ask": ("S0ADMINS",)})}
    )
    with made:
        made.add_vm("web01")
        yield made


def test_three_lines_come_with_the_first_request_and_never_again(hq: Headquarters) -> None:
    hq.type("whoami")
    answer, welcome = hq.board.whispers
    assert "ada (U0ADA)" in answer.text
    assert len(welcome.parts) == 3
    assert welcome.text.startswith(
        "Welcome. Here you can look at checkpoints of VMs on Hyper-V, and take, apply and delete them"
    )
    hq.restart()
    hq.type("whoami")
    assert len(hq.board.whispers) == 3


def test_who_is_not_let_in_is_not_welcomed(hq: Headquarters) -> None:
    hq.board.whispers.clear()
    hq.type("whoami", who=GUEST)
    assert ["guest" in one.text for one in hq.board.whispers] == [True]


def test_they_come_too_to_who_meets_the_bot_at_home_or_in_a_form(hq: Headquarters) -> None:
    door = FrontDoor(hq)
    for who, meet in ((EVE, door.open_home), (BOB, door.shortcut)):
        hq.board.whispers.clear()
        for _ in range(2):
            meet(who=who)
        (welcome,) = hq.board.whispers
        assert welcome.text.startswith("Welcome.")
    hq.board.whispers.clear()
    door.open_home(who=GUEST)
    assert hq.board.whispers == []


def test_the_lines_say_what_the_person_may_do() -> None:
    told = lines({"view"}.__contains__).text
    assert "/checkpoint list shows the VMs that you may see" in told
    assert "before-upgrade" not in told
    assert "Nothing that you can type here changes a VM" in told


def test_a_button_runs_the_corrected_command_through_the_gate(hq: Headquarters) -> None:
    hq.type("web1 fresh")
    (offer,) = buttons(hq.board.whispers[-1])
    assert unmarked(offer.label) == "/checkpoint create web01 fresh"
    hq.press(offer, None)
    assert hq.wait_for(ChangeState.SUCCEEDED).summary == "take fresh of web01"


def test_the_button_of_one_person_is_nobody_elses(hq: Headquarters) -> None:
    hq.type("web1 other")
    (offer,) = buttons(hq.board.whispers[-1])
    hq.press(offer, None, who=BOB)
    assert any("This offer was made too long ago." in one.text for one in hq.board.whispers)
    assert hq.newest().summary != "take other of web01"


def test_a_denial_says_which_role_would_allow_it_and_whom_the_settings_name(hq: Headquarters) -> None:
    hq.type("list", who=EVE)
    hq.board.whispers.clear()
    hq.type("web01 x", who=EVE)
    told = hq.board.whispers[-1]
    assert "The role operator or owner would allow it." in told.text
    assert told.parts[-1].to == ("S0ADMINS",)

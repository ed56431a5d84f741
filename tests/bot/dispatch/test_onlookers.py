"""The Home tabs of those who looked lately."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Thread

import pytest

from bot.dispatch.onlookers import LATELY, Onlookers
from commands.base import Reply, say
from tests.support.board import Screens
from tests.support.people import ADA, TEAM
from tests.support.waiting import DEADLINE, wait_until

SHORT = 0.3
"""Seconds in which something would overtake."""


@dataclass
class SlowScreens(Screens):
    """The Home tab that comes after `slow` is set is not shown before `go` is."""

    slow: Event = field(default_factory=Event)
    begun: Event = field(default_factory=Event)
    go: Event = field(default_factory=Event)
    said: list[str] = field(default_factory=list)
    """What was shown, in its order."""

    def publish(self, person_id: str, home: Reply) -> None:
        if self.slow.is_set():
            self.slow.clear()
            self.begun.set()
            assert self.go.wait(DEADLINE)
        super().publish(person_id, home)
        self.said.append(home.text)


def test_a_home_tab_follows_for_a_while_after_a_look_and_not_for_ever() -> None:
    screens, now, text = Screens(), [0.0], ["at first"]
    homes = Onlookers(screens, lambda _person, _team, _looked: say(text[0]), clock=lambda: now[0])
    homes.looked(ADA, TEAM)

    for now[0], text[0] in ((LATELY - 1, "soon after"), (LATELY + 1, "long after")):
        homes.follow()

    assert screens.homes[ADA].text == "soon after"


def test_the_first_change_is_shown_at_once_and_those_right_after_it_together(screens: SlowScreens) -> None:
    now, text = [0.0], ["at first"]
    homes = Onlookers(screens, lambda _person, _team, _looked: say(text[0]), between=3600, clock=lambda: now[0])
    homes.looked(ADA, TEAM)
    text[0] = "first"
    homes.changed()
    wait_until(lambda: "first" in screens.said)
    for text[0] in ("second", "third"):
        homes.changed()
    time.sleep(SHORT)
    assert screens.said == ["at first", "first"]
    homes.close()


def test_what_changed_before_anybody_looked_is_asked_for_once_somebody_does(screens: SlowScreens) -> None:
    text = ["as last seen"]

    def ask() -> None:
        text[0] = "as it is"

    homes = Onlookers(screens, lambda _person, _team, _looked: say(text[0]), before=ask, between=0.01)
    homes.changed()
    homes.looked(ADA, TEAM)

    wait_until(lambda: screens.said == ["as last seen", "as it is"])
    homes.close()


@pytest.fixture
def screens() -> SlowScreens:
    return SlowScreens()


@pytest.fixture
def text() -> list[str]:
    """What every Home tab says."""
    return ["at first"]


@pytest.fixture
def homes(screens: SlowScreens, text: list[str]) -> Iterator[Onlookers]:
    """Somebody has looked, what they see has changed, and that is being shown."""
    made = Onlookers(screens, lambda _person, _team, _looked: say(text[0]), between=0.01)
    made.looked(ADA, TEAM)
    screens.slow.set()
    text[0] = "older"
    made.changed()
    assert screens.begun.wait(DEADLINE)
    text[0] = "newer"
    yield made
    made.close()


def test_what_changes_while_one_is_shown_slowly_is_what_it_says_last(homes: Onlookers, screens: SlowScreens) -> None:
    homes.changed()
    time.sleep(SHORT)
    screens.go.set()

    wait_until(lambda: len(screens.said) == 3)
    assert screens.said == ["at first", "older", "newer"]


def test_who_looks_while_one_is_shown_slowly_sees_the_newer_one_last(homes: Onlookers, screens: SlowScreens) -> None:
    look = Thread(target=homes.looked, args=(ADA, TEAM))
    look.start()
    look.join(SHORT)
    screens.go.set()
    look.join(DEADLINE)

    wait_until(lambda: len(screens.said) == 3)
    assert screens.said == ["at first", "older", "newer"]

"""Answers while the workspace lets nothing through."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.changes.telling import Telling
from bot.messages import AnnouncerError, Origin
from commands.base import Reply, say
from tests.support.board import Board
from tests.support.clock import Clock
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, CHANNEL
from tests.support.waiting import wait_until

HERE = Origin(CHANNEL, ADA)


def test_an_answer_that_does_not_pass_is_told_once_when_it_does_and_says_when_it_was_meant() -> None:
    board, clock = Board(out_of_order=True), Clock()
    telling = Telling(board, clock, pauses=(0.02,) * 100)
    meant_at = f"{clock():%H:%M} UTC"
    telling.whisper(HERE, say("web01 has 2 checkpoints."))
    clock.forward(hours=1)
    board.out_of_order = False

    (told,) = board.pulse.wait_for(lambda: board.whispers)
    assert told.text.startswith("web01 has 2 checkpoints.")
    assert f"This is from {meant_at}: Slack did not take it then" in told.text
    telling.whisper(HERE, say("next"))
    assert [one.text for one in board.whispers][1:] == ["next"]


@dataclass
class Deaf(Board):
    """Nobody can be told anything."""

    lasting: bool = False
    tries: int = 0

    def whisper(self, origin: Origin, message: Reply) -> None:
        self.tries += 1
        raise AnnouncerError("deaf", lasting=self.lasting)


def test_what_will_never_pass_is_not_tried_again() -> None:
    board = Deaf(lasting=True)
    with pytest.raises(AnnouncerError):
        Telling(board, Clock(), pauses=(0.01,)).whisper(HERE, say("to whom?"))
    assert board.tries == 1


def test_no_more_is_kept_than_there_is_room_for_and_what_was_given_up_makes_room(
    caplog: pytest.LogCaptureFixture,
) -> None:
    board = Deaf()
    telling = Telling(board, Clock(), pauses=(0.3, 0.01), most=1)
    telling.whisper(HERE, say("first"))
    with pytest.raises(AnnouncerError):
        telling.whisper(HERE, say("second"))

    wait_until(lambda: "could not be told 'first" in caplog.text)
    wait_until(lambda: not telling._kept)
    telling.whisper(HERE, say("third"))


def test_a_refusal_and_an_answer_for_all_reach_who_asked_after_a_time_without_slack(tmp_path: Path) -> None:
    with Headquarters(tmp_path) as hq:
        hq.core.telling.pauses = (0.02,) * 1000
        hq.board.out_of_order = True
        hq.type("apply nowhere before-upgrade")
        hq.type("list")
        hq.board.out_of_order = False

        told = hq.board.pulse.wait_for(lambda: len(hq.board.whispers) > 1 and [one.text for one in hq.board.whispers])
    assert any("nowhere" in one for one in told)
    assert all("Slack did not take it then" in one for one in told)


def test_who_asked_for_what_the_bot_died_over_is_told_of_it_after_a_time_without_slack(tmp_path: Path) -> None:
    with Headquarters(tmp_path) as hq:
        hq.ledger.arrivals.arrived("delivery", HERE, "list")
        hq.board.out_of_order = True
        hq.restart()
        assert not hq.ledger.arrivals.unanswered()
        assert hq.core.telling._kept == 1

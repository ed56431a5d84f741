"""What somebody hears who waits for an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import NoReturn

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.changes.telling import Telling
from bot.changes.workflow import Answer
from bot.dispatch.requests import Pressed, Typed
from bot.dispatch.waiting import STILL_AT_IT, Waiting
from bot.ledger import ChangeRow, ChangeState, LedgerError
from bot.ledger.aside import Aside
from bot.messages import Origin
from commands.base import Person
from tests.support.board import Board
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, CHANNEL, TEAM
from tests.support.waiting import wait_until
from tests.support.workbench import Workbench

ASKED = Typed("trigger", TEAM, Origin(CHANNEL, ADA, "https://hooks.slack.com/commands/T0/1/secret"), "list")


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def waiting(bench: Workbench, board: Board) -> Waiting:
    return Waiting(bench.ledger, Telling(board, bench.clock), silence=0.05)


class TestWhoWaitsLong:
    def test_is_told_that_the_answer_will_come(self, waiting: Waiting, board: Board) -> None:
        with waiting.on(ASKED):
            wait_until(lambda: board.whispers)

        assert [one.text for one in board.whispers] == [STILL_AT_IT]

    def test_is_not_told_once_there_is_an_answer(self, bench: Workbench, board: Board) -> None:
        with Waiting(bench.ledger, Telling(board, bench.clock), silence=60).on(ASKED):
            pass

        assert board.whispers == []


def test_what_was_received_and_is_left_out_is_kept_no_longer_unless_its_first_delivery_is_in_hand(
    waiting: Waiting, bench: Workbench
) -> None:
    bench.ledger.arrivals.arrived(ASKED.delivery_id, ASKED.origin, "list")
    waiting.arrived(replace(ASKED, kept=True), "list")
    waiting.left_out(ASKED)
    assert len(bench.ledger.arrivals.unanswered()) == 1

    waiting.answered(ASKED)
    bench.ledger.arrivals.arrived(ASKED.delivery_id, ASKED.origin, "list")
    waiting.left_out(ASKED)
    assert bench.ledger.arrivals.unanswered() == ()


class TestARequestThatTheBotDiedOver:
    @pytest.fixture
    def hq(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
        with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
            yield open_headquarters

    def test_is_told_at_the_next_start(self, hq: Headquarters) -> None:
        hq.ledger.arrivals.arrived("trigger", ASKED.origin, "/checkpoint list")

        hq.restart()

        asked = hq.clock()
        assert f"what you asked at {asked:%H:%M} UTC: /checkpoint list\n" in hq.told()
        assert "Ask again if you still need it" in hq.told()
        assert hq.ledger.arrivals.unanswered() == ()

    def test_is_not_told_when_its_change_goes_on(self, hq: Headquarters) -> None:
        hq.add_vm("app01")
        delivery = hq.type("app01 before-upgrade")
        hq.wait_for(ChangeState.SUCCEEDED)
        hq.ledger.arrivals.arrived(delivery, ASKED.origin, "/checkpoint app01 before-upgrade")

        hq.restart()

        assert hq.board.whispers == []
        assert hq.ledger.arrivals.unanswered() == ()

    def test_is_told_of_what_was_written_down_and_answered_nowhere(self, hq: Headquarters) -> None:
        delivery = hq.type('freeze "a stolen laptop"')
        hq.ledger.arrivals.arrived(delivery, ASKED.origin, "/checkpoint freeze")
        hq.board.whispers.clear()

        hq.restart()

        assert "what you asked" in hq.told()


def test_an_answered_request_is_not_kept(waiting: Waiting, bench: Workbench) -> None:
    waiting.arrived(ASKED, "/checkpoint list")
    with waiting.on(ASKED):
        (kept,) = bench.ledger.arrivals.unanswered()
        assert (kept.text, kept.origin) == ("/checkpoint list", Origin(CHANNEL, ADA))

    assert bench.ledger.arrivals.unanswered() == ()


class TestWhileAnotherProgramHoldsTheLedgerLocked:
    @pytest.fixture
    def locked(self, bench: Workbench) -> Iterator[None]:
        with closing(sqlite3.connect(bench.folder / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield

    @pytest.mark.usefixtures("locked")
    def test_requests_are_kept_and_answered_all_the_same(self, waiting: Waiting, bench: Workbench) -> None:
        waiting.arrived(ASKED, "/checkpoint list")
        assert [one.text for one in bench.ledger.arrivals.unanswered()] == ["/checkpoint list"]

        waiting.answered(ASKED)
        assert bench.ledger.arrivals.unanswered() == ()


def test_what_could_not_be_written_when_it_was_answered_is_not_kept_after_that(
    waiting: Waiting, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.arrived(ASKED, "/checkpoint list")
    with monkeypatch.context() as full:
        full.setattr(Aside, "write", no_room)
        waiting.answered(ASKED)
    assert bench.ledger.arrivals.unanswered() != ()

    waiting.answered(replace(ASKED, delivery_id="another"))

    assert bench.ledger.arrivals.unanswered() == ()


def no_room(_file: Aside, _statement: str, _rows: object) -> NoReturn:
    raise LedgerError("The disk is full.", transient=True)


class TestTheLastPressBeforeTheBotDied:
    """The press is kept before its acknowledgement leaves. What became of it is known only to the workflows."""

    @pytest.fixture
    def hq(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
        with Headquarters(tmp_path_factory.mktemp("headquarters")) as open_headquarters:
            yield open_headquarters

    def pressed(self, hq: Headquarters, action: str) -> tuple[ChangeRow, Pressed]:
        """A press that was acknowledged, and then the bot died."""
        hq.add_vm("app02", Past("first", DAY))
        hq.type("delete app02 first")
        row = hq.wait_for(ChangeState.AWAITING)
        press = Pressed("last", TEAM, Origin(CHANNEL, ADA), action, row.id, row.message)
        assert hq.core.desk.arrived(press)
        return row, press

    def test_is_told_as_lost_when_its_answer_was_not_taken(self, hq: Headquarters) -> None:
        row, _ = self.pressed(hq, "confirm")

        hq.restart()

        assert "press confirm on change" in hq.told()
        assert hq.wait_for(ChangeState.AWAITING, row)

    @pytest.mark.parametrize(
        ("action", "state"), [("confirm", ChangeState.SUCCEEDED), ("cancel", ChangeState.CANCELLED)]
    )
    def test_is_not_told_as_lost_when_it_is_carried_out(
        self, hq: Headquarters, action: str, state: ChangeState
    ) -> None:
        row, press = self.pressed(hq, action)
        hq.core.desk.buttons.answer(press, Person(ADA, "ada"))

        hq.restart()

        hq.wait_for(state, row)
        assert hq.board.whispers == []
        assert hq.ledger.arrivals.unanswered() == ()

    def test_of_two_people_who_answered_the_second_hears_that_theirs_was_not_taken(self, hq: Headquarters) -> None:
        hq.add_vm("sql02", Past("first", DAY))
        hq.type("apply sql02 first")
        row = hq.wait_for(ChangeState.AWAITING)
        for number, (who, action) in enumerate(((BOB, "approve"), (ADA, "cancel"))):
            press = Pressed(f"last-{number}", TEAM, Origin(CHANNEL, who), action, row.id, row.message)
            assert hq.core.desk.arrived(press)
            if who == BOB:
                hq.core.desk.buttons.answer(press, Person(BOB, "bob"))

        hq.restart()

        hq.wait_for(ChangeState.SUCCEEDED, row)
        (lost,) = hq.board.whispers
        assert "press cancel on change" in lost.text

    def test_of_two_answers_at_one_moment_the_second_is_told_whose_was_taken(self, hq: Headquarters) -> None:
        hq.add_vm("sql03", Past("first", DAY))
        hq.type("apply sql03 first")
        row = hq.wait_for(ChangeState.AWAITING)
        answers = [Answer("approve", BOB, "bob", hq.clock()), Answer("cancel", ADA, "ada", hq.clock())]

        assert [hq.core.changes.answer(row, one) for one in answers] == [answers[0]] * 2

        hq.wait_for(ChangeState.SUCCEEDED, row)

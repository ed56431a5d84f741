"""What somebody hears who waits for an answer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.dispatch.requests import Typed
from bot.dispatch.waiting import STILL_AT_IT, Waiting
from bot.ledger import ChangeState
from bot.messages import Origin
from tests.support.headquarters import ADA, CHANNEL, TEAM, Headquarters, wait_until
from tests.support.workbench import Board, Workbench

ASKED = Typed("trigger", TEAM, Origin(CHANNEL, ADA, "https://hooks.slack.com/commands/T0/1/secret"), "list")


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def waiting(bench: Workbench, board: Board) -> Waiting:
    return Waiting(bench.ledger, board, silence=0.05)


class TestWhoWaitsLong:
    def test_is_told_that_the_answer_will_come(self, waiting: Waiting, board: Board) -> None:
        with waiting.on(ASKED, "/checkpoint list"):
            wait_until(lambda: board.whispers)

        assert [one.text for one in board.whispers] == [STILL_AT_IT]

    def test_is_not_told_once_there_is_an_answer(self, bench: Workbench, board: Board) -> None:
        with Waiting(bench.ledger, board, silence=60).on(ASKED, "/checkpoint list"):
            pass

        assert board.whispers == []


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
        assert "nothing was changed. Ask again" in hq.told()
        assert hq.ledger.arrivals.unanswered() == ()

    def test_is_not_told_when_its_change_goes_on(self, hq: Headquarters) -> None:
        hq.add_vm("app01")
        delivery = hq.type("app01 before-upgrade")
        hq.wait_for(ChangeState.SUCCEEDED)
        hq.ledger.arrivals.arrived(delivery, ASKED.origin, "/checkpoint app01 before-upgrade")

        hq.restart()

        assert hq.board.whispers == []
        assert hq.ledger.arrivals.unanswered() == ()


def test_an_answered_request_is_not_kept(waiting: Waiting, bench: Workbench) -> None:
    with waiting.on(ASKED, "/checkpoint list"):
        (kept,) = bench.ledger.arrivals.unanswered()
        assert (kept.text, kept.origin) == ("/checkpoint list", Origin(CHANNEL, ADA))

    assert bench.ledger.arrivals.unanswered() == ()


def test_a_request_is_looked_into_also_where_it_cannot_be_kept(waiting: Waiting, bench: Workbench) -> None:
    bench.ledger.close()
    looked = False

    with waiting.on(ASKED, "/checkpoint list"):
        looked = True

    assert looked

"""What a digest's channels hear between digests."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from bot.fleet.inventory import Inventory
from bot.schedules.notices import HostNotices
from commands.base import HostStatus
from tests.support.board import Board
from tests.support.clock import Clock


class Hosts:
    """An inventory of which only the hosts are looked at."""

    def __init__(self) -> None:
        self.away: set[str] = set()

    def hosts(self) -> tuple[HostStatus, ...]:
        return tuple(
            HostStatus(name, name not in self.away, problem="No answer." if name in self.away else "")
            for name in ("hv01", "hv02")
        )


@pytest.fixture
def hosts() -> Hosts:
    return Hosts()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def board() -> Board:
    return Board()


@pytest.fixture
def notices(hosts: Hosts, board: Board, clock: Clock) -> HostNotices:
    return HostNotices(("C1", "C2", "C1"), cast(Inventory, hosts), board, clock, after=timedelta(minutes=10))


def test_a_host_that_is_away_for_a_while_is_told_once_in_each_channel(
    notices: HostNotices, hosts: Hosts, board: Board, clock: Clock
) -> None:
    hosts.away = {"hv01"}
    for _ in range(10):
        notices.look()
        clock.forward(minutes=2)

    assert [ref.channel for ref in board.shown] == ["C1", "C2"]
    assert "hv01 does not answer." in board.texts[0]
    assert "No answer." in board.texts[0]


def test_it_is_told_when_it_is_back(notices: HostNotices, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()
    hosts.away = set()
    for _ in range(2):
        notices.look()

    assert [text for text in board.texts if "answers again" in text] == ["✅ hv01 answers again, after 12 minutes."] * 2


def test_a_host_that_restarts_is_no_news(notices: HostNotices, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=4)
    hosts.away = set()
    notices.look()
    clock.forward(minutes=30)
    hosts.away = {"hv01"}
    notices.look()

    assert board.texts == []


def test_hosts_that_go_together_are_one_message(notices: HostNotices, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01", "hv02"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()

    assert len(board.shown) == 2
    assert "hv01 and hv02 do not answer." in board.texts[0]


def test_a_channel_that_may_not_see_the_fleet_hears_nothing(
    notices: HostNotices, hosts: Hosts, board: Board, clock: Clock
) -> None:
    notices.shown_in = lambda channel: channel != "C1"
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()

    assert [ref.channel for ref in board.shown] == ["C2"]

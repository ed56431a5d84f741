"""What a digest's channels hear between digests."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from bot.fleet.inventory import Inventory
from bot.ledger import Ledger
from bot.schedules.notices import HostNotices
from commands.base import HostStatus, unmarked
from tests.support.board import Board
from tests.support.clock import Clock


class Hosts:
    """An inventory of which only the hosts are looked at."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.names = ["hv01", "hv02"]

    def hosts(self) -> tuple[HostStatus, ...]:
        return tuple(
            HostStatus(name, name not in self.away, problem="No answer." if name in self.away else "")
            for name in self.names
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


class Program:
    """The notices of a bot that can be started again over the same ledger."""

    def __init__(self, path: Path, hosts: Hosts, board: Board, clock: Clock) -> None:
        self._path, self._hosts, self._board, self._clock = path, hosts, board, clock
        self._only = ""
        self.start()

    def start(self) -> None:
        self.ledger = Ledger(self._path, clock=self._clock, busy_timeout=0.05)
        self._notices = HostNotices(
            ("C1", "C2", "C1"),
            cast(Inventory, self._hosts),
            self.ledger.absences,
            self._board,
            self._clock,
            self._shown_here,
            after=timedelta(minutes=10),
        )

    def restart(self) -> None:
        self.ledger.close()
        self.start()

    def _shown_here(self, channel: str) -> bool:
        return self._only in ("", channel)

    def show_only_in(self, channel: str) -> None:
        self._only = channel

    def look(self) -> None:
        self._notices.look()


@pytest.fixture
def notices(tmp_path: Path, hosts: Hosts, board: Board, clock: Clock) -> Iterator[Program]:
    program = Program(tmp_path / "ledger.db", hosts, board, clock)
    yield program
    program.ledger.close()


def test_a_host_that_is_away_for_a_while_is_told_once_in_each_channel(
    notices: Program, hosts: Hosts, board: Board, clock: Clock
) -> None:
    hosts.away = {"hv01"}
    for _ in range(10):
        notices.look()
        clock.forward(minutes=2)

    assert [ref.channel for ref in board.shown] == ["C1", "C2"]
    assert "hv01 does not answer." in board.texts[0]
    assert "No answer." in board.texts[0]


def test_it_is_told_when_it_is_back(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()
    hosts.away = set()
    for _ in range(2):
        notices.look()

    assert [text for text in board.texts if "answers again" in text] == ["✅ hv01 answers again, after 12 minutes."] * 2


def test_a_host_that_restarts_is_no_news(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=4)
    hosts.away = set()
    notices.look()
    clock.forward(minutes=30)
    hosts.away = {"hv01"}
    notices.look()

    assert board.texts == []


def test_hosts_that_go_together_are_one_message(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01", "hv02"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()

    assert len(board.shown) == 2
    assert "hv01 and hv02 do not answer." in board.texts[0]


def test_a_channel_that_may_not_see_the_fleet_hears_nothing(
    notices: Program, hosts: Hosts, board: Board, clock: Clock
) -> None:
    notices.show_only_in("C2")
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()

    assert [ref.channel for ref in board.shown] == ["C2"]


def test_a_host_that_is_still_away_after_a_restart_is_not_told_again(
    notices: Program, hosts: Hosts, board: Board, clock: Clock
) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()
    for _ in range(3):
        notices.restart()
        notices.look()
        clock.forward(minutes=12)

    assert len(board.shown) == 2
    hosts.away = set()
    notices.restart()
    notices.look()

    assert board.texts[2:] == ["✅ hv01 answers again, after 48 minutes."] * 2
    notices.restart()
    notices.look()
    assert len(board.shown) == 4


def test_the_while_goes_on_over_a_restart(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    for _ in range(3):
        notices.look()
        clock.forward(minutes=6)
        notices.restart()

    assert len(board.shown) == 2


def test_where_slack_is_away_too_it_is_told_later(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    board.out_of_order = True
    notices.look()
    board.out_of_order = False
    notices.look()
    assert len(board.shown) == 2

    hosts.away = set()
    board.out_of_order = True
    notices.look()
    board.out_of_order = False
    notices.look()
    assert len(board.shown) == 4


def test_a_host_that_the_settings_have_no_more_is_forgotten(
    notices: Program, hosts: Hosts, board: Board, clock: Clock
) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()
    hosts.names = ["hv02"]
    notices.restart()
    notices.look()

    assert len(board.shown) == 2
    assert not notices.ledger.absences.open()


def test_while_the_ledger_is_locked_nothing_is_told_and_afterwards_once(
    notices: Program, hosts: Hosts, board: Board, clock: Clock, tmp_path: Path
) -> None:
    hosts.away = {"hv01"}
    notices.look()
    clock.forward(minutes=12)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        notices.look()
        assert board.texts == []
    notices.look()
    notices.look()

    assert len(board.shown) == 2


def test_names_stand_out_where_there_are_several(notices: Program, hosts: Hosts, board: Board, clock: Clock) -> None:
    hosts.away = {"hv01", "hv02"}
    notices.look()
    clock.forward(minutes=12)
    notices.look()
    assert "hv02: No answer." in unmarked(board.texts[0])

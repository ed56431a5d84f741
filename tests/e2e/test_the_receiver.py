"""The program that holds the connections to Slack dies, or the bot over which it acknowledges."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.slack.receiver import Given, Line, Receiver
from bot.slack.socket_mode import Process
from tests.support.office import MoreOfTheBot, Office
from tests.support.program import BotProcess, children_of, secrets, settings
from tests.support.receiving import Beside, OnThreads
from tests.support.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_killed_it_is_replaced_and_the_bot_goes_on(tmp_path: Path) -> None:
    with (
        Office(tmp_path / "unused", with_bot=False) as office,
        BotProcess(tmp_path, settings(office), secrets(office)) as program,
    ):
        office.add_vm("shop01")
        program.wait_until_running()
        office.sandbox.wait_for_connections(2)
        (receiver,) = children_of(program.pid)

        os.kill(receiver, signal.SIGKILL)

        wait_until(lambda: children_of(program.pid) not in ([], [receiver]))
        office.sandbox.wait_for_connections(2)
        office.type("ada", "/checkpoint shop01 before-upgrade")
        office.wait_for_text("Took before-upgrade of shop01 (production)")
        assert program.interrupt() == 0
    assert "ended with code -9; it is begun anew" in program.output
    assert "Traceback" not in program.output


def test_it_outlives_no_bot(tmp_path: Path) -> None:
    with (
        Office(tmp_path / "unused", with_bot=False) as office,
        BotProcess(tmp_path, settings(office), secrets(office)) as program,
    ):
        program.wait_until_running()
        office.sandbox.wait_for_connections(2)
        (receiver,) = children_of(program.pid)

        program.kill()

        wait_until(lambda: not Path(f"/proc/{receiver}").exists())
        assert office.sandbox.connections == 0


class DyingFirst(Beside):
    """The first acknowledges one command, and dies before it hands that over."""

    def __call__(self) -> OnThreads:
        if self.receivers:
            return super().__call__()

        def make(given: Given, tell: Callable[[Line], None]) -> Receiver:
            def tell_no_command(line: Line) -> None:
                if "came" in line:
                    child.stdin.close()
                else:
                    tell(line)

            return self._make(given, tell_no_command)

        child = OnThreads(make)
        return child


class _Office(Office):
    def more_of_the_bot(self) -> MoreOfTheBot:
        return {"receiver": DyingFirst()}


def test_a_command_that_it_acknowledged_and_took_with_it_is_told_as_lost(data_dir: Path) -> None:
    with _Office(data_dir) as office:
        office.add_vm("shop01")

        with office.nothing_changes():
            outcome = office.type("ada", "/checkpoint shop01 before-upgrade")
            assert outcome.error is None
            told = office.wait_for_text("I was stopped while I looked into what you asked")

        assert "/checkpoint shop01 before-upgrade" in told.seen
        wait_until(lambda: office.ledger.arrivals.unanswered() == ())
        office.sandbox.wait_for_connections(2)
        office.type("ada", "/checkpoint shop01 before-upgrade")
        office.wait_for_text("Took before-upgrade of shop01")


class _WithPrograms(Office):
    begun: tuple[Process, ...] = ()

    def more_of_the_bot(self) -> MoreOfTheBot:
        return {"receiver": self._begin}

    def _begin(self) -> Process:
        self.begun = (*self.begun, Process())
        return self.begun[-1]


def test_one_that_hangs_is_replaced_by_a_bot_that_was_only_started(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _WithPrograms(data_dir) as office:
        office.add_vm("shop01")
        os.kill(office.begun[0].pid, signal.SIGSTOP)

        with monkeypatch.context() as much_later:
            much_later.setattr("bot.slack.socket_mode.HUNG", -1.0)
            wait_until(lambda: len(office.begun) > 1)

        office.sandbox.wait_for_connections(2)
        office.type("ada", "/checkpoint shop01 before-upgrade")
        office.wait_for_text("Took before-upgrade of shop01")

"""The receiver as a program of its own: what it is given, what it outlives, and what becomes of the bot without it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from bot.sandbox import Sandbox
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from bot.slack.outbox import Outbox
from bot.slack.receiver import Given, Line, Receiver
from bot.slack.socket_mode import Process, SocketMode
from bot.slack.websocket import NotConnected
from tests.support.receiving import OnThreads
from tests.support.slack import DeskOfATest
from tests.support.waiting import DEADLINE, wait_until

Begun = list[Process]


@pytest.fixture
def begun() -> Begun:
    """The programs so far."""
    return []


@pytest.fixture
def lost() -> list[int]:
    """How many programs had ended each time that those were told whose requests were lost."""
    return []


@pytest.fixture
def socket_mode(
    sandbox: Sandbox, desk: DeskOfATest, outbox: Outbox, intake: Intake, given: Given, begun: Begun, lost: list[int]
) -> Iterator[SocketMode]:
    app = build_app(desk, outbox, intake, api_url=sandbox.api_url)

    def begin() -> Process:
        begun.append(Process())
        return begun[-1]

    made = SocketMode(app, intake, given, begin=begin, tell_lost=lambda: lost.append(len(begun)))
    yield made
    made.stop(2)


def test_commands_and_searches_are_served(sandbox: Sandbox, socket_mode: SocketMode, desk: DeskOfATest) -> None:
    socket_mode.start()
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None
    desk.wait()
    assert socket_mode.alive == 2


def test_one_that_is_killed_is_replaced_when_those_are_told_whose_requests_it_took_with_it(
    sandbox: Sandbox,
    socket_mode: SocketMode,
    desk: DeskOfATest,
    begun: Begun,
    lost: list[int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket_mode.start()
    os.kill(begun[0].pid, signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
    wait_until(lambda: len(begun) == 2 and socket_mode.alive == 2)
    assert lost == [1]
    assert "The program that holds the connections to Slack ended with code -9; it is begun anew." in caplog.text
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None
    desk.wait()


def test_signals_for_the_bot_do_not_end_it(sandbox: Sandbox, socket_mode: SocketMode, begun: Begun) -> None:
    socket_mode.start()
    for one in (signal.SIGINT, signal.SIGTERM):
        os.kill(begun[0].pid, one)
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None
    assert len(begun) == 1


def test_it_ends_with_the_bot(sandbox: Sandbox, socket_mode: SocketMode, begun: Begun) -> None:
    socket_mode.start()
    assert socket_mode.stop(1)
    assert begun[0].ended() == "with code 0"
    assert sandbox.connections == 0


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_gets_no_secret_but_the_app_token(
    sandbox: Sandbox, given: Given, socket_mode: SocketMode, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHECKPOINTBOT_HOST_DEFAULTS__PASSWORD", "of-a-host")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.net:8080")
    socket_mode.start()
    shown = [Path(f"/proc/{begun[0].pid}/{what}").read_bytes() for what in ("environ", "cmdline")]
    assert b"proxy.example.net" in shown[0]
    assert not any(secret in text for text in shown for secret in (b"of-a-host", given.app_token.encode()))


def test_what_slack_refuses_is_said_and_may_be_tried_again(
    sandbox: Sandbox, socket_mode: SocketMode, begun: Begun
) -> None:
    sandbox.fail("apps.connections.open", error="invalid_auth", times=1)
    with pytest.raises(NotConnected, match="does not know the app token") as refused:
        socket_mode.start()
    assert refused.value.lasting
    socket_mode.start()
    assert (socket_mode.alive >= 1, len(begun)) == (True, 1)


@pytest.mark.parametrize("fault", ["it cannot be begun", "it ends at once"])
def test_a_program_that_does_not_run_is_no_reason_to_give_up(
    sandbox: Sandbox, outbox: Outbox, desk: DeskOfATest, intake: Intake, given: Given, fault: str
) -> None:
    def begin() -> OnThreads:
        if fault == "it cannot be begun":
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return OnThreads(ended_at_once)

    def ended_at_once(given: Given, tell: Callable[[Line], None]) -> Receiver:
        raise SystemExit(1)

    one = SocketMode(build_app(desk, outbox, intake, api_url=sandbox.api_url), intake, given, begin=begin)
    one.prepare()
    with pytest.raises(NotConnected, match="the program that holds the connections to Slack") as failed:
        one.start()
    assert not failed.value.lasting
    assert one.stop(1)


def test_what_it_logs_is_in_the_log_of_the_bot(
    sandbox: Sandbox, socket_mode: SocketMode, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.fail("apps.connections.open", delay=0)  # the first call passes
    sandbox.fail("apps.connections.open", error="too_many_websockets", times=1)
    socket_mode.start()
    wait_until(lambda: "no second connection" in caplog.text)
    (record,) = [one for one in caplog.records if "no second connection" in one.getMessage()]
    assert (record.name, record.levelno) == ("bot.slack.connection", logging.WARNING)


class Talk:
    """A receiver that says what the test says."""

    def __init__(self) -> None:
        heard, stdin = os.pipe()
        stdout, told = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self._heard, self._told = os.fdopen(heard, "rb"), os.fdopen(told, "wb")

    def say(self, line: bytes) -> None:
        self._told.write(line + b"\n")
        self._told.flush()

    def kill(self) -> None:
        self._told.close()

    def ended(self) -> str:
        for one in (self.stdout, self._heard, self._told):
            one.close()
        return "as the test wants"


def test_what_makes_no_sense_ends_it(
    sandbox: Sandbox, outbox: Outbox, desk: DeskOfATest, intake: Intake, given: Given, caplog: pytest.LogCaptureFixture
) -> None:
    talk = Talk()
    one = SocketMode(build_app(desk, outbox, intake, api_url=sandbox.api_url), intake, given, begin=lambda: talk)
    one.prepare()
    talk.say(b"no JSON")
    with pytest.raises(NotConnected, match="ended as the test wants"):
        one.start()
    assert "could not be taken" in caplog.text
    one.stop(1)


def test_of_one_that_says_nothing_any_more_no_connection_counts(
    socket_mode: SocketMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket_mode.start()
    assert socket_mode.alive
    monkeypatch.setattr("bot.slack.socket_mode.SILENT", -1.0)
    assert socket_mode.alive == 0


@pytest.mark.skipif(sys.platform == "win32", reason="nothing can be made to hang there")
def test_one_that_hangs_is_ended_and_replaced(
    sandbox: Sandbox, socket_mode: SocketMode, begun: Begun, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket_mode.start()
    os.kill(begun[0].pid, signal.SIGSTOP)
    with monkeypatch.context() as much_later:
        much_later.setattr("bot.slack.socket_mode.HUNG", -1.0)
        wait_until(lambda: len(begun) > 1)
    wait_until(lambda: socket_mode.alive == 2)
    assert sandbox.command("ada", "#ops", "/checkpoint list").error is None


def test_what_waits_for_an_answer_when_it_dies_is_dropped(
    sandbox: Sandbox, outbox: Outbox, desk: DeskOfATest, intake: Intake, given: Given
) -> None:
    """Slack tells the person that it failed: it is not carried out behind their back."""
    talk = Talk()
    one = SocketMode(build_app(desk, outbox, intake, api_url=sandbox.api_url), intake, given, begin=lambda: talk)
    one.prepare()
    talk.say(SUBMITTED)
    wait_until(lambda: len(desk.kept) == 1)
    talk.kill()
    wait_until(lambda: not desk.kept)
    assert desk.seen == []
    one.stop(DEADLINE)


SUBMITTED = (
    b'{"asked": 1, "id": "e1", "payload": {"type": "view_submission", "user": {"id": "U1"}, "team": {"id": "T1"}, '
    b'"view": {"id": "V1", "type": "modal", "callback_id": "create", "private_metadata": "{}"}}}'
)

"""What the doctor says of requests over HTTP: it asks the running bot what Slack asks of a new address."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from bot.operations.doctor import State, workspace
from bot.operations.doctor.findings import Check
from bot.operations.doctor.workspace import http
from bot.settings import Settings, SlackSettings
from bot.slack.http import HttpServer
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from tests.support.board import Board
from tests.support.slack import DeskOfATest

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture(scope="module")
def server() -> Iterator[HttpServer]:
    intake = Intake(workers=1, for_presses=0, waiting=1)
    app = build_app(DeskOfATest(), Board(), intake, api_url="http://127.0.0.1:9/api/")
    running = HttpServer(app, intake, SECRET, listen="127.0.0.1:0")
    running.start()
    yield running
    running.stop(1)


def look(listen: str, secret: str = SECRET) -> Check:
    slack = SlackSettings(bot_token=SecretStr("xoxb-1"), mode="http", signing_secret=SecretStr(secret), listen=listen)
    (found,) = http(Settings(slack=slack))
    return found


def test_a_bot_that_takes_signed_requests_is_well(server: HttpServer) -> None:
    assert look(f"127.0.0.1:{server.port}").state is State.WORKS
    assert look(f"0.0.0.0:{server.port}").state is State.WORKS


def test_another_secret_than_the_running_bots_is_a_fault(server: HttpServer) -> None:
    found = look(f"127.0.0.1:{server.port}", "another")
    assert found.is_fault
    assert "answers 401 to a request that is signed" in found.line


def test_who_listens_and_does_not_answer_is_not_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        found = look(f"127.0.0.1:{silent.getsockname()[1]}")

    assert found.is_fault
    assert "has not answered within 0.2 seconds" in found.line


def test_where_nobody_listens_nothing_is_claimed() -> None:
    found = look("127.0.0.1:9")
    assert found.state is State.UNSEEN
    assert "the bot is not running" in found.line

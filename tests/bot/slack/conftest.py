"""A sandbox to talk to, and the desk behind the app."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox import Sandbox
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from bot.slack.outbox import Outbox
from bot.slack.pace import Pace
from bot.slack.receiver import Given
from bot.slack.socket_mode import SocketMode
from bot.slack.web import posting_client
from tests.support.receiving import Beside
from tests.support.slack import Bot, DeskOfATest


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def desk() -> DeskOfATest:
    return DeskOfATest()


@pytest.fixture
def outbox(sandbox: Sandbox) -> Outbox:
    return Outbox(posting_client(sandbox.bot_token, sandbox.api_url), Pace(interval=0.01))


@pytest.fixture
def intake() -> Intake:
    return Intake(workers=4, for_presses=0, waiting=4)


@pytest.fixture
def given(sandbox: Sandbox, tmp_path: Path) -> Given:
    """What the receiver needs to know."""
    ledger = str(tmp_path / "ledger.db")
    return Given(sandbox.app_token, sandbox.api_url, "/checkpoint", ledger, logging.INFO)


@pytest.fixture
def bot(sandbox: Sandbox, desk: DeskOfATest, outbox: Outbox, intake: Intake, given: Given) -> Iterator[Bot]:
    """Connected to the sandbox by two connections."""
    app = build_app(desk, outbox, intake, api_url=sandbox.api_url, new_reference=lambda: "abcd1234")
    beside = Beside()
    connections = SocketMode(app, intake, given, begin=beside)
    connections.start()
    sandbox.wait_for_connections(2)
    yield Bot(desk, outbox, intake, connections, beside.receivers[-1])
    connections.stop(2)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds work up until it is set; it is, at the end."""
    event = threading.Event()
    yield event
    event.set()

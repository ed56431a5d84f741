"""A sandbox to talk to, and the desk behind the app."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import pytest

from bot.sandbox import Sandbox
from bot.slack.connection import Connections
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from bot.slack.outbox import Outbox
from bot.slack.pace import Pace
from bot.slack.web import posting_client
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
def bot(sandbox: Sandbox, desk: DeskOfATest, outbox: Outbox, intake: Intake) -> Iterator[Bot]:
    """Connected to the sandbox by two connections."""
    app = build_app(desk, outbox, intake, api_url=sandbox.api_url, new_reference=lambda: "abcd1234")
    connections = Connections(
        app, intake, sandbox.app_token, api_url=sandbox.api_url, chance=random.Random(0), check_every=0.05
    )
    connections.start()
    sandbox.wait_for_connections(2)
    yield Bot(desk, outbox, intake, connections)
    connections.stop(2)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Holds work up until it is set; it is, at the end."""
    event = threading.Event()
    yield event
    event.set()

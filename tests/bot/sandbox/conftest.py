"""A sandbox, and unmodified Bolt apps that work against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from slack_bolt import App
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient

from bot.sandbox import Sandbox
from tests.support.clock import UnixClock

CLOSING = ThreadPoolExecutor()
"""Closes handlers behind the tests' backs: it takes the SDK seconds, and nothing depends on how it ends."""


@pytest.fixture
def clock() -> UnixClock:
    return UnixClock()


@pytest.fixture
def sandbox(clock: UnixClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock, random=Random(1), ack_timeout=2.0, event_retries=(0.0, 0.0)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return WebClient(sandbox.bot_token, base_url=sandbox.api_url)


@pytest.fixture
def new_app(sandbox: Sandbox) -> Callable[[], App]:
    """Makes an app as its author would, but for the address."""

    def make() -> App:
        return App(client=WebClient(sandbox.bot_token, base_url=sandbox.api_url))

    return make


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Callable[[App, int], list[SocketModeHandler]]]:
    """Connects an app by as many Socket Mode connections as are wanted."""
    handlers: list[SocketModeHandler] = []

    def make(app: App, connections: int = 1) -> list[SocketModeHandler]:
        made = [SocketModeHandler(app, sandbox.app_token, ping_interval=1) for _ in range(connections)]
        for handler in made:
            handlers.append(handler)
            handler.connect()
        sandbox.wait_for_connections(len(handlers))
        return made

    yield make
    for handler in handlers:
        handler.client.auto_reconnect_enabled = False
        CLOSING.submit(handler.close)

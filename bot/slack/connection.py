"""Socket Mode: two connections that are watched, and replaced before they are missed."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from slack_bolt import App
from slack_bolt.adapter.socket_mode.internals import send_response
from slack_sdk import WebClient
from slack_sdk.errors import SlackClientNotConnectedError
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.dispatch.requests import SeenLately
from bot.slack.intake import Intake
from bot.slack.listeners import serve
from bot.slack.web import reading_client
from bot.slack.websocket import Deliver, NotConnected, SocketClient

STEADY = 60.0
"""Seconds after which a connection counts as good again, and the next one is tried without delay."""

LONGEST_PAUSE, LONGEST_PAUSE_OF_A_SPARE = 30.0, 300.0
"""Seconds between tries: when no connection is left, and when another one does the work."""

CLOSING = 1.5
"""Seconds that the connections get to close."""

_log = logging.getLogger(__name__)


class Connections:
    """The connections over which deliveries come in. Slack gives each delivery to one of them."""

    def __init__(
        self,
        app: App,
        intake: Intake,
        app_token: str,
        *,
        api_url: str,
        count: int = 2,
        chance: random.Random | None = None,
        check_every: float = 1.0,
        on_ack: Callable[[float], None] | None = None,
    ) -> None:
        """`on_ack` is told how long each acknowledgement took to leave, in seconds."""
        self._app = app
        self._intake = intake
        self._seen = SeenLately()
        self._stopping = threading.Event()
        self._away = threading.Event()
        self._chance = chance or random.Random()  # noqa: S311 - spreads reconnects, guards nothing
        self._check_every = check_every
        self._on_ack = on_ack
        client = reading_client(None, api_url)
        self._lines = [_Line(app_token, client, self.deliver, self._stopping) for _ in range(count)]

    def start(self) -> None:
        """Open the connections, and keep them open from now on.

        Raises `NotConnected` when the first cannot be opened. A second one is a spare: its failure is logged, and it
        is tried again.
        """
        first, *spares = self._lines
        first.open()
        for spare in spares:
            try:
                spare.open()
            except NotConnected as error:
                _log.warning("There is no second connection to Slack yet: %s", error)
        for line in self._lines:
            threading.Thread(target=self._watch, args=(line,), name="slack-watch", daemon=True).start()

    @property
    def alive(self) -> int:
        """How many connections hold."""
        return sum(line.alive for line in self._lines)

    def wait(self) -> None:
        """Wait until `stop` is called."""
        while not self._stopping.wait(1):  # on Windows, a wait without end would keep Ctrl-C waiting too
            pass

    def stop(self, seconds: float = 10.0) -> bool:
        """Stop: take up nothing new, let what was taken up come to its end for at most `seconds`, and close.

        Until they are closed, the connections still acknowledge, and people are told that the bot is stopping. True
        when all work was done. Closing takes a second more.
        """
        self._intake.close()
        drained = self._intake.drain(seconds)
        if not drained:
            _log.warning("Requests were still under way %.1f seconds after the stop began.", seconds)
        self._stopping.set()
        closers = [threading.Thread(target=line.close, daemon=True) for line in self._lines]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(CLOSING / len(closers))
        return drained

    def deliver(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Take one delivery: acknowledge it first, and start the work only when that has left."""
        if not self._seen.first(request.envelope_id):
            _log.info("A delivery came twice; it is acknowledged again and not done again.")
            client.send_socket_mode_response({"envelope_id": request.envelope_id})
            return
        came = time.monotonic()
        served = serve(self._app, request.payload, request.envelope_id)
        try:
            send_response(client, request, served.ack, time.time())
        except (SlackClientNotConnectedError, OSError) as error:
            # Slack tells the person that it failed, so it must not happen behind their back.
            self._seen.forget(request.envelope_id)
            _log.warning("A delivery could not be acknowledged and was dropped: %s", type(error).__name__)
            for drop in served.otherwise:
                drop()
            return
        if self._on_ack is not None:
            self._on_ack(time.monotonic() - came)
        for work in served.afterwards:
            work()

    def _watch(self, line: _Line) -> None:
        tries = 0
        while not line.wait_for_trouble(self._check_every):
            announced = line.replacement_wanted
            if line.alive and not announced:
                tries = 0 if line.age > STEADY else tries
                continue
            at_once = announced and tries == 0
            spare = any(other.alive for other in self._lines if other is not line)
            if not at_once and self._stopping.wait(pause(tries, self._chance, spare=spare)):
                return
            tries += 1
            try:
                line.open()
            except NotConnected as error:
                self._say_away(error)
            else:
                self._say_back()

    def _say_away(self, error: NotConnected) -> None:
        """Once for all tries: no delivery comes in. While another connection does the work, nobody misses this one."""
        if any(line.alive for line in self._lines):
            _log.info("One connection to Slack is down, another does the work: %s", error)
        elif not self._away.is_set():
            self._away.set()
            _log.error("Slack is away, and is tried again: %s", error)

    def _say_back(self) -> None:
        if self._away.is_set():
            self._away.clear()
            _log.warning("Slack is back.")


def pause(tries: int, chance: random.Random, *, spare: bool) -> float:
    """Seconds before the next try to connect: longer each time, and never the same for all bots of a workspace.

    `spare` says that another connection does the work meanwhile.
    """
    longest = LONGEST_PAUSE_OF_A_SPARE if spare else LONGEST_PAUSE
    return min(longest, 0.25 * 2.0 ** min(tries, 12)) * (0.5 + chance.random())


class _Line:
    """One connection, and its successor: a new one is opened before the old one is closed."""

    def __init__(
        self,
        app_token: str,
        web_client: WebClient,
        deliver: Deliver,
        stopping: threading.Event,
    ) -> None:
        self._app_token = app_token
        self._web_client = web_client
        self._deliver = deliver
        self._stopping = stopping
        self._client: SocketClient | None = None
        self._opened_at = 0.0
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        return self._client is not None and self._client.alive

    @property
    def replacement_wanted(self) -> bool:
        """Slack is about to close the connection and asks for a new one."""
        return self._client is not None and self._client.replacement_wanted.is_set()

    @property
    def age(self) -> float:
        return time.monotonic() - self._opened_at

    def wait_for_trouble(self, seconds: float) -> bool:
        """Wait `seconds`, or until a replacement is wanted. True when the bot is stopping."""
        if self._client is None:
            return self._stopping.wait(seconds)
        self._client.replacement_wanted.wait(seconds)
        return self._stopping.is_set()

    def open(self) -> None:
        """Open a connection, and retire the one there was. Raises `NotConnected`."""
        client = SocketClient(self._app_token, self._web_client, self._deliver)
        try:
            client.open()
        except NotConnected:
            client.close()
            raise
        with self._lock:
            retired: SocketClient | None = client
            if not self._stopping.is_set():
                retired, self._client, self._opened_at = self._client, client, time.monotonic()
        if retired is not None:
            threading.Thread(target=self._retire, args=(retired,), name="slack-retire", daemon=True).start()

    def close(self) -> None:
        """Close for good. The bot is stopping by then, so no successor takes its place."""
        with self._lock:
            client = self._client
        if client is not None:
            client.replacement_wanted.set()  # wakes the watch
            client.close()

    def _retire(self, client: SocketClient) -> None:
        """What is still on its way over the old connection is acknowledged over the old connection."""
        self._stopping.wait(2 if client.alive else 0)
        client.close()

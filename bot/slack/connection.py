"""Socket Mode: two connections that are watched, and replaced before they are missed."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from slack_sdk import WebClient

from bot.slack.web import reading_client
from bot.slack.websocket import Deliver, NotConnected, SocketClient

STEADY = 60.0
"""Seconds after which a connection counts as good again, and the next one is tried without delay."""

LONGEST_PAUSE, LONGEST_PAUSE_OF_A_SPARE = 30.0, 300.0
"""Seconds between tries: when no connection is left, and when another one does the work."""

CHECK_EVERY = 3.0
"""Seconds between looks at a connection, each of which is a ping."""

BEAT = 10.0
"""Seconds after which it is said again how many connections hold."""

CLOSING = 1.5
"""Seconds that the connections get to close."""

_log = logging.getLogger(__name__)


class Connections:
    """The connections over which deliveries come in. Slack gives each delivery to one of them."""

    def __init__(
        self,
        app_token: str,
        deliver: Deliver,
        *,
        api_url: str,
        count: int = 2,
        chance: random.Random | None = None,
        check_every: float = CHECK_EVERY,
        tell_alive: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`deliver` is called with each delivery and the client that is to acknowledge it, and `tell_alive` with how
        many connections hold: when that has changed, and every `BEAT` seconds."""
        self._stopping = threading.Event()
        self._away = threading.Event()
        self._chance = chance or random.Random()  # noqa: S311 - spreads reconnects, guards nothing
        self._check_every = check_every
        self._tell_alive = tell_alive
        self._told = 0
        self._telling = threading.Lock()
        client = reading_client(None, api_url)
        self._lines = [_Line(app_token, client, deliver, self._stopping) for _ in range(count)]

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
        self._say_alive()
        for line in self._lines:
            threading.Thread(target=self._watch, args=(line,), name="slack-watch", daemon=True).start()
        threading.Thread(target=self._beat, name="slack-beat", daemon=True).start()

    @property
    def alive(self) -> int:
        """How many connections hold."""
        return sum(line.alive for line in self._lines)

    def close(self) -> None:
        """Close them, when what is in hand is acknowledged. That takes a second and a half at the most."""
        self._stopping.set()
        closers = [threading.Thread(target=line.close, daemon=True) for line in self._lines]
        for closer in closers:
            closer.start()
        for closer in closers:
            closer.join(CLOSING / len(closers))

    def _beat(self) -> None:
        """By itself: who replaces a connection may be waiting for Slack."""
        while not self._stopping.wait(BEAT):
            with self._telling:
                self._tell_alive(self.alive)

    def _say_alive(self) -> None:
        with self._telling:
            alive = self.alive
            if alive != self._told:
                self._tell_alive(alive)
                self._told = alive

    def _watch(self, line: _Line) -> None:
        tries = 0
        while not line.wait_for_trouble(self._check_every):
            try:
                tries = self._looked_after(line, tries)
            except Exception:  # whatever it was: nobody else replaces this connection
                _log.exception("A connection to Slack was not looked after as it should be, and is looked at again.")
                self._stopping.wait(pause(tries, self._chance, spare=False))
                tries += 1

    def _looked_after(self, line: _Line, tries: int) -> int:
        """Replace it where it does not hold. How often that was tried without a connection that stays."""
        holds, announced = line.check(), line.replacement_wanted
        self._say_alive()
        if holds and not announced:
            return 0 if line.age > STEADY else tries
        at_once = announced and tries == 0
        spare = any(other.alive for other in self._lines if other is not line)
        if not at_once and self._stopping.wait(pause(tries, self._chance, spare=spare)):
            return tries
        try:
            line.open()
        except NotConnected as error:
            self._say_away(error)
        else:
            self._say_back()
            self._say_alive()
        return tries + 1

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

    def check(self) -> bool:
        """Whether it holds, by asking it."""
        return self._client is not None and self._client.check()

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

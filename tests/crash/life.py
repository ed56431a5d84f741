"""One life of the bot: a process of its own, forked off one that has imported everything, so that it starts soon."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock

import sqlalchemy.dialects.sqlite  # noqa: F401 - DBOS imports it when it is launched

from bot.changes.execution import Timeouts
from bot.fleet.inventory import UNASKED
from bot.settings import Settings
from bot.wiring import Bot
from tests.crash.tripwires import Tripwires
from tests.support.waiting import DEADLINE, OFTEN, comes

BIRTH = DEADLINE
"""Seconds in which a bot must take commands; it takes less than one when the machine is idle."""

_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload([__name__])
gc.freeze()  # what was imported is there until each life ends


class NotAlive(Exception):
    """The bot does not run, and was not killed."""


class Life:
    """A bot that runs until it is killed, from inside at a place of `Tripwires` or from outside at any moment."""

    def __init__(
        self, settings: Settings, log: Path, kill_at: str | None = None, timeouts: Timeouts | None = None
    ) -> None:
        self._here, there = _fork.Pipe()
        self._process = _fork.Process(target=_live, args=(settings, log, kill_at, timeouts, there), daemon=True)
        self._process.start()
        there.close()
        self._asking = Lock()

    @property
    def over(self) -> bool:
        with self._asking:
            return not self._process.is_alive()

    @property
    def was_killed(self) -> bool:
        with self._asking:
            return self._process.exitcode == -signal.SIGKILL

    def wait_until_ready(self) -> bool:
        """Whether it takes commands; False when it died before. Raises `NotAlive`."""
        ready = wait([self._here, self._process.sentinel], BIRTH)
        if not ready:
            raise NotAlive("the bot does not start")
        return self._here in ready and self._heard() == "ready"

    def kill(self) -> None:
        """SIGKILL; comes back when the process is gone."""
        with self._asking:
            self._process.kill()
            self._process.join()

    def look(self) -> None:
        """Let it look at what is over, as it does every hour."""
        with suppress(OSError):
            self._here.send("look")

    def stop(self) -> tuple[str, ...] | None:
        """Let it stop by itself; the places that it has passed. None where it was killed first."""
        with suppress(OSError):
            self._here.send("stop")
        passed = self._heard()
        with self._asking:
            self._process.join()
        return passed if isinstance(passed, tuple) else None

    def _heard(self) -> object:
        try:
            return self._here.recv()
        except (EOFError, OSError):
            return None


def _live(settings: Settings, log: Path, kill_at: str | None, timeouts: Timeouts | None, parent: Connection) -> None:
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 2)
    logging.basicConfig(level=logging.INFO, format="%(process)d %(asctime)s %(name)s %(message)s")
    tripwires = Tripwires(kill_at)
    tripwires.lay()
    bot = Bot(settings, timeouts=timeouts, seldom=OFTEN)
    bot.start()
    # On a busy machine the first look takes a while, and people are told meanwhile that the host could not be asked.
    comes(lambda: all(host.problem != UNASKED for host in bot._core.inventory.hosts()), DEADLINE / 3)
    parent.send("ready")
    while parent.recv() == "look":
        bot._core.expiry.start()
    bot.stop()
    parent.send(tripwires.passed)

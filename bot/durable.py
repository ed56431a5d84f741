"""The steps of workflows as DBOS keeps them, and where: each is run once, and none is begun while the bot stops."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Condition, Event
from typing import TypeVar

from dbos import DBOS

T = TypeVar("T")


class DBOSJournal:
    """Steps kept by DBOS, until the bot stops."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._running = 0
        self._stopping = False
        self._gone = Event()

    def step(self, name: str, act: Callable[[], T]) -> T:
        with self._changed:
            self._running += not self._stopping
            stopping = self._stopping
        if stopping:
            # An error raised while DBOS still runs would end the workflow for good; after that it stays pending.
            self._gone.wait()
            raise Stopped
        try:
            return DBOS.run_step({"name": name}, act)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        DBOS.sleep(seconds)

    def drain(self, seconds: float) -> None:
        """Begin no more steps, and wait for those under way."""
        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: self._running == 0, seconds)

    def end(self) -> None:
        """DBOS is gone."""
        self._gone.set()


class Stopped(Exception):
    """The bot stops; the workflow is taken up at the next launch."""


def sqlite_jobs(path: Path) -> str:
    """The URL of a database file for the workflows, which is made if there is none.

    In journal mode WAL, as the ledger is, a commit is flushed to the disk once and not two or three times. The mode is
    kept in the file, and DBOS leaves it as it is (seen with 3.4).
    """
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
    return f"sqlite:///{path.absolute()}"

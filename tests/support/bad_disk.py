"""A disk that takes no write: full, or with an error, from one write of the bot's databases on."""

from __future__ import annotations

import resource
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import pytest
from sqlalchemy import event
from sqlite_utils import Database

from bot.core import Core
from bot.ledger.store import Store

FAILING = 2
"""Writes in a row that meet the bad disk, tries of the same one included."""


class Trouble(StrEnum):
    """What the disk answers."""

    FULL = "full"
    """As SQLite says it when there is no room, at the end of what was to be written."""
    ERROR = "I/O error"
    """The kernel refuses every write of this process to a file."""


class BadDisk:
    """Fails at the n-th write of either database, and at the ones right after it."""

    def __init__(self, core: Core, patches: pytest.MonkeyPatch) -> None:
        self._lock = threading.Lock()
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._first: int | None = None
        self._trouble = Trouble.FULL
        self.begun = 0
        """Writes so far."""
        self._watch_ledger(patches)
        self._jobs = core._durable._dbos._sys_db.engine
        event.listen(self._jobs, "do_execute", self._job)

    def fail_at(self, number: int, trouble: Trouble) -> None:
        with self._lock:
            self.begun, self._first, self._trouble = 0, number, trouble

    def mend(self) -> None:
        """Also counts from the beginning."""
        with self._lock:
            self._first, self.begun = None, 0
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    @property
    def is_over(self) -> bool:
        """What was to fail has failed."""
        return self._first is not None and self.begun >= self._first

    def close(self) -> None:
        self.mend()
        event.remove(self._jobs, "do_execute", self._job)

    def _watch_ledger(self, patches: pytest.MonkeyPatch) -> None:
        write = Store.write

        @contextmanager
        def watched(store: Store, *, passing: bool = False) -> Iterator[Database]:
            with write(store, passing=passing) as db:
                full = self._next()
                yield db
                if full:
                    raise _full()

        patches.setattr(Store, "write", watched)

    def _job(self, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")) and self._next():
            raise _full()

    def _next(self) -> bool:
        """Whether the next write finds the disk full. An error is the kernel's."""
        with self._lock:
            self.begun += 1
            bad = self._first is not None and self._first <= self.begun < self._first + FAILING
            error = bad and self._trouble is Trouble.ERROR
            resource.setrlimit(resource.RLIMIT_FSIZE, (1, self._limits[1]) if error else self._limits)
            return bad and not error


def _full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_FULL, "SQLITE_FULL"
    return error

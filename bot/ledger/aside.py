"""The file beside the ledger for what comes with every command and is gone with its answer.

An SQLite database of its own, so that no commit waits for who writes in the ledger; and with `synchronous=OFF`, so that
none waits for the disk. What was committed outlives the process; a power cut may take it, or leave the file damaged.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from sqlite_utils import Database

from bot.ledger.errors import LedgerError, speaking, trouble_of

VERSION = 1
"""Of the file, in its `user_version`."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_log = logging.getLogger(__name__)


class _Damaged(sqlite3.DatabaseError):
    """SQLite opens it, and finds something wrong in it."""


class Aside:
    """Safe to use from many threads. It is opened, and made where there is none, when it is first used."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._lock = Lock()
        self._db: Database | None = None
        self._closed = False

    @contextmanager
    def open(self) -> Iterator[Database]:
        """For one statement, which commits by itself. Raises `LedgerError`."""
        with self._lock, speaking(self._path):
            if self._closed:
                raise LedgerError(f"The file {self._path} is closed.")
            self._db = self._db or self._opened()
            yield self._db

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._db is not None:
                self._db.close()

    def _opened(self) -> Database:
        try:
            return self._connect()
        except sqlite3.DatabaseError as error:
            if not isinstance(error, _Damaged) and getattr(error, "sqlite_errorcode", 0) & 0xFF not in DAMAGED:
                raise
            self._set_aside(str(error))
            return self._connect()

    def _connect(self) -> Database:
        try:
            self._path.touch(mode=0o600)
        except OSError as error:
            raise trouble_of(self._path, error) from error
        db = Database(sqlite3.connect(self._path, isolation_level=None, check_same_thread=False), execute_plugins=False)
        try:
            db.execute("PRAGMA journal_mode = wal")
            db.execute("PRAGMA synchronous = off")
            if db.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                db.execute(self._schema)
                db.execute(f"PRAGMA user_version = {VERSION}")
            if (found := db.execute("PRAGMA quick_check").fetchone()) != ("ok",):
                raise _Damaged(str(found))
        except BaseException:
            db.close()
            raise
        return db

    def _set_aside(self, why: str) -> None:
        away = self._path.with_name(f"{self._path.name}.damaged")
        _log.error("%s is damaged (%s): it is kept as %s, and a new one is begun.", self._path, why, away.name)
        try:
            self._path.replace(away)
            for end in ("-wal", "-shm"):
                self._path.with_name(f"{self._path.name}{end}").unlink(missing_ok=True)
        except OSError as error:
            raise trouble_of(self._path, error) from error

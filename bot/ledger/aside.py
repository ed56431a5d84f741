"""The file beside the ledger for what comes with every command and is gone with its answer.

An SQLite database of its own, so that no commit waits for who writes in the ledger; and with `synchronous=OFF`, so that
none waits for the disk. What was committed outlives the process; a power cut may take it, or leave the file damaged.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

from sqlite_utils import Database

from bot.ledger.errors import LedgerError, speaking, trouble_of

VERSION = 1
"""Of the file, in its `user_version`."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_log = logging.getLogger(__name__)


class _Damaged(sqlite3.DatabaseError):
    """SQLite opens it, and finds something wrong in it."""


@dataclass(frozen=True, slots=True)
class _Write:
    statement: str
    rows: Sequence[object]
    done: Future[None] = field(default_factory=Future)


class Aside:
    """Safe to use from many threads. It is opened, and made where there is none, when it is first used."""

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._schema = schema
        self._lock = Lock()
        self._gathering = Lock()
        self._gathered: list[_Write] = []
        self._db: Database | None = None
        self._closed = False

    def write(self, statement: str, rows: Sequence[object]) -> None:
        """Carry out a statement whose one parameter is a list of rows, as JSON. Those of all who write at the same
        time go together: at every statement SQLite lets go of the interpreter, and to have it back takes as long as
        the threads that compute keep it. Raises `LedgerError`."""
        mine = _Write(statement, rows)
        with self._gathering:
            self._gathered.append(mine)
        with self._lock:
            if not mine.done.done():
                self._write_gathered()
        mine.done.result()

    def read(self, statement: str) -> list[tuple[Any, ...]]:
        """Raises `LedgerError`."""
        with self._lock, speaking(self._path):
            return list(self._opened_once().execute(statement).fetchall())

    def _write_gathered(self) -> None:
        with self._gathering:
            gathered, self._gathered = self._gathered, []
        for statement, alike in groupby(gathered, key=lambda one: one.statement):
            writes = list(alike)
            try:
                with speaking(self._path):
                    rows = [row for one in writes for row in one.rows]
                    self._opened_once().execute(statement, [json.dumps(rows)])
            except Exception as error:
                for one in writes:
                    one.done.set_exception(error)
            else:
                for one in writes:
                    one.done.set_result(None)

    def _opened_once(self) -> Database:
        if self._closed:
            raise LedgerError(f"The file {self._path} is closed.")
        self._db = self._db or self._opened()
        return self._db

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

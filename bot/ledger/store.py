"""The ledger's connections to SQLite: one that writes, as many that read as there are readers at once.

Journal mode WAL, so that readers and the writer do not wait for each other, with `synchronous=FULL`: every commit is on
the disk before the call returns. NORMAL would be quicker and would lose the last commits in a power cut, and with them
the record of what was done to a host.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import BoundedSemaphore, Lock, local

from sqlite_utils import Database

from bot.ledger.base import base_of
from bot.ledger.errors import LedgerError, speaking
from bot.ledger.migrations import check, check_current, is_older, migrate

READERS = 8
"""Read transactions at once; more wait: one takes a millisecond, and they share one interpreter. Each has three files
open, and a third of a MiB of memory."""
CACHE = 128
"""KiB of the file that each reader keeps in memory. The system keeps it too, for all of them. SQLite would take 2 MiB
for each, and a bot would grow by that as its ledger does."""
PREFIX = "checkpointbot-"
"""Of the folder of a copy."""


class Store:
    """Transactions on the database file. Safe to use from many threads; one of them writes at a time."""

    def __init__(self, path: Path, *, read_only: bool, busy_timeout: float, draft: bool = False) -> None:
        """Open the file, make it if there is none, and bring it up to date; with `read_only` leave it as it is.
        `busy_timeout` is how many seconds to wait for another program that writes; a `draft` does not wait for the
        disk.

        Raises `LedgerError`.
        """
        self.path = path.absolute()
        self._busy_timeout = busy_timeout
        self._synchronous = "off" if draft else "full"
        self._lock = Lock()
        self._writing = Lock()
        self._hurry = local()
        self._reading = BoundedSemaphore(READERS)
        self._closed = False
        self._idle: list[Database] = []
        self._writer: Database | None = None
        self._read_mode = "ro"
        try:
            with speaking(self.path):
                self._open_to_read() if read_only else self._open_to_write()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def write(self, *, passing: bool = False) -> Iterator[Database]:
        """A transaction that has the write lock from its start; it is undone when the block raises. What is `passing`
        outlives the process and does not wait for the disk: a power cut may take the last of it. It is on the disk with
        the next write that is not."""
        seconds: float | None = getattr(self._hurry, "seconds", None)
        if not self._writing.acquire(timeout=-1 if seconds is None else seconds):
            raise LedgerError(
                f"The ledger {self.path} is written by others just now. Try again in a minute.", transient=True
            )
        try:
            with speaking(self.path):
                if self._closed or self._writer is None:
                    raise self._not_open()
                with (
                    self._waiting_for_others(self._writer, seconds),
                    self._not_waiting_for_the_disk(self._writer, passing),
                    _transaction(self._writer, "BEGIN IMMEDIATE"),
                ):
                    yield self._writer
        finally:
            self._writing.release()

    @contextmanager
    def rewrite(self) -> Iterator[Database]:
        """A transaction in which rows may go that others refer to: whoever uses it checks that none is left alone. No
        other program may have the file open."""
        with self._writing, speaking(self.path):
            if self._closed or self._writer is None:
                raise self._not_open()
            self._writer.execute("PRAGMA foreign_keys = off")  # has no effect within a transaction
            try:
                with _transaction(self._writer, "BEGIN EXCLUSIVE"):
                    yield self._writer
            finally:
                self._writer.execute("PRAGMA foreign_keys = on")

    def vacuum(self) -> None:
        """Write the file anew, without the room that nothing takes any more."""
        with self._writing, speaking(self.path):
            if self._closed or self._writer is None:
                raise self._not_open()
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """What this thread writes inside waits no longer than that for other threads, nor for other programs."""
        self._hurry.seconds = seconds
        try:
            yield
        finally:
            self._hurry.seconds = None

    @contextmanager
    def _waiting_for_others(self, db: Database, seconds: float | None) -> Iterator[None]:
        if seconds is None:
            yield
            return
        db.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            db.execute(f"PRAGMA busy_timeout = {int(self._busy_timeout * 1000)}")

    @contextmanager
    def _not_waiting_for_the_disk(self, db: Database, passing: bool) -> Iterator[None]:
        if not passing or self._synchronous == "off":
            yield
            return
        db.execute("PRAGMA synchronous = normal")
        try:
            yield
        finally:
            db.execute(f"PRAGMA synchronous = {self._synchronous}")

    @contextmanager
    def read(self) -> Iterator[Database]:
        """The database as it is at one moment: all reads in the block see the same."""
        with self._reading, speaking(self.path):
            db = self._borrow()
            try:
                with _transaction(db, "BEGIN"):
                    yield db
            finally:
                self._give_back(db)

    def close(self) -> None:
        """Close what is open. A reader that is still at work closes its own connection when it is done."""
        with self._writing, self._lock:
            self._closed = True
            for db in [*self._idle, *([self._writer] if self._writer else [])]:
                db.close()
            self._idle.clear()
            self._writer = None

    def _open_to_write(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not self.path.exists():
                self.path.touch(mode=0o600)  # it is nobody else's business; SQLite makes -wal and -shm like it
        except OSError as error:
            raise LedgerError(f"The ledger {self.path} cannot be opened: {error.strerror}.", str(error)) from error
        self._writer = self._connect("rw")
        check(self._writer, self.path)  # before anything is written to what may be another program's
        if "chain_base" in self._writer.table_names() and base_of(self._writer).is_archive:
            raise LedgerError(f"{self.path} is an archive of a ledger, to be read. Put the ledger itself in its place.")
        self._use_wal(self._writer)
        self._writer.execute(f"PRAGMA synchronous = {self._synchronous}")
        self._writer.execute("PRAGMA journal_size_limit = 67108864")
        with _transaction(self._writer, "BEGIN IMMEDIATE"):
            migrate(self._writer, self.path)

    def _use_wal(self, db: Database) -> None:
        """SQLite does not wait for this lock by itself (seen with 3.40), so two programs that make a new ledger at once
        would be in each other's way."""
        until = time.monotonic() + self._busy_timeout
        while True:
            try:
                db.execute("PRAGMA journal_mode = wal")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
                time.sleep(0.01)

    def _open_to_read(self) -> None:
        if not self.path.is_file():
            raise LedgerError(f"There is no ledger at {self.path}. Start the bot once, or name the right file.")
        self._read_mode = _read_mode(self.path)
        with self.read() as db:
            check_current(db, self.path)

    def _connect(self, mode: str) -> Database:
        return _connect(self.path, mode, self._busy_timeout)

    def _borrow(self) -> Database:
        with self._lock:
            if self._closed:
                raise self._not_open()
            if self._idle:
                return self._idle.pop()
        db = self._connect(self._read_mode)
        db.execute(f"PRAGMA cache_size = -{CACHE}")
        return db

    def _give_back(self, db: Database) -> None:
        with self._lock:
            if self._closed:
                db.close()
            else:
                self._idle.append(db)

    def _not_open(self) -> LedgerError:
        return LedgerError(f"The ledger {self.path} {'is closed' if self._closed else 'was opened only to read'}.")


@contextmanager
def current_copy(path: Path, *, busy_timeout: float = 15.0) -> Iterator[Path]:
    """The file to read a ledger from that no bot may bring up to date, such as an archive or a backup: the file itself.
    Of one of an older version it is a copy that is brought up to date, and lasts as long as the block. Raises
    `LedgerError`.
    """
    with ExitStack() as lasting:
        path = path.absolute()
        with speaking(path):
            if path.is_file():
                with closing(_connect(path, _read_mode(path), busy_timeout)) as source:
                    if is_older(source, path):
                        path = _up_to_date(source, Path(lasting.enter_context(TemporaryDirectory(prefix=PREFIX))))
        yield path


def _up_to_date(source: Database, folder: Path) -> Path:
    path = folder / "ledger.db"
    with closing(_connect(path, "rwc", 0)) as copy:
        source.conn.backup(copy.conn)
        copy.execute("PRAGMA synchronous = off")  # it is thrown away
        with _transaction(copy, "BEGIN IMMEDIATE"):
            migrate(copy, path)
    return path


def _read_mode(path: Path) -> str:
    if os.access(path.parent, os.W_OK) or path.with_name(f"{path.name}-wal").exists():
        return "ro"
    return "ro&immutable=1"  # in WAL mode SQLite makes files beside it even to read


def _connect(path: Path, mode: str, busy_timeout: float) -> Database:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,  # transactions are begun here, in words, and never by the driver
        check_same_thread=False,  # a connection goes from thread to thread, and is used by one at a time
    )
    db = Database(connection, execute_plugins=False)
    db.execute("PRAGMA foreign_keys = on")
    return db


@contextmanager
def _transaction(db: Database, begin: str) -> Iterator[None]:
    db.execute(begin)
    try:
        yield
        db.commit()
    except BaseException:
        db.rollback()
        raise


class Part:
    """What every part of the ledger works with."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

"""What the ledger says when it cannot do what it was asked."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backends.base import ExplainedError
from bot.ledger.states import ChangeState


class LedgerError(ExplainedError):
    """The ledger cannot be read or written.

    It says nothing about any VM, so it is never the outcome of a change.
    """

    def __init__(self, sentence: str, cause: str = "", *, transient: bool = False) -> None:
        super().__init__(sentence, cause)
        self.transient = transient
        """It passes without a change to the ledger itself: locked by another program, or no room, or no access. What
        was to be written may be tried again for as long as it takes. False for a ledger that is damaged or closed."""


class Unreadable(LedgerError):
    """One row has no meaning for this version of the bot: an unknown verb or state. All others are as they were."""


class UnknownChange(LookupError):
    """No change has this id."""

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id)
        self.change_id = change_id

    def __str__(self) -> str:
        return f"no change has the id {self.change_id!r}"


class IllegalMove(Exception):
    """The change is in a state that has no way to the one that was wanted. Nothing was written."""

    def __init__(self, change_id: str, state: ChangeState, wanted: ChangeState) -> None:
        super().__init__(change_id, state, wanted)
        self.change_id = change_id
        self.state = state
        """The state it is in."""
        self.wanted = wanted

    def __str__(self) -> str:
        return f"change {self.change_id} is {self.state}; it cannot become {self.wanted}"


_SENTENCES = {
    sqlite3.SQLITE_BUSY: "Another program holds the ledger {path} locked. Close what has it open, then try again.",
    sqlite3.SQLITE_LOCKED: "Another program holds the ledger {path} locked. Close what has it open, then try again.",
    sqlite3.SQLITE_READONLY: "The ledger {path} cannot be written: it, or its folder, is read-only for this account.",
    sqlite3.SQLITE_PERM: "The ledger {path} cannot be opened: this account may not.",
    sqlite3.SQLITE_FULL: "The disk with the ledger {path} is full. Free some space on it, then try again.",
    sqlite3.SQLITE_IOERR: "The disk with the ledger {path} reports an error. Check the disk, then try again.",
    sqlite3.SQLITE_CORRUPT: "The ledger {path} is damaged. Put a backup in its place.",
    sqlite3.SQLITE_CANTOPEN: "The ledger {path} cannot be opened: its folder is missing, or closed to this account.",
    sqlite3.SQLITE_NOTADB: "{path} is not a ledger: it is not an SQLite database.",
}


_TRANSIENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""A disk that cannot be written may be written again: a volume that was full, went read-only or was unmounted. SQLite
says "cannot open" also where a process has too many files open."""


def is_trouble(error: Exception) -> bool:
    """Whether an error is trouble of one of the bot's own files that passes by itself. It is no result of what was
    tried, which may be tried again for as long as it takes."""
    return (isinstance(error, LedgerError) and error.transient) or (
        isinstance(error, OSError) and error.errno in _DISK_TROUBLE
    )


_DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})


_CODES = {
    errno.ENOSPC: sqlite3.SQLITE_FULL,
    errno.EDQUOT: sqlite3.SQLITE_FULL,
    errno.EROFS: sqlite3.SQLITE_READONLY,
    errno.EACCES: sqlite3.SQLITE_CANTOPEN,
    errno.EMFILE: sqlite3.SQLITE_CANTOPEN,
    errno.ENFILE: sqlite3.SQLITE_CANTOPEN,
    errno.ENOENT: sqlite3.SQLITE_CANTOPEN,
}
"""What SQLite would say of what the system says."""


def trouble_of(path: Path, error: OSError) -> LedgerError:
    """What the system reports about a file of the ledger."""
    code = _CODES.get(error.errno or 0, sqlite3.SQLITE_IOERR)
    return LedgerError(_SENTENCES[code].format(path=path), str(error), transient=True)


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite reports about the file into a `LedgerError`; a mistake in the program stays what it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code of an extended one
        if code not in _SENTENCES:
            raise
        cause = f"{error.sqlite_errorname}: {error}"
        raise LedgerError(_SENTENCES[code].format(path=path), cause, transient=code in _TRANSIENT) from error

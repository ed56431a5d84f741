"""What the ledger says when it cannot do what it was asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.ledger.states import ChangeState


class LedgerError(Exception):
    """The ledger cannot be read or written. `sentence` is for the person, `cause` for the log."""

    def __init__(self, sentence: str, cause: str = "") -> None:
        super().__init__(sentence, cause)
        self.sentence = sentence
        self.cause = cause or sentence

    def __str__(self) -> str:
        return self.sentence


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


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite reports about the file into a `LedgerError`; a mistake in the program stays what it is."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code of an extended one
        if code not in _SENTENCES:
            raise
        raise LedgerError(_SENTENCES[code].format(path=path), f"{error.sqlite_errorname}: {error}") from error

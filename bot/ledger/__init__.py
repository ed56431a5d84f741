"""The ledger: who wanted what, who allowed it, what became of it, and what is known of checkpoints. In SQLite.

Nothing secret goes in. Events are only ever added, and each carries the hash of the one before it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from types import TracebackType

from bot.ledger.absences import Absence, Absences
from bot.ledger.archive import Archive, Cut
from bot.ledger.arrivals import Arrival, Arrivals
from bot.ledger.chain import Head
from bot.ledger.changes import Changes
from bot.ledger.checkpoints import Checkpoints, Expiring
from bot.ledger.digests import DigestRow, Digests
from bot.ledger.errors import IllegalMove, LedgerError, UnknownChange, Unreadable, is_trouble
from bot.ledger.events import Events
from bot.ledger.figures import Ended, Figures
from bot.ledger.freezes import Freeze, Freezes
from bot.ledger.greetings import Greetings
from bot.ledger.history import History
from bot.ledger.housekeeping import Housekeeping, Stage, Wanted
from bot.ledger.notices import Notice, Notices
from bot.ledger.records import TAKEN_OVER, Change, ChangeRow, Event, VMRef
from bot.ledger.samples import Sample, Samples
from bot.ledger.schedules import Own, RunNotes, RunRow, Schedules, is_by_hand
from bot.ledger.signatures import Signatures
from bot.ledger.states import LEGAL, ChangeState
from bot.ledger.store import Store, current_copy
from bot.ledger.streams import Link, Streams
from bot.ledger.verdicts import Remembered, Turn, Verdicts
from bot.ledger.verify import Audit, Breakage, Verdict

__all__ = [
    "LEGAL",
    "TAKEN_OVER",
    "Absence",
    "Arrival",
    "Breakage",
    "Change",
    "ChangeRow",
    "ChangeState",
    "Cut",
    "DigestRow",
    "Ended",
    "Event",
    "Expiring",
    "Freeze",
    "Head",
    "IllegalMove",
    "Ledger",
    "LedgerError",
    "Link",
    "Notice",
    "Own",
    "Remembered",
    "RunNotes",
    "RunRow",
    "Sample",
    "Stage",
    "Turn",
    "UnknownChange",
    "Unreadable",
    "VMRef",
    "Verdict",
    "Wanted",
    "current_copy",
    "is_by_hand",
    "is_trouble",
]


class Ledger:
    """The record, by its parts. Safe to use from many threads; whatever it cannot read or write is a `LedgerError`."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime],
        read_only: bool = False,
        draft: bool = False,
        busy_timeout: float = 15.0,
    ) -> None:
        """Open the file, make it if there is none, and bring it up to date; with `read_only` leave it as it is.
        With `draft` nothing waits for the disk: for a file that is made anew and thrown away where that is cut off.

        `clock` tells the time, with its zone; `busy_timeout` is how many seconds to wait for another program that
        writes.
        """
        self._store = store = Store(path, read_only=read_only, draft=draft, busy_timeout=busy_timeout)
        self.changes = Changes(store, clock)
        """What is asked for, and how it stands."""
        self.events = Events(store, clock)
        """What happened to a change."""
        self.history = History(store, clock)
        """The search over changes."""
        self.arrivals = Arrivals(store, clock)
        """Requests that are not answered yet."""
        self.checkpoints = Checkpoints(store, clock)
        """What the host does not know of checkpoints."""
        self.samples = Samples(store, clock)
        """Sizes over time."""
        self.digests = Digests(store, clock)
        """Which digests were posted."""
        self.housekeeping = Housekeeping(store, clock)
        """Which deletes the clock still has to do."""
        self.absences = Absences(store, clock)
        """Which hosts do not answer."""
        self.schedules = Schedules(store, clock, self.changes)
        """Recurring checkpoints, and what they made."""
        self.freezes = Freezes(store, clock, self.changes)
        """Whether nothing is changed at all."""
        self.figures = Figures(store, clock)
        """Sums over all of it."""
        self.notices = Notices(store, clock)
        """What people are told by the clock."""
        self.verdicts = Verdicts(store, clock)
        """How sound the checkpoints of each VM are."""
        self.streams = Streams(store, clock)
        """How far the chain has been handed on."""
        self.signatures = Signatures(store, clock)
        """Requests over HTTP that were taken."""
        self.greetings = Greetings(store, clock)
        """Who was told what the bot is for."""
        self.audit = Audit(store, clock)
        """Proof that all this is as the bot wrote it."""
        self.archive = Archive(store, clock)
        """What is old and over, in a file of its own."""

    def within(self, seconds: float) -> AbstractContextManager[None]:
        """What this thread writes inside waits no longer than that for the lock, and is a `LedgerError` after it."""
        return self._store.within(seconds)

    def close(self) -> None:
        self._store.close()
        self.arrivals.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

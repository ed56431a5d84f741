"""What people see of a change: its one message in the channel, posted once and brought up to date in place.

A bot that dies between the post and its record posts the message again at its next start, since Slack has no way to
post one once for an id. The copy's buttons are refused: only those of the message that the ledger knows count.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Condition, Thread

from bot.changes.card import card
from bot.changes.outcome import row_of
from bot.ledger import ChangeRow, ChangeState, Event, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, Origin
from commands.base import Reply

log = logging.getLogger(__name__)

PROGRESS_EVERY = timedelta(seconds=3)
SETTLED_IN = 0.3
"""Seconds within which a change begins when nothing is before it."""
LOOK_EVERY = 0.05
POSTING = 10.0
"""Seconds that a post takes at the most."""


class Showing:
    """Shows changes as the ledger has them. Safe to use from many threads."""

    def __init__(self, ledger: Ledger, announcer: Announcer, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._announcer = announcer
        self._clock = clock
        self._origins: dict[str, Origin] = {}
        self._progress: dict[tuple[str, str], int] = {}
        self._progress_shown: dict[str, datetime] = {}
        self._posting: set[str] = set()
        self._posted = Condition()

    def asked_from(self, change_id: str, origin: Origin) -> None:
        """The way back to the person, which the ledger does not keep."""
        self._origins[change_id] = origin

    def show(self, change_id: str) -> bool:
        """Bring the change's one message up to date. What cannot be shown is logged and noted in the ledger: the change
        goes on, and its record stays whole. Whether it could be shown."""
        try:
            self._bring_up_to_date(change_id, self._post_first(change_id))
        except AnnouncerError as error:
            log.warning("change %s could not be shown: %s", change_id, error)
            self._ledger.changes.note(change_id, "not shown", by="bot", why=str(error), detail={})
            return False
        return True

    def show_unless_quick(self, change_id: str) -> bool:
        """The same for a change that may be about to begin: one that begins at once is not shown as waiting first."""
        end = time.monotonic() + SETTLED_IN
        while row_of(self._ledger, change_id).state == ChangeState.QUEUED and time.monotonic() < end:
            time.sleep(LOOK_EVERY)
        return self.show(change_id)

    def progressed(self, change_id: str, vm_id: str, percent: int) -> None:
        """Told while a host works. What takes longer than `PROGRESS_EVERY` shows its percentage, at most that often.

        Who tells does not wait until it is shown: Slack may be slow, and the host is not.
        """
        if self._progress.get((change_id, vm_id)) == percent:
            return
        self._progress[change_id, vm_id] = percent
        now = self._clock()
        if now - self._progress_shown.setdefault(change_id, now) < PROGRESS_EVERY:
            return
        self._progress_shown[change_id] = now
        row = row_of(self._ledger, change_id)
        if row.message is not None and not row.state.final:
            Thread(target=self._show_progress, args=(change_id,), name="progress", daemon=True).start()

    def _show_progress(self, change_id: str) -> None:
        try:
            self.show(change_id)
        except LedgerError as error:
            log.info("the progress of change %s is not shown any more: %s", change_id, error)

    def vm_is_done(self, change_id: str, vm_id: str) -> None:
        """It has no progress any more."""
        self._progress.pop((change_id, vm_id), None)

    def change_is_done(self, change_id: str) -> None:
        """Forget what was kept while it was under way."""
        self._progress_shown.pop(change_id, None)
        self._origins.pop(change_id, None)

    def wait_until_posted(self, change_id: str) -> None:
        """Wait while the message is being posted: people see it a moment before the ledger knows where it stands."""
        with self._posted:
            self._posted.wait_for(lambda: change_id not in self._posting, POSTING)

    def _bring_up_to_date(self, change_id: str, shown: Reply | None) -> None:
        """Until the ledger has not gone on while it was shown: else who looked first could show last."""
        told = None
        while (events := self._ledger.events.of(change_id)) and events[-1].seq != told:
            told, row = events[-1].seq, row_of(self._ledger, change_id)
            message = self._card(row, events)
            if row.message is not None and message != shown:
                self._announcer.update(row.message, message)
            shown = message

    def _post_first(self, change_id: str) -> Reply | None:
        """Post the message, if that was not done yet; what it says then."""
        with self._alone(change_id):
            row = row_of(self._ledger, change_id)
            if row.message is not None:
                return None
            message = self._card(row, self._ledger.events.of(change_id))
            ref = self._announcer.post(self._origins.get(change_id, row.origin), message)
            if ref is not None:
                self._ledger.changes.set_message(change_id, ref)
            return message

    def _card(self, row: ChangeRow, events: Sequence[Event]) -> Reply:
        return card(row, events, {vm: percent for (id, vm), percent in self._progress.items() if id == row.id})

    @contextmanager
    def _alone(self, change_id: str) -> Iterator[None]:
        """VMs of one change end at the same moment; only one of them posts its message."""
        with self._posted:
            self._posted.wait_for(lambda: change_id not in self._posting)
            self._posting.add(change_id)
        try:
            yield
        finally:
            with self._posted:
                self._posting.discard(change_id)
                self._posted.notify_all()

"""What people see of a change: its one message in the channel, posted once and brought up to date in place.

A bot that dies between the post and its record posts the message again at its next start, since Slack has no way to
post one once for an id. The copy's buttons are refused: only those of the message that the ledger knows count.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Condition, Thread, Timer

from bot.changes.card import card
from bot.ledger import Change, ChangeRow, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, Origin
from commands.base import Reply, say
from commands.kit.words import with_unchanged

log = logging.getLogger(__name__)

PROGRESS_EVERY = timedelta(seconds=3)
SOON = 0.3
"""Seconds within which a quick change is over: it is shown once."""
NOT_NOW = 30.0
"""Seconds until a change under way is shown again that could not be shown."""
POSTING = 10.0
"""Seconds that a post takes at the most."""


class ChangeMessages:
    """Shows changes as the ledger has them. Safe to use from many threads."""

    def __init__(self, ledger: Ledger, announcer: Announcer, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._announcer = announcer
        self._clock = clock
        self._origins: dict[str, Origin] = {}
        self._progress: dict[tuple[str, str], int] = {}
        self._progress_shown: dict[str, datetime] = {}
        self._posting: set[str] = set()
        self._soon: dict[str, Timer] = {}
        self._again: set[str] = set()
        self._posted = Condition()

    def asked_from(self, change_id: str, origin: Origin) -> None:
        """The way back to the person, which the ledger does not keep."""
        self._origins[change_id] = origin

    def show(self, change_id: str) -> bool:
        """Bring the change's one message up to date. What cannot be shown is logged and noted in the ledger: the change
        goes on, and its record stays whole. Whether it could be shown."""
        try:
            self._bring_up_to_date(change_id)
        except AnnouncerError as error:
            log.warning("change %s could not be shown: %s", change_id, error)
            self._ledger.changes.note(change_id, "not shown", by="bot", why=str(error), detail={})
            return False
        return True

    def show_soon(self, change_id: str, seconds: float = SOON) -> None:
        """Show it in a moment, and once for all who ask until then."""
        with self._posted:
            if change_id in self._soon:
                self._again.add(change_id)
                return
            timer = Timer(seconds, self._show_now, (change_id,))
            timer.daemon = True
            self._soon[change_id] = timer
        timer.start()

    def _show_now(self, change_id: str) -> None:
        try:
            shown = self.show(change_id)
        except LedgerError as error:
            log.info("change %s is not shown any more: %s", change_id, error)
            return
        with self._posted:
            wanted = self._soon.pop(change_id, None) is not None and (change_id in self._again or not shown)
            self._again.discard(change_id)
        if wanted:
            self.show_soon(change_id, SOON if shown else NOT_NOW)

    def refuse(self, change: ChangeRow, sentence: str) -> None:
        """Tell who asked, and nobody else, that it is not allowed."""
        self._whisper(change, with_unchanged(sentence, True))

    def close(self, change: ChangeRow, sentence: str) -> None:
        """Tell who asked why it does not go on, where its plan cannot be read, and leave no dead button."""
        self._whisper(change, f"{change.summary}: {sentence}")
        if change.message is not None:
            try:
                self._announcer.update(change.message, say(change.summary, sentence))
            except AnnouncerError as error:
                log.error("the message of change %s stays as it was: %s", change.id, error)

    def _whisper(self, change: ChangeRow, sentence: str) -> None:
        try:
            self._announcer.whisper(self._origins.get(change.id, change.origin), say(sentence))
        except AnnouncerError as error:
            log.error("%s could not be told %r: %s", change.person_id, sentence, error)

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
        row = self._ledger.changes.get(change_id)
        if row is not None and row.message is not None and not row.state.final:
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
        with self._posted:
            self._again.discard(change_id)
            timer = self._soon.pop(change_id, None)
        if timer is not None:
            timer.cancel()

    def wait_until_posted(self, change_id: str) -> None:
        """Wait while the message is being posted: people see it a moment before the ledger knows where it stands."""
        with self._posted:
            self._posted.wait_for(lambda: change_id not in self._posting, POSTING)

    def _bring_up_to_date(self, change_id: str) -> None:
        """Until the ledger has not gone on while it was shown: else who looked first could show last."""
        change, shown = self._post_first(change_id)
        while True:
            message = self._card(change)
            if message != shown and change.row.message is not None:
                self._announcer.update(change.row.message, message)
            shown = message
            if self._ledger.events.of(change_id)[-1].seq == change.events[-1].seq:
                return
            change = self._ledger.changes.load(change_id)

    def _post_first(self, change_id: str) -> tuple[Change, Reply | None]:
        """The change, and what its message says when it was posted only now."""
        with self._alone(change_id):
            change = self._ledger.changes.load(change_id)
            if change.row.message is not None:
                return change, None
            message = self._card(change)
            ref = self._announcer.post(self._origins.get(change_id, change.row.origin), message)
            if ref is not None:
                self._ledger.changes.set_message(change_id, ref)
                change = replace(change, row=replace(change.row, message=ref))
            if change.row.state.final:
                self._origins.pop(change_id, None)
            return change, message

    def _card(self, change: Change) -> Reply:
        row = change.row
        progress = {vm: percent for (id, vm), percent in list(self._progress.items()) if id == row.id}
        return card(row, change.events, progress)

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

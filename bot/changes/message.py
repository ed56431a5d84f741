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
from threading import Condition, Lock, Thread, Timer
from weakref import WeakValueDictionary

from bot.changes.card import SHOWN, card
from bot.changes.outcome import outcomes
from bot.changes.permission import is_by_the_clock
from bot.changes.telling import Telling
from bot.changes.unrecorded import Unrecorded
from bot.ledger import Change, ChangeRow, ChangeState, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, MessageGone, MessageRef, Origin
from commands.base import Person, Reply, is_person, name, say, unmarked
from commands.kit.words import with_unchanged

log = logging.getLogger(__name__)

NOT_SHOWN, TOLD_ALONE, ADDRESSED, TOLD_KEEPER = "not shown", "told alone", "addressed", "told keeper"
"""The ledger's events about what people saw."""

AWAY_AFTER = timedelta(seconds=30)
"""After that long without an answer somebody looks elsewhere."""

MOST_TOLD = 3
"""VMs of which a keeper is told what became of them."""

PROGRESS_EVERY = timedelta(seconds=3)
SOON = 0.3
"""Seconds within which a quick change is over: it is shown once."""
SOON_A_VM = 0.02
"""Seconds for each VM of a group that is under way: its card takes as long to make as it has lines, so a VM of a large
group would cost more than one of a small group if all cards were made as often."""
NOT_NOW = 30.0
"""Seconds until a change under way is shown again that could not be shown."""
POSTING = 10.0
"""Seconds that a post takes at the most."""


def soon(known: Change | None) -> float:
    """Seconds until a change is shown that has gone on since it was shown like that."""
    if known is None or known.plan is None or known.row.state != ChangeState.RUNNING:
        return SOON
    return max(SOON, SOON_A_VM * len(known.plan.targets))


class ChangeMessages:
    """Shows changes as the ledger has them. Safe to use from many threads."""

    def __init__(
        self,
        ledger: Ledger,
        announcer: Announcer,
        clock: Callable[[], datetime],
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_change` is called whenever a change may look different from before, and returns at once."""
        self._on_change = on_change
        self._ledger = ledger
        self._announcer = announcer
        self.telling = Telling(announcer, clock)
        """For what people are told alone."""
        self._clock = clock
        self._origins: dict[str, Origin] = {}
        self._progress: dict[tuple[str, str], int] = {}
        self._progress_shown: dict[str, datetime] = {}
        self._waits: dict[str, str] = {}
        """Why nothing begins yet on a VM, by its id."""
        self._posting: set[str] = set()
        self._soon: dict[str, Timer] = {}
        self._again: set[str] = set()
        self._known: dict[str, Change] = {}
        """Each change that is not over as it was last shown: of a large group only what is new is read."""
        self._shown: dict[str, Reply] = {}
        """What its message says."""
        self._updating: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._posted = Condition()
        self._unrecorded = Unrecorded()

    def asked_from(self, change_id: str, origin: Origin) -> None:
        """The way back to the person, which the ledger does not keep."""
        self._origins[change_id] = origin

    def show(self, change_id: str) -> bool:
        """Bring the change's one message up to date. What cannot be shown is logged and noted in the ledger: the change
        goes on, and its record stays whole. False when it may be shown later: what does not heal is not tried again."""
        self._on_change()
        try:
            shown = self._bring_up_to_date(change_id)
            self._address(shown)
        except AnnouncerError as error:
            # Whose it was is told by themselves, also where the card is closed to the bot.
            return self._not_shown(change_id, error) & self._try_to_tell_keepers(
                self._ledger.changes.load(change_id, SHOWN)
            )
        return self._try_to_tell_keepers(shown)

    def _try_to_tell_keepers(self, change: Change) -> bool:
        """False when it may be tried later."""
        try:
            self._tell_keepers(change)
        except AnnouncerError as error:
            return self._not_shown(change.row.id, error)
        return True

    def _not_shown(self, change_id: str, error: AnnouncerError) -> bool:
        """Note it, once for each reason. False when it may be tried later."""
        log.warning("change %s could not be shown: %s", change_id, error)
        self._forget(change_id)
        if not any(event.why == str(error) for event in self._ledger.events.of(change_id, {NOT_SHOWN})):
            self._ledger.changes.note(change_id, NOT_SHOWN, by="bot", why=str(error), detail={})
        return error.lasting

    def show_soon(self, change_id: str, seconds: float | None = None) -> None:
        """Show it in a moment, and once for all who ask until then."""
        seconds = soon(self._known.get(change_id)) if seconds is None else seconds
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
            log.info("change %s is not shown now: %s", change_id, error)
            shown = not error.transient  # a ledger that is closed shows nothing any more
        with self._posted:
            wanted = self._soon.pop(change_id, None) is not None and (change_id in self._again or not shown)
            self._again.discard(change_id)
        if wanted:
            self.show_soon(change_id, None if shown else NOT_NOW)

    def taken_over(self, change: ChangeRow, person: Person, origin: Origin) -> None:
        """Show whose it is now, and tell who had it."""
        self._origins[change.id] = origin
        self.show_soon(change.id)
        news = f"{person.name} has taken this over: {change.summary}."
        try:
            if change.message is None or not self._addressed(change.message, change.person_id, news):
                self.telling.whisper(Origin("", change.person_id), say(news))
        except AnnouncerError as error:
            log.warning("%s could not be told who took change %s over: %s", change.person_id, change.id, error)

    def _addressed(self, ref: MessageRef, person_id: str, news: str) -> bool:
        """Whether somebody could be told in the thread of a message: they may have left its channel."""
        try:
            self._announcer.address(ref, person_id, news)
        except AnnouncerError:
            return False
        return True

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
        if is_by_the_clock(change):
            return
        try:
            self.telling.whisper(self._origins.get(change.id, change.origin), say(sentence))
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
        known = self._known.get(change_id)
        if known is not None and known.row.message is not None and not known.row.state.final:
            Thread(target=self._show_progress, args=(change_id,), name="progress", daemon=True).start()

    def waits(self, vm_id: str, why: str) -> None:
        """The change under way on this VM waits, or goes on where `why` is empty. Not kept: after a crash it is looked
        at anew."""
        if why:
            self._waits[vm_id] = why
        else:
            self._waits.pop(vm_id, None)
        for change_id, known in list(self._known.items()):
            if any(one.id == vm_id for one in known.row.vms):
                self.show_soon(change_id)

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

    def _address(self, change: Change) -> None:
        """Tell who asked, once, what an update of the message tells nobody: that it is over after a while, that it did
        not go well, or that it waits for their answer since they looked away."""
        row, sentence, message = change.row, self._news(change), change.row.message
        if not sentence or message is None or not is_person(row.person_id):
            return
        with self._alone(row.id):
            if self._ledger.events.has(row.id, ADDRESSED, state=str(row.state)):
                return
            state = str(row.state)
            try:
                self._unrecorded.once(
                    (ADDRESSED, row.id, state),
                    lambda: self._announcer.address(message, row.person_id, sentence),
                    lambda _: self._ledger.changes.note(
                        row.id, ADDRESSED, by="bot", why=sentence, detail={"state": state}
                    ),
                )
            except AnnouncerError as error:
                log.info("%s could not be addressed about change %s: %s", row.person_id, row.id, error)

    def _tell_keepers(self, change: Change) -> None:
        """Tell those who wanted what is gone or shortened by now, each once. Raises `AnnouncerError`."""
        if not (change.row.state.final and change.plan and change.plan.keepers):
            return
        done = [outcome.sentence for outcome in outcomes(change.events) if outcome.state == ChangeState.SUCCEEDED]
        if not done:
            return
        more = f" And {len(done) - MOST_TOLD} more." if len(done) > MOST_TOLD else ""
        news = f"{name(change.row.person_name)} has changed what you wanted to keep. {' '.join(done[:MOST_TOLD])}{more}"
        with self._alone(change.row.id):
            for keeper in change.plan.keepers:
                if not self._ledger.events.has(change.row.id, TOLD_KEEPER, person=keeper):
                    self._tell_keeper(change.row, keeper, news)

    def _tell_keeper(self, row: ChangeRow, keeper: str, news: str) -> None:
        """By direct message, since they may not be in the channel, or else in the message's thread."""

        def tell() -> None:
            try:
                self._announcer.post(Origin("", keeper), say(news))
            except AnnouncerError:
                if row.message is None:
                    raise
                self._announcer.address(row.message, keeper, unmarked(news))

        def record(_: None) -> None:
            self._ledger.changes.note(row.id, TOLD_KEEPER, by="bot", why=news, detail={"person": keeper})

        self._unrecorded.once((TOLD_KEEPER, row.id, keeper), tell, record)

    def _news(self, change: Change) -> str:
        row = change.row
        present = max((e.at for e in change.events if is_person(e.by)), default=row.created_at)
        away = self._clock() - present > AWAY_AFTER
        match row.state:
            case ChangeState.FAILED | ChangeState.VOID:
                return f"This did not go well: {row.summary}."
            case ChangeState.REFUSED:
                return f"This was refused {row.reason}."
            case ChangeState.UNKNOWN:
                return f"How this went is not known yet: {row.summary}."
            case ChangeState.AWAITING if away:
                return f"This waits for an answer: {row.summary}."
            case ChangeState.SUCCEEDED | ChangeState.EXPIRED | ChangeState.DENIED if away:
                return f"This is over: {row.summary}."
            case _:
                return ""

    def _bring_up_to_date(self, change_id: str) -> Change:
        """Until the ledger has not gone on while it was shown: else who looked first could show last."""
        now = change = self._post_first(change_id)
        while not is_by_the_clock(change.row):
            with self._updating_alone(change_id):
                change = self._look(change_id)
                message = self._card(change)
                if message != self._shown.get(change_id) and change.row.message is not None:
                    change = self._update(change, change.row.message, message)
                self._shown[change_id] = message
            now = self._look(change_id)
            if now.row.state == change.row.state:
                break
        if now.seq != change.seq:  # of a group others may be done at any time: it is shown once for several
            self.show_soon(change_id)
        if now.row.state.final:
            self._forget(change_id)
            self._origins.pop(change_id, None)
        return change

    @contextmanager
    def _updating_alone(self, change_id: str) -> Iterator[None]:
        """Else two could update its message at once, and what it says last be another one's than is kept of it. Who has
        its turn looks once more: it would say again what is no longer so, for ever where the bot dies then."""
        with self._posted:
            lock = self._updating.setdefault(change_id, Lock())
        with lock:
            yield

    def _forget(self, change_id: str) -> None:
        self._known.pop(change_id, None)
        self._shown.pop(change_id, None)

    def _look(self, change_id: str) -> Change:
        """The change as it is now. Of one that is known and posted only what is new is read."""
        known = self._known.get(change_id)
        if known is None or known.row.message is None:
            change = self._ledger.changes.load(change_id, SHOWN)
        else:
            change = known.after(self._ledger.events.of(change_id, SHOWN, after=known.seq))
        self._known[change_id] = change
        return change

    def _placed(self, change: Change, ref: MessageRef) -> Change:
        """The change, whose message stands there from now on."""
        change = replace(change, row=replace(change.row, message=ref))
        self._known[change.row.id] = change
        return change

    def _update(self, change: Change, ref: MessageRef, message: Reply) -> Change:
        """By the next way where the first is barred for good: anew where the message is gone, and otherwise the end to
        who asked alone."""
        try:
            self._announcer.update(ref, message)
        except MessageGone as gone:
            log.warning("the message of change %s is posted anew: %s", change.row.id, gone)
            return self._post_anew(change, ref, message)
        except AnnouncerError as error:
            if not error.lasting or not change.row.state.final:
                raise
            if not self._ledger.events.has(change.row.id, TOLD_ALONE):
                why, origin = str(error), self._origins.get(change.row.id, change.row.origin)
                self._unrecorded.once(
                    (TOLD_ALONE, change.row.id),
                    lambda: self._announcer.whisper(origin, message),
                    lambda _: self._ledger.changes.note(change.row.id, TOLD_ALONE, by="bot", why=why, detail={}),
                )
        return change

    def _post_anew(self, change: Change, gone: MessageRef, message: Reply) -> Change:
        """One for all who found it gone. The buttons of the new one count from now on."""
        with self._alone(change.row.id):
            now = self._ledger.changes.get(change.row.id)
            if now is not None and now.message not in (None, gone):
                self._announcer.update(now.message, message)  # what it says may be older than this
                return self._placed(change, now.message)
            ref, said = self._unrecorded.once(
                ("post anew", change.row.id, gone),
                lambda: (self._announcer.post(self._origins.get(change.row.id, change.row.origin), message), message),
                lambda posted: self._record_place(change.row.id, posted[0]),
            )
            if ref is None:  # to the person alone, where nothing can be updated
                return change
            if said != message:  # it was posted before, when it could not be recorded
                self._announcer.update(ref, message)
            return self._placed(change, ref)

    def _post_first(self, change_id: str) -> Change:
        """The change, whose message is posted if that was not done yet."""
        with self._alone(change_id):
            change = self._look(change_id)
            if change.row.message is not None or is_by_the_clock(change.row):
                return change
            posted, message = self._unrecorded.once(
                ("post", change_id), lambda: self._post(change), lambda posted: self._record_place(change_id, posted[0])
            )
            if posted is not None:
                change = self._placed(change, posted)
            if change.row.state.final:
                self._origins.pop(change_id, None)
            self._shown[change_id] = message
            return change

    def _post(self, change: Change) -> tuple[MessageRef | None, Reply]:
        """Where it is posted, and what it says there."""
        message = self._card(change)
        return self._announcer.post(self._origins.get(change.row.id, change.row.origin), message), message

    def _record_place(self, change_id: str, ref: MessageRef | None) -> None:
        if ref is not None:
            self._ledger.changes.set_message(change_id, ref)

    def _card(self, change: Change) -> Reply:
        row = change.row
        progress = {vm: percent for (id, vm), percent in list(self._progress.items()) if id == row.id}
        return card(row, change.events, progress, dict(self._waits))

    @contextmanager
    def _alone(self, change_id: str) -> Iterator[None]:
        """VMs of one change end at the same moment; only one of them posts its message, and addresses who asked."""
        with self._posted:
            self._posted.wait_for(lambda: change_id not in self._posting)
            self._posting.add(change_id)
        try:
            yield
        finally:
            with self._posted:
                self._posting.discard(change_id)
                self._posted.notify_all()

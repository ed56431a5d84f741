"""What becomes of checkpoints whose time is over: their owners are told before, and then they are deleted for them.

Only a checkpoint that the bot took for its owner goes this way, and only while it is theirs. It is deleted as an
ordinary change, by the rights that the owner has then, one after another on a host (`housekeeping`). Everything else is
only listed. A notice is claimed in the ledger before it is told, so neither a restart nor two bots tell it twice; what
nobody was told of is not deleted.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from threading import Lock

from dbos import DBOS

from backends.base import VMInventory
from bot.durable import Durable
from bot.ledger import ChangeState, Expiring, Ledger, Notice, Stage, Wanted
from bot.messages import Announcer, AnnouncerError, Origin
from bot.people.identity import Refusal
from bot.schedules.housekeeping import Housekeeping
from bot.settings import KeepSettings
from commands.base import (
    Button,
    CheckpointNote,
    Delete,
    Heading,
    Item,
    Paragraph,
    Part,
    Person,
    Picture,
    Plan,
    Reply,
    Target,
    name,
)
from commands.kit.kinds import UNKNOWN, Kind, kind_of
from commands.kit.telling import called, keep_buttons, keeper
from commands.kit.words import say_names, say_time

log = logging.getLogger(__name__)

NAME, CLOCK = "checkpoint expiry", "expiry"
CRON = "7 * * * *"
"""A look an hour, which asks no host but for a delete that waits."""

NAMESPACE = uuid.UUID("0d5f3c39-6a0e-4c5b-9b63-2f1c8f5f3a77")
AT_ONCE = timedelta(minutes=1)
"""What is noted of a checkpoint so soon after it was first seen was said as it was taken."""

MOST_ITEMS = 8
"""Checkpoints in one message: each has three buttons, and Slack takes 25."""

OURS = (Kind.MANUAL, Kind.SAFETY)


@dataclass(frozen=True, slots=True)
class Stays:
    """Why a checkpoint is not deleted although its time is over."""

    why: str
    news: bool = False
    """Its owner would not know by themselves."""


def stays_by_note(note: CheckpointNote, now: datetime) -> Stays | None:
    """What the ledger has against it; None for one that the bot took for its owner and whose time is over."""
    if note.taken_by is None:
        return Stays("the bot did not take it")
    if note.schedule:
        return Stays(f"the schedule {name(note.schedule)} looks after it")
    if note.owner != note.taken_by:
        return Stays(f"it is {name(called(note))}'s by now")
    if note.keeper not in (None, note.taken_by):
        return Stays(f"{name(keeper(note))} said how long it is kept")
    if note.pinned or note.keep_until is None or note.keep_until > now:
        return Stays("it is kept for longer by now")
    return None


def stays(seen: VMInventory, checkpoint_id: str, notes: Mapping[str, CheckpointNote], now: datetime) -> Stays | None:
    """What speaks against deleting it, by all that is known; None for one that goes."""
    one, note = seen.checkpoint(checkpoint_id), notes.get(checkpoint_id, UNKNOWN)
    if against := stays_by_note(note, now):
        return against
    if one is None:
        return Stays("it is not there any more")
    if kind_of(one, note) not in OURS:
        return Stays(f"the host shows it as {kind_of(one, note)}", news=True)
    if not seen.checkpoints_known:
        return Stays("the host does not show all that hangs under it", news=True)
    under = [
        c for c in seen.subtree(one.id)[1:] if not c.automatic and _whose(notes.get(c.id, UNKNOWN)) != note.taken_by
    ]
    if under:
        hang = "hangs" if len(under) == 1 else "hang"
        return Stays(f"{say_names([c.name for c in under])} {hang} under it, which somebody else took", news=True)
    return None


def _whose(note: CheckpointNote) -> str | None:
    """The one person who took and has it; None where that is nobody, or several."""
    return note.taken_by if note.taken_by == note.owner and not note.schedule else None


@dataclass(slots=True)
class Expiry:
    """Tells and deletes, an hour at a time. It is the `Asker` of its deletes."""

    settings: KeepSettings
    ledger: Ledger
    housekeeping: Housekeeping
    announcer: Announcer
    durable: Durable
    clock: Callable[[], datetime]
    allowed: Callable[[Plan, Person, str], object]
    """Raises `Refusal` where the owner may not delete it now."""
    has_left: Callable[[str], bool]
    """Whether somebody can act through the bot no more: they are told nothing."""

    new_token: Callable[[], str] = lambda: str(uuid.uuid4())
    word: str = CLOCK
    _unrecorded: list[Callable[[], object]] = field(default_factory=list)
    _recording: Lock = field(default_factory=Lock)
    _workflow: Callable[[datetime, object], None] = field(init=False)

    def declare(self) -> None:
        """Declare the workflow, before DBOS is launched."""

        @self.durable.workflow(NAME)
        def expiry(scheduled_at: datetime, context: object) -> None:  # noqa: ARG001 - the signature is DBOS's
            self.durable.step("look", lambda: self.durable.apart(self.look))

        self._workflow = expiry

    def start(self) -> None:
        """Look every hour, and now: what came due while the bot was down waits no longer. After DBOS was launched."""
        DBOS.apply_schedules([{"schedule_name": NAME, "workflow_fn": self._workflow, "schedule": CRON}])
        self.durable.start_apart(f"expiry-{self.new_token()}", self._workflow, self.clock(), None)

    def look(self) -> None:
        """Go on with each checkpoint whose time is nearly over, and tell what is to be told."""
        if self.ledger.freezes.current() is not None:
            return
        self._record()
        now = self.clock()
        for one in self.ledger.checkpoints.expiring(now + self.settings.notice):
            if stays_by_note(one.note, now + self.settings.notice) is None:
                self._go_on(one, now)
        self.housekeeping.go_on_everywhere()  # what could not begin when it was queued
        for _, notices in groupby(self.ledger.notices.waiting(), key=lambda one: one.person):
            everything = list(notices)
            for at in range(0, len(everything), MOST_ITEMS):
                self._tell(everything[at : at + MOST_ITEMS], now)

    # ------------------------------------------------------------ one checkpoint

    def _go_on(self, one: Expiring, now: datetime) -> None:
        wanted = _wanted(one)
        if self.ledger.housekeeping.get(wanted.id) is not None:
            return
        told = self.ledger.notices.get(f"{wanted.id} soon")
        if told is None and self._is_told_before(one):
            if self._may_go(one):
                self.ledger.notices.queue(self._soon(one, wanted.id))
            return
        goes_at = told.goes_at if told else one.note.keep_until
        if goes_at is not None and goes_at <= now and self._may_go(one):
            self.housekeeping.queue(wanted)

    def _is_told_before(self, one: Expiring) -> bool:
        """One that was taken for no longer than the notice is none: the answer said until when a moment before. Else to
        keep it for a minute would be to delete it unasked."""
        until = one.note.keep_until
        return _is_kept_anew(one) or until is None or until - one.taken_at > self.settings.notice

    def _soon(self, one: Expiring, id: str) -> Notice:
        """What is kept for less by now goes no sooner than the notice after that was said."""
        note, until = one.note, one.note.keep_until
        if until and one.kept_at and _is_kept_anew(one):
            until = max(until, one.kept_at + self.settings.notice)
        why = f"{note.reason}, " if note.reason else "taken before an apply, " if note.safety else ""
        text, detail = f"{one.vm_name}: {one.name}", f"taken {say_time(one.taken_at)}, {why}"
        return Notice(f"{id} soon", str(note.owner), one.channel, text, detail, one.id, until)

    def _may_go(self, one: Expiring) -> bool:
        """Whether its owner may delete it: nobody is told that something goes which then stays."""
        target = Target(one.host, one.vm_id, one.vm_name, Picture(one.host, 0, ()), one.id, one.name)
        plan = Plan(Delete(), (target,), "", clock=CLOCK)
        try:
            self.allowed(plan, Person(str(one.note.owner), one.note.owner_name), one.channel)
        except Refusal as denial:
            log.info("%s of %s is only listed: %s", one.name, one.vm_name, denial.cause)
            if not denial.passing and not self.has_left(str(one.note.owner)):
                self._say(_wanted(one), f"stays when its time is over, and is only listed: {denial.sentence}", "denied")
            return False
        return True

    # ------------------------------------------------------------ what becomes of its delete

    def still(self, wanted: Wanted, seen: VMInventory) -> str:
        notes = self.ledger.checkpoints.notes([one.id for one in seen.checkpoints])
        against = stays(seen, wanted.checkpoint_id, notes, self.clock())
        if against is None:
            return ""
        if against.news:
            self._say(wanted, f"stays, although its time is over: {against.why}.")
        return against.why

    def no_room(self, wanted: Wanted, why: str) -> None:
        self._say(wanted, f"stays, although its time is over: {why}.")

    def over(self, wanted: Wanted) -> None:
        change = self.ledger.changes.get(wanted.id)
        if wanted.stage in (Stage.MERGING, Stage.DONE):  # a quick merge may be told first
            self._say(wanted, "is deleted: its time was over.")
        elif wanted.stage is Stage.FAILED:
            self._say(wanted, f"could not be deleted, although its time is over: {wanted.why}")
        elif wanted.stage is Stage.STAYS and change is not None and change.state is ChangeState.DENIED:
            self._say(wanted, f"stays, although its time is over: {wanted.why}")

    def _say(self, wanted: Wanted, what: str, news: str = "over") -> None:
        """To its owner, with the next look, and each news once."""
        text = f"{name(wanted.checkpoint_name)} of {name(wanted.vm_name)} {what}"
        self.ledger.notices.queue(Notice(f"{wanted.id} {news}", wanted.owner, wanted.channel, text))

    # ------------------------------------------------------------ telling

    def _tell(self, notices: Sequence[Notice], now: datetime) -> None:
        """Alone, or else where the first of them was taken; by both ways once."""
        claimed = self.ledger.notices.claim([one.occurrence for one in notices])
        mine = [one for one in notices if one.occurrence in claimed]
        if not mine:
            return
        goes = {one.occurrence: self._goes_at(one, now) for one in mine}
        person, channel = mine[0].person, mine[0].channel
        parts = tuple(self._parts(mine, goes))
        addressed = (Paragraph("this is yours.", to=(person,)), *parts)
        ways = [(Origin("", person), parts), (Origin(channel, person), addressed)]
        for origin, shown in ways if channel else ways[:1]:
            try:
                self.announcer.post(origin, Reply(shown))
            except AnnouncerError as error:
                log.warning("%s could not be told what expires: %s", person, error)
                if not error.lasting:
                    self._record(lambda: self.ledger.notices.release(claimed))
                    return
            else:
                self._record(lambda: self.ledger.notices.told(goes))
                return

    def _record(self, *records: Callable[[], object]) -> None:
        """Record what was told or not, and first what could not be recorded before: else nobody would be told again,
        and nothing of it would be deleted."""
        self._unrecorded.extend(records)
        with self._recording:
            while self._unrecorded:
                self._unrecorded[0]()
                del self._unrecorded[0]

    def _goes_at(self, one: Notice, now: datetime) -> datetime | None:
        """Half of the notice is left at least, however late it is told."""
        return max(one.until, now + self.settings.notice / 2) if one.until else None

    def _parts(self, notices: Sequence[Notice], goes: Mapping[str, datetime | None]) -> Iterator[Part]:
        soon = [one for one in notices if one.checkpoint_id]
        if soon:
            yield Heading("Your checkpoints whose time is nearly over")
        for one in soon:
            when = goes[one.occurrence]
            detail = f"{one.detail}deleted at {say_time(when)}" if when else one.detail
            yield Item(one.text, detail, self._buttons(one.checkpoint_id))
        for one in notices:
            if not one.checkpoint_id:
                yield Paragraph(one.text)

    def _buttons(self, checkpoint_id: str) -> tuple[Button, ...]:
        keep = keep_buttons(checkpoint_id, self.settings.longest)
        return (*keep, Button("Delete", "delete", checkpoint_id, "danger"))


def _wanted(one: Expiring) -> Wanted:
    """The delete of this checkpoint at this end of its time, and of no other."""
    until = one.note.keep_until
    return Wanted(
        str(uuid.uuid5(NAMESPACE, f"{one.id} {until.isoformat() if until else ''}")),
        CLOCK,
        str(one.note.owner),
        str(one.note.owner),
        one.note.owner_name,
        one.channel,
        one.host,
        one.vm_id,
        one.vm_name,
        one.id,
        one.name,
        one.taken_at,
    )


def _is_kept_anew(one: Expiring) -> bool:
    """Somebody said after it was taken how long it is kept, or perhaps did."""
    return one.kept_at is None or one.kept_at - one.taken_at > AT_ONCE

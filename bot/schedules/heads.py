"""The head of the ledger's chain, put somewhere else once a day: by it, nobody can rewrite what was before unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from bot.ledger import Head, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, MessageRef, Origin
from bot.people.directory import LookupFailed
from bot.settings import DigestSettings
from bot.settings.kinds import is_channel
from commands.base import Reply, say

log = logging.getLogger(__name__)

AFTER = timedelta(minutes=10)
"""After the time of the digest, which is posted by then."""

STILL = timedelta(hours=12)
"""For how long after that it is kept, where the bot was down."""

RETRY = timedelta(hours=1)
"""After a place that could not be written to."""


@dataclass(slots=True)
class Heads:
    """Keeps it once a day, and not where nothing has happened since the last time. In the digest's channel it stands in
    the thread of the day's digest, so that nobody is told of it; where that is left out, it waits for the next one."""

    place: str
    """`digest`, `none`, a channel, or the path of a file, as the settings have it."""
    digest: DigestSettings
    ledger: Ledger
    announcer: Announcer
    clock: Callable[[], datetime]
    may_post: Callable[[str], bool] = lambda _channel: True
    """Whether something may be shown in a channel. Raises `LookupFailed`."""
    _not_before: datetime | None = field(default=None, init=False)

    def look(self) -> None:
        """To be called often. Nothing is raised: what went wrong is in the log, and tried again later."""
        now = self.clock()
        day = self._day(now)
        if self.place == "none" or day is None or (self._not_before and now < self._not_before):
            return
        try:
            self._keep(f"{day:%Y-%m-%d}")
        except (AnnouncerError, LedgerError, LookupFailed, OSError) as error:
            self._not_before = now + RETRY
            log.error("The head of the ledger could not be kept at %s: %s", self.place, error)

    def _day(self, now: datetime) -> date | None:
        """Of the last digest that is to be posted by now; None where that is so long ago that the next one is nearer.
        It may be yesterday's, since midnight comes soon after a late one."""
        local = (now - AFTER).astimezone(self.digest.timezone)
        at = self.digest.at.replace(tzinfo=None)
        day = local.date() - timedelta(days=local.time() < at)
        due = datetime.combine(day, at, self.digest.timezone)
        return day if local - due <= STILL else None

    def _keep(self, day: str) -> None:
        channel = self._channel()
        beside = self._todays(channel, day) if channel and self.place == "digest" else None
        if self.place == "digest" and beside is None:
            return  # there is no digest, or none of today yet
        if channel is not None and not self.may_post(channel):
            return
        head = self.ledger.audit.head()
        claims = [f"head of {day} at {self.place}", f"head {head.seq} at {self.place}"]
        if self._is_known(claims[0]):
            return
        if head.seq and not self._is_known(claims[1]):  # something has happened since
            try:
                self._put(channel, beside, day, head)
            except AnnouncerError as error:
                if error.lasting:
                    self._note(claims)
                raise
        self._note(claims)  # not before: a head that is there twice harms nobody, and one that is nowhere does

    def _is_known(self, claim: str) -> bool:
        return self.ledger.digests.get(claim) is not None

    def _note(self, claims: Sequence[str]) -> None:
        for claim in claims:
            self.ledger.digests.claim(claim, "head")

    def _channel(self) -> str | None:
        """None for a file, and empty where there is no digest."""
        if self.place == "digest":
            return next((one.channel for one in self.digest.channels), "")
        return self.place if is_channel(self.place) else None

    def _put(self, channel: str | None, beside: MessageRef | None, day: str, head: Head) -> None:
        if channel is None:
            with Path(self.place).open("a", encoding="ascii", newline="\n") as file:
                file.write(f"{day} {head}\n")
            return
        if beside is not None:
            self.announcer.reply(beside, _message(head))
        else:
            self.announcer.post(Origin(channel, ""), _message(head))

    def _todays(self, channel: str, day: str) -> MessageRef | None:
        """The message of today's digest, where there is one."""
        last = self.ledger.digests.last(channel)
        posted = last.posted_at if last else None
        if last is None or posted is None or f"{posted.astimezone(self.digest.timezone):%Y-%m-%d}" != day:
            return None
        return last.message


def _message(head: Head) -> Reply:
    return say(
        f"The ledger ends today with event {head.seq}. Its head: {head}",
        "Whoever looks after the bot proves with it that nothing was rewritten: checkpointbot audit verify --head",
    )

"""What somebody hears who waits for an answer: that it takes longer, or that the bot was stopped over it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.changes.alarms import Alarms
from bot.changes.telling import Telling
from bot.dispatch.requests import Request, Typed, change_id_of
from bot.ledger import Arrival, Ledger, LedgerError
from bot.messages import AnnouncerError, Origin, Whispers
from commands.base import Reply, say

log = logging.getLogger(__name__)

SILENCE = 3.0
"""Seconds after which somebody who waits is told that the answer will come."""

STILL_AT_IT = "I am still at it: there is a lot to look at, or a host takes its time. My answer follows."
MOST_REPEATED = 200
"""Characters of a request that are repeated to who asked."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Keeps each request until it is answered. Safe to use from many threads."""

    ledger: Ledger
    telling: Telling
    silence: float = SILENCE
    _alarms: Alarms = field(default_factory=Alarms)
    _in_hand: set[str] = field(default_factory=set)
    """Those that arrived and are not answered."""
    _answered: set[str] = field(default_factory=set)
    """Those that are kept still, because that could not be written when they were answered."""

    def arrived(self, request: Request, text: str, *, change_id: str = "") -> None:
        """Keep a request, whose words are `text`; of a button of a card, with the change that it answers. Questions are
        answered also where they cannot be kept: they are asked when the disk is full."""
        self._in_hand.add(request.delivery_id)
        if isinstance(request, Typed) and request.kept:
            return
        try:
            self.ledger.arrivals.arrived(request.delivery_id, request.origin, text, change_id=change_id)
        except LedgerError as error:
            log.error("a request could not be kept: %s", error.cause)

    def answered(self, request: Request) -> None:
        """It is kept no longer."""
        self._in_hand.discard(request.delivery_id)
        self._answered.add(request.delivery_id)
        answered = list(self._answered)
        try:
            self.ledger.arrivals.answered(*answered)
        except LedgerError as error:
            log.error("an answered request is still kept: %s", error.cause)
        else:
            self._answered.difference_update(answered)

    def left_out(self, request: Request) -> None:
        """One that came is not looked into, and the person knows why. What is kept of its first delivery, which the bot
        may be at, stays."""
        if request.delivery_id not in self._in_hand:
            self.answered(request)

    @contextmanager
    def on(self, request: Request) -> Iterator[None]:
        """While a request is looked into that has arrived. Where the bot stops meanwhile it is told at the next
        start."""
        alarm = self._alarms.after(self.silence, lambda: self._say_still_at_it(request.origin))
        try:
            yield
        except Exception:
            self.answered(request)
            raise
        else:
            self.answered(request)
        finally:
            alarm.cancel()

    def tell_lost(self, took: Callable[[Arrival], bool]) -> None:
        """Tell those whose requests were taken and will not be answered: the bot was at them when it died, or who
        received them died before it handed them over. To be called while nothing arrives. `took` says whether the
        change that a button of a card answers has taken that answer."""
        mine = self._in_hand | self._answered  # before the look: what is answered meanwhile is not lost
        for lost in self.ledger.arrivals.unanswered():
            if lost.delivery_id in mine:
                continue
            if not self._goes_on(lost, took):
                self._tell(self.telling, lost.origin, _lost(lost))
            self.ledger.arrivals.answered(lost.delivery_id)
        self.ledger.arrivals.forget_older()

    def _goes_on(self, lost: Arrival, took: Callable[[Arrival], bool]) -> bool:
        """It became a change, or the answer of one, which has its own message. What is only written down, such as a
        freeze, has none."""
        row = self.ledger.changes.get(change_id_of(lost.delivery_id))
        if row is not None and not (row.state.final and row.message is None):
            return True
        return bool(lost.change_id) and took(lost)

    def _say_still_at_it(self, origin: Origin) -> None:
        """Now or never: later it would not be so."""
        self._tell(self.telling.announcer, origin, say(STILL_AT_IT))

    def _tell(self, way: Whispers, origin: Origin, message: Reply) -> None:
        try:
            way.whisper(origin, message)
        except AnnouncerError as error:
            log.error("%s could not be told %r: %s", origin.person_id, message.text, error)


def _lost(one: Arrival) -> Reply:
    return say(
        f"I was stopped while I looked into what you asked at {one.at:%H:%M} UTC: {one.text[:MOST_REPEATED]}",
        "Ask again if you still need it, unless its message in the channel says that it is under way or over.",
    )

"""What somebody hears who waits for an answer: that it takes longer, or that the bot was stopped over it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Timer

from bot.dispatch.requests import Pressed, Typed, change_id_of
from bot.ledger import Arrival, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, Origin
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
    announcer: Announcer
    silence: float = SILENCE

    @contextmanager
    def on(self, request: Typed | Pressed, text: str) -> Iterator[None]:
        """While a request is looked into, whose words are `text`."""
        timer = Timer(self.silence, self._tell, (request.origin, say(STILL_AT_IT)))
        timer.daemon = True
        timer.start()
        self._arrived(request, text)
        try:
            yield
        finally:
            timer.cancel()
            self._answered(request)

    def tell_lost(self) -> None:
        """Tell those whose requests the bot was at when it died. To be called at the start, before anything arrives."""
        for lost in self.ledger.arrivals.unanswered():
            # One that became a change goes on, and has its own message.
            if self.ledger.changes.get(change_id_of(lost.delivery_id)) is None:
                self._tell(lost.origin, _lost(lost))
            self.ledger.arrivals.answered(lost.delivery_id)

    def _arrived(self, request: Typed | Pressed, text: str) -> None:
        """Questions are answered without that too: they are asked when the disk is full."""
        try:
            self.ledger.arrivals.arrived(request.delivery_id, request.origin, text)
        except LedgerError as error:
            log.error("a request could not be kept: %s", error.cause)

    def _answered(self, request: Typed | Pressed) -> None:
        try:
            self.ledger.arrivals.answered(request.delivery_id)
        except LedgerError as error:
            log.error("an answered request is still kept: %s", error.cause)

    def _tell(self, origin: Origin, message: Reply) -> None:
        try:
            self.announcer.whisper(origin, message)
        except AnnouncerError as error:
            log.error("%s could not be told %r: %s", origin.person_id, message.text, error)


def _lost(one: Arrival) -> Reply:
    return say(
        f"I was stopped while I looked into what you asked at {one.at:%H:%M} UTC: {one.text[:MOST_REPEATED]}",
        "Unless its message in the channel says otherwise, nothing was changed. Ask again if you still need it.",
    )

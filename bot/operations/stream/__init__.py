"""The audit stream: every event of the ledger's chain, in order and at least once, to a place of the settings.

It reads the ledger behind the bot's back, so a receiver that is slow or dead delays nothing. How far it has come is
noted in the ledger after the receiver has taken it: what was sent and not noted is sent again.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from threading import Event, Lock, Thread

from bot.ledger import Head, Ledger, LedgerError
from bot.operations.stream.receivers import NotTaken, Receiver, receiver_of

__all__ = ["NotTaken", "Receiver", "Stream", "receiver_of"]

log = logging.getLogger(__name__)

BATCH = 100
"""Events between two notes of how far it has come."""
EVERY = 1.0
"""Seconds between looks whether something is new."""
LONGEST_PAUSE = 300.0


def pause(tries: int) -> float:
    """Seconds before the next try: longer each time, up to five minutes."""
    return min(LONGEST_PAUSE, 2.0 ** min(tries, 12)) * random.uniform(0.75, 1.0)  # noqa: S311 - spreads tries


@dataclass(slots=True)
class Stream:
    """A thread of its own between `start` and `stop`."""

    ledger: Ledger
    receiver: Receiver
    pause: Callable[[int], float] = pause
    every: float = EVERY
    _stopping: Event = field(default_factory=Event)
    _lock: Lock = field(default_factory=Lock)
    _thread: Thread | None = None
    _tries: int = 0
    _told: bool = False
    """The log says that it stands still."""
    _at: Head | None = None

    def start(self) -> None:
        self._thread = Thread(target=self._run, name="audit stream", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """What is on its way gets that long. What did not arrive is sent again at the next start."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def lag(self) -> int:
        """How many events the receiver has not taken yet."""
        at = self._at
        return self.ledger.audit.head().seq - at.seq if at is not None else 0

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._stopping.wait(self._round())

    def _round(self) -> float:
        """Hand over what is new; the seconds until the next look."""
        try:
            if self._at is None:
                self._at = self.ledger.streams.begin(self.receiver.target)
            while not self._stopping.is_set() and (links := self.ledger.streams.after(self._at.seq, BATCH)):
                taken = 0
                try:
                    with closing(self.receiver.send(links)) as sending:
                        for link in sending:
                            self._at, taken = link.head, taken + 1
                            if self._stopping.is_set() and not self.receiver.at_once:
                                break
                finally:
                    if taken:
                        self._tries = 0
                        self.ledger.streams.sent(self.receiver.target, self._at)
                self._well()
        except NotTaken as error:
            return max(self._behind(str(error)), min(error.not_before, LONGEST_PAUSE))
        except LedgerError as error:
            return self._behind(error.cause)
        except Exception as error:  # the last frame on this thread: a defect must not end the stream for good
            log.exception("the audit stream has a defect")
            return self._behind(repr(error))
        return self.every

    def _behind(self, why: str) -> float:
        """Once in the log, however often it is tried, and until all was taken."""
        if not self._told and not self._stopping.is_set():
            log.error("The audit stream to %s stands still, and goes on by itself: %s", self.receiver.target, why)
            self._told = True
        self._tries += 1
        return self.pause(self._tries - 1)

    def _well(self) -> None:
        if self._told:
            log.warning("The audit stream to %s goes on.", self.receiver.target)
        self._tries, self._told = 0, False

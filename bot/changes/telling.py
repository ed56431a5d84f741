"""Answers to people and news for channels, also while the workspace lets nothing through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Lock

from bot.changes.alarms import Alarms
from bot.messages import Announcer, AnnouncerError, Origin
from commands.base import Footnote, Reply

PAUSES = (15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 900.0, 900.0, 900.0)
"""Seconds before each further try: an hour of being told to wait is outlasted."""

MOST = 500
"""Answers that are kept at the same time."""

LATE = "This is from {at:%H:%M} UTC: Slack did not take it then, or did not say that it did."

Way = Callable[[Reply], object]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Telling:
    """Tells people alone, or channels. What does not pass right now is kept in memory and told later, with the time at
    which it was true; that does not outlive the program. Safe to use from many threads."""

    announcer: Announcer
    clock: Callable[[], datetime]
    pauses: Sequence[float] = PAUSES
    most: int = MOST
    _alarms: Alarms = field(default_factory=Alarms)
    _kept: int = 0
    _lock: Lock = field(default_factory=Lock)

    def whisper(self, origin: Origin, message: Reply) -> None:
        """Raises `AnnouncerError` where it will never pass, or too much is kept already."""
        self._tell(partial(self.announcer.whisper, origin), origin, message)

    def post(self, origin: Origin, message: Reply) -> None:
        """The same, for all in the channel."""
        self._tell(partial(self.announcer.post, origin), origin, message)

    def _tell(self, way: Way, origin: Origin, message: Reply) -> None:
        try:
            way(message)
        except AnnouncerError as error:
            if error.lasting or not self._has_room():
                raise
            log.warning("%s; it is tried again", error)
            late = Reply((*message.parts, Footnote(LATE.format(at=self.clock()))), shared=message.shared)
            self._later(way, origin, late, 0)

    def _has_room(self) -> bool:
        with self._lock:
            room = self._kept < self.most
            self._kept += room
        return room

    def _later(self, way: Way, origin: Origin, message: Reply, tries: int) -> None:
        self._alarms.after(self.pauses[tries], lambda: self._try(way, origin, message, tries))

    def _try(self, way: Way, origin: Origin, message: Reply, tries: int) -> None:
        try:
            way(message)
        except AnnouncerError as error:
            if not error.lasting and tries + 1 < len(self.pauses):
                self._later(way, origin, message, tries + 1)
                return
            log.error("%s could not be told %r: %s", origin.person_id or origin.channel, message.text, error)
        with self._lock:
            self._kept -= 1

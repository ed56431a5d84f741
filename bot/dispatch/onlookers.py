"""Keeps the Home tabs of those up to date who looked lately."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Timer

from cachetools import TTLCache

from bot.dispatch.views import Screen, ScreenError
from bot.ledger import LedgerError
from commands.base import Reply

LATELY = 900.0
"""Seconds after somebody looked until which their Home tab is brought up to date."""

MOST = 200
"""People who are kept up to date at the same time."""

AT_ONCE = 0.3
"""Seconds until the first change after a quiet time is shown."""

BETWEEN = 1.0
"""Seconds from one round to the next at the least: what changes meanwhile is shown together."""

REST = 10
"""The next round waits so many times as long as the last one took: with many to follow they take a tenth of a core at
the most."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Shown:
    """What somebody sees. It changes in its place: only a look says anew when they looked."""

    home: Reply | None = None
    lock: Lock = field(default_factory=Lock)
    """Held while theirs is made and published, so that an older one never comes after a newer one."""


class Onlookers:
    """Safe to use from many threads."""

    def __init__(
        self,
        screen: Screen,
        make: Callable[[str, str, bool], Reply],
        *,
        before: Callable[[], None] = lambda: None,
        between: float = BETWEEN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`make` gives what somebody is to see, who belongs to that workspace, and is told whether they look now or are
        only kept up to date. `before` is done first where somebody is: what has changed is seen anew. `clock` counts
        seconds."""
        self._screen = screen
        self._make = make
        self._before = before
        self._between = between
        self._clock = clock
        self._next = clock()
        """When the next round may begin."""
        self._shown: TTLCache[tuple[str, str], _Shown] = TTLCache(MOST, LATELY, timer=clock)
        self._lock = Lock()
        self._timer: Timer | None = None
        self._again = False
        """Something changed since the last round began."""
        self._closed = False

    def looked(self, person_id: str, team_id: str) -> None:
        """Somebody opened theirs. Raises `LedgerError`."""
        with self._lock:
            shown = self._shown.get((person_id, team_id)) or _Shown()
            self._shown[person_id, team_id] = shown
        with shown.lock:
            self._publish(person_id, shown, self._make(person_id, team_id, True))
        with self._lock:
            if self._again and self._timer is None:  # what changed while nobody looked was not asked for
                self._start()

    def changed(self) -> None:
        """What Home tabs show may have changed: those of people who looked lately follow in a moment."""
        with self._lock:
            self._again = True
            if self._timer is None:
                self._start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def follow(self) -> None:
        """Bring them up to date."""
        with self._lock:
            followed = dict(self._shown)
        for (person_id, team_id), shown in followed.items():
            try:
                with shown.lock:
                    now = self._make(person_id, team_id, False)
                    if now != shown.home and not self._closed:
                        self._publish(person_id, shown, now)
            except LedgerError as error:
                log.info("a Home tab is not brought up to date: %s", error)
                return

    def _start(self) -> None:
        if self._shown and not self._closed:
            wait = max(min(AT_ONCE, self._between), self._next - self._clock())
            self._timer = Timer(wait, self._round)
            self._timer.daemon = True
            self._timer.start()

    def _round(self) -> None:
        """One at a time: what changes meanwhile is shown by another."""
        began = self._clock()
        with self._lock:
            self._again = False
        try:
            self._before()
            began = self._clock()  # waiting for a host costs nothing
            self.follow()
        finally:
            with self._lock:
                self._timer = None
                now = self._clock()
                self._next = now + max(self._between, REST * (now - began))
                if self._again:
                    self._start()

    def _publish(self, person_id: str, shown: _Shown, home: Reply) -> None:
        try:
            self._screen.publish(person_id, home)
        except ScreenError as error:
            log.warning("%s", error)
        else:
            shown.home = home

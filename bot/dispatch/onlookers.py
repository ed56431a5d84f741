"""Keeps the Home tabs of those up to date who looked lately."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Timer

from cachetools import TTLCache

from bot.dispatch.views import Screen, ScreenError
from bot.ledger import LedgerError
from commands.base import Reply

LATELY = 900.0
"""Seconds after somebody looked until which their Home tab is brought up to date."""

MOST = 200
"""People who are kept up to date at the same time."""

SOON = 3.0
"""Seconds within which changes are shown together."""

log = logging.getLogger(__name__)


class Onlookers:
    """Safe to use from many threads."""

    def __init__(self, screen: Screen, make: Callable[[str, str], Reply], *, soon: float = SOON) -> None:
        """`make` gives what somebody is to see, who belongs to that workspace."""
        self._screen = screen
        self._make = make
        self._soon = soon
        self._shown: TTLCache[tuple[str, str], Reply] = TTLCache(MOST, LATELY)
        self._lock = Lock()
        self._timer: Timer | None = None
        self._closed = False

    def looked(self, person_id: str, team_id: str) -> None:
        """Somebody opened theirs. Raises `LedgerError`."""
        self._publish(person_id, team_id, self._make(person_id, team_id))

    def changed(self) -> None:
        """What Home tabs show may have changed: those of people who looked lately follow in a moment."""
        with self._lock:
            if self._timer is None and self._shown and not self._closed:
                self._timer = Timer(self._soon, self.follow)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def follow(self) -> None:
        """Bring them up to date."""
        with self._lock:
            self._timer = None
            before = dict(self._shown)
        for (person_id, team_id), shown in before.items():
            try:
                now = self._make(person_id, team_id)
            except LedgerError as error:
                log.info("a Home tab is not brought up to date: %s", error)
                return
            if now != shown and not self._closed:
                self._publish(person_id, team_id, now, keep=True)

    def _publish(self, person_id: str, team_id: str, home: Reply, *, keep: bool = False) -> None:
        """Where it follows a change it is as long ago as before that they looked."""
        try:
            self._screen.publish(person_id, home)
        except ScreenError as error:
            log.warning("%s", error)
            return
        with self._lock:
            if not keep or (person_id, team_id) in self._shown:
                self._shown[person_id, team_id] = home

"""Time that passes, for what is fresh: a clock that is set back makes nothing fresh again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from threading import Lock

NEVER = float("-inf")
"""Before all that was ever seen."""


class Elapsed:
    """Seconds since it was made, by whichever clock has gone on further: the machine's own, which nobody can set and
    which stands still while the machine sleeps, or the wall's. Safe to use from many threads."""

    def __init__(self, wall: Callable[[], datetime], steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._lock = Lock()
        self._last = wall(), steady()
        self._passed = 0.0

    def __call__(self) -> float:
        with self._lock:
            now = self._wall(), self._steady()
            (wall, steady), self._last = self._last, now
            self._passed += max((now[0] - wall).total_seconds(), now[1] - steady, 0.0)
            return self._passed

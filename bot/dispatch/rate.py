"""How fast one person may ask: whoever asks faster, or whose session does, is slowed, and nobody else is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

from cachetools import LRUCache

AT_ONCE = 120
"""Requests of one person that are taken however fast they come."""

A_SECOND = 4.0
"""How many more are taken each second from then on."""

TELL_AGAIN = 60.0
"""Seconds until somebody is told once more that they ask too fast."""

Verdict = Literal["take", "tell", "drop"]
"""Take it; do not, and say so; do not, and they know."""


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    told: float | None = None


@dataclass(slots=True)
class Rate:
    """A bucket for each person that fills again as time passes. Safe to use from many threads."""

    at_once: int = AT_ONCE
    a_second: float = A_SECOND
    clock: Callable[[], float] = time.monotonic
    """Seconds by a clock that nobody can set."""
    _buckets: LRUCache[str, _Bucket] = field(default_factory=lambda: LRUCache(10_000))
    _lock: Lock = field(default_factory=Lock)

    def of(self, person_id: str) -> Verdict:
        """What becomes of one more request of theirs."""
        now = self.clock()
        with self._lock:
            bucket = self._buckets.get(person_id)
            if bucket is None:
                bucket = self._buckets[person_id] = _Bucket(float(self.at_once), now)
            bucket.left = min(float(self.at_once), bucket.left + (now - bucket.at) * self.a_second)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return "take"
            if bucket.told is None or now - bucket.told >= TELL_AGAIN:
                bucket.told = now
                return "tell"
            return "drop"

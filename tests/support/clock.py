"""Clocks that a test sets."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Clock:
    """The machine's time, and as much more as a test wants."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def forward(self, **span: float) -> None:
        self._ahead += timedelta(**span)


@dataclass
class StoppedClock:
    """Stands still until it is told to go on."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


class UnixClock:
    """Seconds since 1970: stands still too, but goes on a little at each look, so that no two looks see the same."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._looks = itertools.count()

    def __call__(self) -> float:
        return self.now + next(self._looks) / 1_000_000

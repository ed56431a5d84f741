"""Time for the sandbox's tests."""

from __future__ import annotations

import itertools


class Clock:
    """A clock that moves when it is told to, and a little at each look."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self._looks = itertools.count()

    def __call__(self) -> float:
        return self.now + next(self._looks) / 1_000_000

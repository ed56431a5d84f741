"""Leaves a host alone that keeps failing, for growing times, so that nobody waits for it and it can recover.

One failure is nothing. From the second in a row the host rests for 1 s, 2 s, 4 s … up to 5 minutes, and then one call
may try it. A refused password is not tried for 15 minutes, since each try counts towards locking the account out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Lock
from typing import Final

from backends.base import AuthenticationFailed, BackendError, Unreachable, name

FIRST_REST: Final = 1.0
LONGEST_REST: Final = 300.0
LOCKED_FOR: Final = 900.0


class Breaker:
    """For one host. Safe to use from many threads. `clock` counts seconds."""

    def __init__(self, host: str, clock: Callable[[], float]) -> None:
        self._host = host
        self._clock = clock
        self._lock = Lock()
        self._failures = 0
        self._rests_until = -math.inf
        self._trying = False
        self._last: BackendError | None = None

    def admit(self) -> None:
        """Let a call through, which must then report `succeeded`, `failed` or `withdrawn`. Raises `Unreachable` or
        `AuthenticationFailed` at once while the host is left alone."""
        with self._lock:
            if self._last is None or self._rests_until == -math.inf:
                return
            rest = self._rests_until - self._clock()
            if rest > 0:
                raise self._resting(self._last, f"It is left alone for another {_spoken(rest)}.")
            if self._trying:
                raise self._resting(self._last, "It is being tried again right now.")
            self._trying = True

    def refuse_if_locked(self) -> None:
        """Raise `AuthenticationFailed` if the password has just been refused to another call."""
        with self._lock:
            rest = self._rests_until - self._clock()
            if isinstance(self._last, AuthenticationFailed) and rest > 0:
                raise self._resting(self._last, f"It is left alone for another {_spoken(rest)}.")

    def succeeded(self) -> None:
        with self._lock:
            self._failures, self._rests_until, self._trying, self._last = 0, -math.inf, False, None

    def failed(self, error: BackendError) -> None:
        with self._lock:
            self._trying, self._last = False, error
            if isinstance(error, AuthenticationFailed):
                self._rests_until = self._clock() + LOCKED_FOR
            elif self._clock() >= self._rests_until:  # of calls that fail together only the first counts
                self._failures += 1
                if self._failures > 1:
                    self._rests_until = self._clock() + min(FIRST_REST * 2.0 ** (self._failures - 2), LONGEST_REST)

    def withdrawn(self) -> None:
        """The call came to nothing for a reason that says nothing about the host."""
        with self._lock:
            self._trying = False

    def _resting(self, last: BackendError, until: str) -> BackendError:
        if isinstance(last, AuthenticationFailed):
            return AuthenticationFailed(f"{last.sentence} {until}", f"{self._host} locked: {last.cause}")
        return Unreachable(
            f"{name(self._host)} failed {self._failures} times in a row. {until}",
            f"{self._host} resting: {last.cause}",
        )


def _spoken(seconds: float) -> str:
    return f"{math.ceil(seconds)} s" if seconds < 100 else f"{math.ceil(seconds / 60)} min"

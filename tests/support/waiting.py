"""Waiting for what must come: for the event that brings it, with one deadline for all tests."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Condition
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 180.0
"""Seconds until a test gives up. Only a failure uses them up, so they are enough for a machine with other work."""
OFTEN = 0.5
"""Seconds between the bot's looks at what is due. Tests do not wait for an idle machine's sake."""
LOOK_AGAIN = 0.02
"""Seconds between looks at what tells nobody of its changes."""


class Pulse:
    """Beats when something changes, so that whoever waits looks again at once."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._beats = 0

    def beat(self) -> None:
        with self._changed:
            self._beats += 1
            self._changed.notify_all()

    def wait_for(self, look: Callable[[], T | None]) -> T:
        """What `look` gives, once that is something. Fails at the deadline."""
        end = time.monotonic() + DEADLINE
        while True:
            seen = self._beats
            if found := look():
                return found
            assert time.monotonic() < end, f"nothing after {DEADLINE:g} s"
            with self._changed:
                self._changed.wait_for(lambda seen=seen: self._beats != seen, LOOK_AGAIN)  # type: ignore[misc]


def wait_until(look: Callable[[], T | None]) -> T:
    """What `look` gives, once that is something, for what tells nobody of its changes."""
    return Pulse().wait_for(look)


def comes(look: Callable[[], object], seconds: float) -> bool:
    """Whether it comes to that in so many seconds, where a test goes on without it too."""
    end = time.monotonic() + seconds
    while not look():
        if time.monotonic() >= end:
            return False
        time.sleep(LOOK_AGAIN)
    return True

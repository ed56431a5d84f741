"""Turns: how fast messages may follow each other in a channel, and which of many updates is the one to send."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bot.announcer import MessageRef


class Clock(Protocol):
    """Seconds that only go forward, and a way to wait for them."""

    def now(self) -> float: ...

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        """Wait on a condition that is held, until it is notified or `seconds` are over."""


class SystemClock:
    def now(self) -> float:
        return time.monotonic()

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        condition.wait(seconds)


@dataclass(eq=False, slots=True)
class _Turn:
    due: float


class Pace:
    """Lets `burst` messages through at once and then one each `interval` seconds, in each channel.

    Slack allows about one message a second in a channel and tolerates short bursts.
    """

    def __init__(self, clock: Clock | None = None, *, interval: float = 1.0, burst: int = 3) -> None:
        self._clock: Clock = clock or SystemClock()
        self._interval = interval
        self._burst = burst
        self._changed = threading.Condition()
        self._free_at: dict[str, float] = {}
        self._newest: dict[MessageRef, _Turn] = {}
        self._sending: set[MessageRef] = set()

    def wait(self, channel: str) -> None:
        """Wait until something may be sent to the channel."""
        with self._changed:
            turn = _Turn(self._reserve(channel))
            while (left := turn.due - self._clock.now()) > 0:
                self._clock.wait(self._changed, left)

    @contextmanager
    def newest(self, ref: MessageRef) -> Iterator[bool]:
        """Wait until this update of a message may be sent; then yield True, or False as soon as a newer one came.

        A newer update takes over the turn of the one it replaces, so a stream of them does not put off the message,
        and the last one is always sent. Two updates of one message are never on the way at once: they could overtake
        each other.
        """
        if not self._won(ref):
            yield False
            return
        try:
            yield True
        finally:
            with self._changed:
                self._sending.discard(ref)
                self._changed.notify_all()

    def _won(self, ref: MessageRef) -> bool:
        with self._changed:
            replaced = self._newest.get(ref)
            turn = _Turn(replaced.due if replaced else self._reserve(ref.channel))
            self._newest[ref] = turn
            self._changed.notify_all()
            while self._newest.get(ref) is turn:
                left = turn.due - self._clock.now()
                if left <= 0 and ref not in self._sending:
                    del self._newest[ref]
                    self._sending.add(ref)
                    return True
                self._clock.wait(self._changed, left if left > 0 else None)
            return False

    def _reserve(self, channel: str) -> float:
        """When the next turn in the channel is."""
        now = self._clock.now()
        earliest = max(now, self._free_at.get(channel, now) - (self._burst - 1) * self._interval)
        self._free_at[channel] = max(now, self._free_at.get(channel, now)) + self._interval
        return earliest

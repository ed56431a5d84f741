"""Turns: how fast messages may follow each other in a channel, and which of many updates is the one to send."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from bot.messages import MessageRef

MOST_KEPT = 1_000
"""Channels and messages after which those are forgotten that have their whole burst back."""


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
    """Lets `burst` messages through at once and then one each `interval` seconds, in each channel; and so with the
    updates of one message, each `update_interval` seconds.

    Slack allows about one message a second in a channel and tolerates short bursts. A message that fills up is read by
    people, who gain nothing from more than an update in three seconds.
    """

    def __init__(
        self, clock: Clock | None = None, *, interval: float = 1.0, update_interval: float = 3.0, burst: int = 3
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._interval = interval
        self._update_interval = update_interval
        self._burst = burst
        self._changed = threading.Condition()
        self._free_at: dict[str | MessageRef, float] = {}
        self._newest: dict[MessageRef, _Turn] = {}
        self._sending: set[MessageRef] = set()

    def wait(self, channel: str) -> None:
        """Wait until something may be sent to the channel."""
        with self._changed:
            turn = _Turn(self._reserve(channel, self._interval))
            while (left := turn.due - self._clock.now()) > 0:
                self._clock.wait(self._changed, left)

    def is_idle(self, ref: MessageRef) -> bool:
        """No update of the message is on its way, or waits for its turn."""
        with self._changed:
            return ref not in self._newest and ref not in self._sending

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
            turn = _Turn(replaced.due if replaced else self._reserve_update(ref))
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

    def _reserve_update(self, ref: MessageRef) -> float:
        return max(self._reserve(ref, self._update_interval), self._reserve(ref.channel, self._interval))

    def _reserve(self, what: str | MessageRef, interval: float) -> float:
        """When the next turn in the channel, or of the message, is."""
        now = self._clock.now()
        free_at = max(now, self._free_at.get(what, now))
        if len(self._free_at) > MOST_KEPT:
            self._free_at = {one: at for one, at in self._free_at.items() if at > now}
        self._free_at[what] = free_at + interval
        return max(now, free_at - (self._burst - 1) * interval)

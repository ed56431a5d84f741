"""How fast an app may post: about one message per second and channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.sandbox.errors import SlackError


@dataclass
class Pace:
    """About one message per second and channel, with short bursts, as chat.postMessage allows."""

    clock: Callable[[], float]
    on: bool = False
    per_second: float = 1.0
    burst: float = 3.0
    _level: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)

    def take(self, channel: str) -> None:
        """Count one message. Raises `SlackError` ratelimited (HTTP 429 with Retry-After in seconds)."""
        if not self.on:
            return
        now = self.clock()
        left, seen = self._level.get(channel, (self.burst, now))
        left = min(self.burst, left + (now - seen) * self.per_second)
        if left < 1:
            self._level[channel] = (left, now)
            raise rate_limited(math.ceil((1 - left) / self.per_second))
        self._level[channel] = (left - 1, now)


def rate_limited(seconds: int) -> SlackError:
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(seconds)})

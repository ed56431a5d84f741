"""What is to be done after a while, unless it is called off: one thread waits for all of it."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread


def _nothing() -> None:
    """For one that is called off."""


@dataclass(eq=False, slots=True)
class Alarm:
    act: Callable[[], None]
    off: bool = False

    def cancel(self) -> None:
        """Harmless once it has gone off. What it held is let go of now, and not when it would have been due."""
        self.off = True
        self.act = _nothing


@dataclass(slots=True)
class Alarms:
    """Safe to use from many threads. What is due is done on a thread of its own, so that it keeps nothing waiting."""

    _due: list[tuple[float, int, Alarm]] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _changed: Condition = field(default_factory=Condition)
    _watched: bool = False

    def after(self, seconds: float, act: Callable[[], None]) -> Alarm:
        alarm = Alarm(act)
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), alarm))
            first, begin = self._due[0][2] is alarm, not self._watched
            self._watched = True
            if first:
                self._changed.notify()
        if begin:
            Thread(target=self._watch, name="alarms", daemon=True).start()
        return alarm

    def _watch(self) -> None:
        while True:
            with self._changed:
                if not self._due:
                    self._watched = False
                    return
                left = self._due[0][0] - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                    continue
                alarm = heapq.heappop(self._due)[2]
            if not alarm.off:
                Thread(target=alarm.act, name="alarm", daemon=True).start()

"""Answers that are kept for a while, and asked for once when many want them at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")

MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    until: float


class Cache(Generic[Value]):
    """Keeps answers for `seconds`, counted from when they were asked for: none is ever used longer.

    Failures are not kept, but everyone who waits for one answer gets the same failure.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry[Value]] = {}
        self._flights: dict[Hashable, Future[Value]] = {}

    def get(self, key: Hashable, ask: Callable[[], Value], *, fresh: bool = False) -> Value:
        """The answer for `key`; raises what `ask` does. `fresh` asks anew, even while an older question is open."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and not fresh and self._clock() < entry.until:
                return entry.value
            flight = self._flights.get(key)
            asked_here = flight is None or fresh
            if flight is None or fresh:
                flight = self._flights[key] = Future()
        if asked_here:
            self._fly(key, flight, ask)
        return flight.result()

    def _fly(self, key: Hashable, flight: Future[Value], ask: Callable[[], Value]) -> None:
        until = self._clock() + self._seconds
        try:
            value = ask()
        except BaseException as error:
            self._land(key, flight, None)
            flight.set_exception(error)
            return
        self._land(key, flight, _Entry(value, until))
        flight.set_result(value)

    def _land(self, key: Hashable, flight: Future[Value], entry: _Entry[Value] | None) -> None:
        """Keep an answer, unless somebody has asked anew in the meantime: theirs is the newer one."""
        with self._lock:
            if self._flights.get(key) is not flight:
                return
            del self._flights[key]
            self._entries.pop(key, None)
            if entry is not None:
                if len(self._entries) >= MAX_ENTRIES:
                    self._entries.pop(next(iter(self._entries)))
                self._entries[key] = entry

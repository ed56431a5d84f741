"""Answers that are kept for a while, and asked for once when many want them at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cachetools import TLRUCache

from bot.messages import WorkspaceError

Value = TypeVar("Value")

MAX_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry(Generic[Value]):
    value: Value
    asked: float


@dataclass(frozen=True, slots=True, eq=False)
class _Flight(Generic[Value]):
    """A question that is open."""

    asked: float
    answer: Future[Value] = field(default_factory=Future)


class Cache(Generic[Value]):
    """Keeps answers for `seconds`, counted from when they were asked for: none is ever used longer.

    Failures are not kept, but everyone who waits for one answer gets the same failure. One in passing leaves the answer
    of before as it is: else whoever asks too often would take it from everybody.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: TLRUCache[Hashable, _Entry[Value]] = TLRUCache(
            MAX_ENTRIES, ttu=lambda _key, entry, _now: entry.asked + seconds, timer=clock
        )
        self._flights: dict[Hashable, _Flight[Value]] = {}

    def get(self, key: Hashable, ask: Callable[[], Value], *, max_age: float | None = None) -> Value:
        """The answer for `key`; raises what `ask` does. `max_age` is how many seconds ago it may have been asked for,
        where that is less than it is kept; with 0 it is asked anew, even while an older question is open."""
        with self._lock:
            now = self._clock()
            oldest = now - (self._seconds if max_age is None else min(max_age, self._seconds))
            entry = self._entries.get(key)
            if entry is not None and entry.asked > oldest:
                return entry.value
            flight = self._flights.get(key)
            asked_here = flight is None or (max_age is not None and flight.asked <= oldest)
            if flight is None or asked_here:
                flight = self._flights[key] = _Flight(now)
        if asked_here:
            self._fly(key, flight, ask)
        return flight.answer.result()

    def _fly(self, key: Hashable, flight: _Flight[Value], ask: Callable[[], Value]) -> None:
        try:
            value = ask()
        except BaseException as error:
            self._land(key, flight, None, drop=isinstance(error, WorkspaceError) and error.lasting)
            flight.answer.set_exception(error)
            return
        self._land(key, flight, _Entry(value, flight.asked))
        flight.answer.set_result(value)

    def _land(self, key: Hashable, flight: _Flight[Value], entry: _Entry[Value] | None, *, drop: bool = False) -> None:
        """Keep an answer, or `drop` that of before, unless somebody has asked anew in the meantime: theirs is the newer
        one."""
        with self._lock:
            if self._flights.get(key) is not flight:
                return
            del self._flights[key]
            if drop or entry is not None:
                self._entries.pop(key, None)
            if entry is not None:
                self._entries[key] = entry

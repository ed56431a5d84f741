"""Turns on a host: a few changes at a time act on it, so that those of a large group do not wait each other out.

A host has few sessions, and who waits too long for one fails. A change waits for its turn as long as that takes, and
the sessions that are left answer people's questions meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Semaphore
from typing import TypeVar

from bot.changes.outcome import Journal

T = TypeVar("T")

AT_ONCE = 4
"""Changes that act on one host at the same time: two fewer than it has sessions (`HostConnection.shells`)."""


class Turns:
    """Safe to use from many threads."""

    def __init__(self, most: int = AT_ONCE) -> None:
        self._most = most
        self._free: dict[str, Semaphore] = {}

    @contextmanager
    def on(self, host: str, journal: Journal) -> Iterator[Journal]:
        """Wait for a turn on the host, and have it until the end. The journal that is given lets others go ahead while
        it sleeps: who waits for a host that is lost does so for hours."""
        free = self._free.setdefault(host, Semaphore(self._most))
        with free:
            yield _Yielding(journal, free)


@dataclass(frozen=True, slots=True)
class _Yielding:
    journal: Journal
    free: Semaphore

    def step(self, name: str, act: Callable[[], T]) -> T:
        return self.journal.step(name, act)

    def sleep(self, seconds: float) -> None:
        self.free.release()
        try:
            self.journal.sleep(seconds)
        finally:
            self.free.acquire()

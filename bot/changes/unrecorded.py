"""What was told and could not be recorded yet, since the ledger was in trouble right then: it is not told again."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Unrecorded:
    """Kept in memory: what was told right before a crash may be told again. Whoever uses one key does so alone."""

    def __init__(self) -> None:
        self._done: dict[Hashable, Any] = {}

    def once(self, key: Hashable, act: Callable[[], T], record: Callable[[T], object]) -> T:
        """Act, and record what that gave. Where only the recording failed before, it is tried again alone."""
        given: T = self._done[key] if key in self._done else act()
        self._done[key] = given
        record(given)
        self._done.pop(key, None)
        return given

"""Commands that were offered with a button: its value is an id, and the words behind it are kept here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from threading import Lock

from cachetools import TTLCache

from commands.base import UsageError

KEPT_FOR = 1800.0
"""Seconds: as long as Slack lets the bot come back to an answer."""


class Offers:
    """Safe to use from many threads. A restart forgets them all: what is offered can also be typed."""

    def __init__(self, kept_for: float = KEPT_FOR, *, new_id: Callable[[], str] = lambda: str(uuid.uuid4())) -> None:
        self._new_id = new_id
        self._words: TTLCache[tuple[str, str], tuple[str, ...]] = TTLCache(10_000, kept_for)
        self._lock = Lock()

    def make(self, person_id: str, words: tuple[str, ...]) -> str:
        """Keep a command for a person. The id that the button's value is."""
        offer_id = self._new_id()
        with self._lock:
            self._words[person_id, offer_id] = words
        return offer_id

    def words_of(self, person_id: str, offer_id: str) -> tuple[str, ...]:
        """Raises `UsageError` for what was not offered to that person, or too long ago."""
        with self._lock:
            words = self._words.get((person_id, offer_id))
        if words is None:
            raise UsageError("This offer was made too long ago.", "Type the command instead.")
        return words

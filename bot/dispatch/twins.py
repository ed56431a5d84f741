"""Changes that are asked for twice at the same time: by two people, or by one who pressed Enter again."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock

from cachetools import LRUCache, TTLCache

from commands.base import Create, Plan

WITHIN = 5.0
"""Seconds. A second checkpoint of that name would make the name ambiguous; later than that somebody means it."""


class Twins:
    """Knows the creates of the last moment. Safe to use from many threads."""

    def __init__(self, within: float = WITHIN) -> None:
        self._lately: TTLCache[Hashable, str] = TTLCache(1_000, within)
        self._locks: LRUCache[Hashable, Lock] = LRUCache(1_000)
        self._lock = Lock()

    @contextmanager
    def asking(self, plan: Plan) -> Iterator[str | None]:
        """The change that asked for the same a moment ago, if any. Nobody else asks for the same inside."""
        if not isinstance(plan.action, Create):
            yield None
            return
        what = _what(plan, plan.action)
        with self._lock:
            asking = self._locks.setdefault(what, Lock())
        with asking:
            with self._lock:
                twin = self._lately.get(what)
            yield twin

    def asked(self, plan: Plan, change_id: str) -> None:
        """To be called inside `asking`."""
        if isinstance(plan.action, Create):
            with self._lock:
                self._lately[_what(plan, plan.action)] = change_id


def _what(plan: Plan, action: Create) -> Hashable:
    """The same for plans after which one VM would have two checkpoints of one name and type."""
    return action.name.casefold(), action.checkpoint_type, frozenset(target.vm_id for target in plan.targets)

"""Checkpoints that are asked for twice at the same time: by two people, or by one who pressed Enter again."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock

from cachetools import LRUCache, TTLCache

from commands.base import Create, Plan
from commands.kit.finding import plain

WITHIN = 5.0
"""Seconds. A second checkpoint of that name would make the name ambiguous; later than that it is on the host, and the
command refuses a second one."""


class Twins:
    """Knows the creates of the last moment, by VM and name. Safe to use from many threads."""

    def __init__(self, within: float = WITHIN) -> None:
        self._lately: TTLCache[Hashable, str] = TTLCache(10_000, within)
        self._locks: LRUCache[str, Lock] = LRUCache(1_000)
        self._lock = Lock()

    @contextmanager
    def asking(self, plan: Plan) -> Iterator[Mapping[str, str]]:
        """Those of the plan's VMs that somebody asked for the same a moment ago, by GUID, with the change that did.
        Nobody else asks for a checkpoint of that name inside."""
        if not isinstance(plan.action, Create):
            yield {}
            return
        name = plain(plan.action.name)
        with self._lock:
            asking = self._locks.setdefault(name, Lock())
        with asking:
            with self._lock:
                lately = {target.vm_id: self._lately.get((name, target.vm_id)) for target in plan.targets}
            yield {vm_id: change_id for vm_id, change_id in lately.items() if change_id}

    def asked(self, plan: Plan, change_id: str) -> None:
        """To be called inside `asking`."""
        if isinstance(plan.action, Create):
            with self._lock:
                self._lately.update({(plain(plan.action.name), one.vm_id): change_id for one in plan.targets})

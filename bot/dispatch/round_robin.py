"""A line in which everybody's next comes in turn, so that a flood of one person holds up nobody else."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection
from typing import Generic, TypeVar

Item = TypeVar("Item")


class RoundRobin(Generic[Item]):
    """Not locked: whoever has it locks it."""

    def __init__(self, each: int) -> None:
        """`each` is how many things of one person may stand in it."""
        self._each = each
        self._lines: OrderedDict[str, deque[Item]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def add(self, person_id: str, item: Item) -> bool:
        """False, and not added, where the person has as many in it as they may."""
        if len(self._lines.get(person_id, ())) >= self._each:
            return False
        self._lines.setdefault(person_id, deque()).append(item)
        return True

    def has_next(self, but: Collection[str] = ()) -> bool:
        """Whether there is anything of somebody who is none of these."""
        return any(one not in but for one in self._lines)

    def next(self, but: Collection[str] = ()) -> Item | None:
        """Take out what comes next: the oldest of the person whose turn it is, and who is none of these. None where
        there is nothing."""
        person_id = next((one for one in self._lines if one not in but), None)
        if person_id is None:
            return None
        line = self._lines.pop(person_id)
        item = line.popleft()
        if line:
            self._lines[person_id] = line  # behind everybody else who has something in it
        return item

    def remove(self, person_id: str, item: Item) -> None:
        """Take something out before its turn. Harmless where it is not in it."""
        line = self._lines.get(person_id, deque())
        if item in line:
            line.remove(item)
        if not line:
            self._lines.pop(person_id, None)

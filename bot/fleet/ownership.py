"""Whose checkpoints are: what the ledger knows of them, with the owners who are there no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from commands.base import CheckpointNote

AT_ONCE = 8
"""People who are looked up at the same time: an answer of the workspace takes a moment, and owners are few."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Safe to use from many threads."""

    has_left: Callable[[str], bool]
    """Whether somebody may use the bot no more."""

    def of(self, notes: Mapping[str, CheckpointNote]) -> Mapping[str, CheckpointNote]:
        """The same notes; whose owner has left is marked. Each owner is looked up once."""
        gone = self._gone({note.owner for note in notes.values() if note.owner})
        return {id: replace(note, left=True) if note.owner in gone else note for id, note in notes.items()}

    def _gone(self, owners: Iterable[str]) -> frozenset[str]:
        asked = sorted(owners)
        if not asked:
            return frozenset()
        with ThreadPoolExecutor(min(AT_ONCE, len(asked)), thread_name_prefix="owners") as pool:
            return frozenset(who for who, left in zip(asked, pool.map(self.has_left, asked), strict=True) if left)

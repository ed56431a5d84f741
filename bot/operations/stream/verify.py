"""Proves a chain from its stream alone, as a receiver has kept it: a line an event, each perhaps more than once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.ledger import Breakage, Head, Link
from bot.operations.stream.cloudevents import read

DIGEST = 32
"""Bytes of a hash."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a stream proves."""

    before: Head | None
    """What its first event follows: event 0 where it has the whole chain. None where it holds no event."""
    head: Head | None
    """How far its events are right."""
    repeated: int
    """Events that came more than once, as they may."""
    broken: Breakage | None = None


def verify(lines: Iterable[str], anchor: Head | None = None) -> Proof:
    """Walk a stream. Lines that hold no event are passed over: a log that holds other things too, and half a line that
    a crash has left. Raises nothing for whatever stands in it; `anchor` is a head that must be in it."""
    walk = _Walk()
    broken = None
    for link in filter(None, map(read, lines)):
        if what := walk.take(link):
            broken = Breakage(what, min(link.seq, walk.next))
            break
    if broken is None and anchor is not None and not walk.holds(anchor):
        broken = Breakage("It is not the event that the kept head names: the chain was rewritten or cut.", anchor.seq)
    return Proof(walk.before, walk.head, walk.repeated, broken)


@dataclass(slots=True)
class _Walk:
    before: Head | None = None
    head: Head | None = None
    repeated: int = 0
    _digests: bytearray = field(default_factory=bytearray)

    @property
    def next(self) -> int:
        return self.head.seq + 1 if self.head else 1

    def take(self, link: Link) -> str | None:
        """What is wrong with it."""
        if not link.is_right:
            return "It was edited: its content does not fit its hash."
        if self.before is None:
            self.before = Head(link.seq - 1, link.previous_hash)
            self.head = self.before
        if self.head is None or link.seq > self.next:
            return "It is missing."
        if link.seq < self.next:
            self.repeated += 1
            return None if self.holds(link.head) else "It came twice, and not as the same: the ledger was rewritten."
        if link.previous_hash != self.head.hash:
            return "It does not follow the event before it."
        self.head = link.head
        self._digests += bytes.fromhex(link.hash)
        return None

    def holds(self, head: Head) -> bool:
        if self.before is None:
            return False
        place = (head.seq - self.before.seq - 1) * DIGEST
        kept = self._digests[max(0, place) : place + DIGEST] if place >= 0 else b""
        return head == self.before or (bool(kept) and kept.hex() == head.hash)

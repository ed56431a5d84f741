"""How much goes on at once: one change at a time on a VM, a few on a host, each in the order of asking.

A host has few sessions, and who waits too long for one fails. What has no turn yet holds no thread and costs nothing:
it is begun when the one before it is done.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition

from cachetools import LRUCache

AT_ONCE = 4
"""Changes that act on one host at the same time: two fewer than it has sessions, which answer questions meanwhile."""

KEPT = 10_000
"""Turns that are over and known to be so: whoever asks for one again does so soon after a start."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One VM of one change."""

    change_id: str
    index: int
    """Of the VM among the change's."""
    vm_id: str
    host: str


@dataclass(slots=True)
class _Share:
    """Of one host."""

    active: int = 0
    returning: int = 0
    """Those that were away, and go first."""
    ready: list[tuple[int, Turn]] = field(default_factory=list)
    """A heap of those that only wait for the host, by their place."""


class Limits:
    """Gives turns once it is `open`. Safe to use from many threads."""

    def __init__(self, begin: Callable[[Turn], None], at_once: int = AT_ONCE) -> None:
        """`begin` is called, on the thread that made room, for each turn that comes. It must not raise."""
        self._begin = begin
        self._at_once = at_once
        self._changed = Condition()
        self._place = 0
        self._lines: dict[str, deque[tuple[int, Turn]]] = {}
        """By VM: the first of each is at work, or waits only for its host."""
        self._at_work: set[Turn] = set()
        self._shares: dict[str, _Share] = {}
        self._open = False
        self._over: LRUCache[Turn, None] = LRUCache(KEPT)
        """Turns that are over: a workflow that is run again asks for them again."""

    def open(self) -> None:
        """Let turns come: by now it is known which were at work when the bot last stopped, and which are over."""
        with self._changed:
            self._open = True
            begun = [one for host in tuple(self._shares) for one in self._take(host)]
        self._start(begun)

    def queue(self, *turns: Turn) -> None:
        """Let these wait for their turns, behind all that wait already. One that is known already is left where it
        is, and one that is over is not begun again."""
        with self._changed:
            for turn in turns:
                if turn in self._over:
                    continue
                line = self._lines.setdefault(turn.vm_id, deque())
                if any(turn == other for _, other in line):
                    continue
                self._place += 1
                line.append((self._place, turn))
                if len(line) == 1:
                    heapq.heappush(self._share(turn.host).ready, line[0])
            begun = [one for host in {turn.host for turn in turns} for one in self._take(host)]
        self._start(begun)

    def occupy(self, turn: Turn) -> None:
        """This one is at work already: it was when the bot last stopped. Before `open`."""
        with self._changed:
            if turn in self._over or turn in self._at_work:
                return
            self._place += 1
            waiting = (one for one in self._lines.get(turn.vm_id, ()) if one[1] != turn)
            self._lines[turn.vm_id] = deque([(self._place, turn), *waiting])
            self._at_work.add(turn)
            self._share(turn.host).active += 1

    def done(self, turn: Turn) -> None:
        """Its turn is over, and the next one's comes. It may be so before anybody has asked for the turn: a workflow
        that is taken up after a restart ends when it likes."""
        with self._changed:
            self._over[turn] = None
            if turn in self._at_work:
                self._at_work.discard(turn)
                self._share(turn.host).active -= 1
            hosts = {turn.host}
            before = self._lines.pop(turn.vm_id, deque())
            line = deque(one for one in before if one[1] != turn)
            if line:
                self._lines[turn.vm_id] = line
                if line[0] != before[0]:
                    heapq.heappush(self._share(line[0][1].host).ready, line[0])
                    hosts.add(line[0][1].host)
            begun = [one for host in hosts for one in self._take(host)]
            self._changed.notify_all()
        self._start(begun)

    def away(self, turn: Turn) -> None:
        """It waits for a host that is lost, for hours perhaps: others go ahead on the host, not on the VM."""
        with self._changed:
            self._share(turn.host).active -= 1
            begun = self._take(turn.host)
            self._changed.notify_all()
        self._start(begun)

    def back(self, turn: Turn) -> None:
        """Wait until there is room on the host again."""
        with self._changed:
            share = self._share(turn.host)
            share.returning += 1
            self._changed.wait_for(lambda: share.active < self._at_once)
            share.returning -= 1
            share.active += 1

    def returning(self, host: str) -> int:
        """How many were away from the host and wait to go on."""
        with self._changed:
            return self._share(host).returning

    def _share(self, host: str) -> _Share:
        return self._shares.setdefault(host, _Share())

    def _take(self, host: str) -> list[Turn]:
        """Those whose turn has come."""
        share, taken = self._share(host), []
        while self._open and share.ready and share.active + share.returning < self._at_once:
            _, turn = heapq.heappop(share.ready)
            line = self._lines.get(turn.vm_id)
            if not line or line[0][1] != turn or turn in self._at_work:
                continue  # it is over, behind one that was at work when the bot stopped, or here for a second time
            share.active += 1
            self._at_work.add(turn)
            taken.append(turn)
        return taken

    def _start(self, turns: list[Turn]) -> None:
        for turn in turns:
            self._begin(turn)

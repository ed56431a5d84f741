"""Bulkheads between the hosts: a host that hangs keeps those waiting who asked about it, and nobody else.

Every question that waits for a host passes through here, and all of them together are fewer than the threads that look
into requests (`bot.slack.intake`). So what needs no host, as `whoami` or a card's Cancel, always finds one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Condition, RLock

from backends.base import Busy
from bot.dispatch.round_robin import RoundRobin
from commands.base import name

At = Callable[[str | None], AbstractContextManager[None]]
"""What is done inside waits for that host; None for whichever of them is to be asked."""

AT_ONCE = 4
"""Questions that one host is asked at the same time. It has six sessions, and changes need some of them."""

IN_LINE, IN_LINE_EACH = 64, 16
"""Questions that wait for their turn on one host: of all people, and of one."""

IN_ALL, IN_ALL_EACH = 96, 32
"""Questions that wait for hosts: of all people, and of one."""

TIMEOUT = 15.0
"""Seconds that a question waits for its turn."""


@dataclass(eq=False, slots=True)
class _Turn:
    changed: Condition
    come: bool = False


class Bulkhead:
    """Safe to use from many threads."""

    def __init__(
        self,
        *,
        at_once: int = AT_ONCE,
        in_line: int = IN_LINE,
        in_line_each: int = IN_LINE_EACH,
        in_all: int = IN_ALL,
        in_all_each: int = IN_ALL_EACH,
        timeout: float = TIMEOUT,
    ) -> None:
        self._at_once = at_once
        self._in_line = in_line
        self._in_line_each = in_line_each
        self._in_all = in_all
        self._in_all_each = in_all_each
        self._timeout = timeout
        self._lock = RLock()
        self._inside: Counter[str] = Counter()
        self._asking: dict[str, int] = {}
        self._lines: dict[str, RoundRobin[_Turn]] = {}

    def of(self, person_id: str) -> At:
        """The way of one person's questions to the hosts."""
        return lambda host: self.at(host, person_id)

    @contextmanager
    def at(self, host: str | None, person_id: str) -> Iterator[None]:
        """Wait for a turn on the host, and have it until the end. Raises `Busy` when there is no place in the line, or
        when the turn does not come in time."""
        with self._counted(person_id):
            if host is None:
                yield
                return
            self._take_turn(host, person_id)
            try:
                yield
            finally:
                self._pass_on(host)

    @contextmanager
    def _counted(self, person_id: str) -> Iterator[None]:
        with self._lock:
            inside, mine = self._inside.total(), self._inside[person_id]
            if inside >= self._in_all or mine >= self._in_all_each:
                raise Busy(
                    "Too many questions wait for hosts that are slow to answer. Ask again in a minute.",
                    f"{inside} questions wait for hosts, {mine} of them of {person_id}",
                    unchanged=True,
                )
            self._inside[person_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[person_id] -= 1
                if not self._inside[person_id]:
                    del self._inside[person_id]

    def _take_turn(self, host: str, person_id: str) -> None:
        with self._lock:
            line = self._lines.setdefault(host, RoundRobin(self._in_line_each))
            if self._asking.get(host, 0) < self._at_once:
                self._asking[host] = self._asking.get(host, 0) + 1
                return
            turn = _Turn(Condition(self._lock))
            if len(line) >= self._in_line or not line.add(person_id, turn):
                raise _slow(host, f"{len(line)} questions wait for it already")
            if not turn.changed.wait_for(lambda: turn.come, self._timeout):
                line.remove(person_id, turn)
                raise _slow(host, f"questions that came before yours were not answered in {self._timeout:.0f} seconds")

    def _pass_on(self, host: str) -> None:
        with self._lock:
            turn = self._lines[host].next()
            if turn is None:
                self._asking[host] -= 1
                return
            turn.come = True
            turn.changed.notify()


def _slow(host: str, why: str) -> Busy:
    sentence = f"{name(host)} is slow to answer: {why}. Ask again in a minute."
    return Busy(sentence, f"no turn on {host}: {why}", unchanged=True)

"""What waits to be received by a client: whole PSRP messages in, fragments of the client's size out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition
from time import monotonic

from backends.simulator.winrm.fragments import END, FRAGMENT, START

SMALLEST = 1024
"""Bytes. A client that asks for less gets this much."""


class Closed(Exception):
    """The shell or the command is gone."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one Receive takes along."""

    fragments: bytes
    last: bool
    """Nothing will follow."""


@dataclass(slots=True)
class _Outgoing:
    object_id: int
    message: memoryview
    sent: int = 0
    number: int = 0


class Outbox:
    """One queue of messages. Safe to use from many threads.

    With `gather`, a `take` that finds something waits that many seconds for the rest, so that a quick pipeline is
    received in one go.
    """

    def __init__(self, gather: float = 0.0) -> None:
        self._gather = gather
        self._changed = Condition()
        self._messages: deque[_Outgoing] = deque()
        self._bytes = 0
        self._finished = False
        self._closed = False

    @property
    def finished(self) -> bool:
        return self._finished

    def put(self, object_id: int, message: bytes) -> None:
        """Add a message. `object_id` is unique among all that the client gets from this shell."""
        with self._changed:
            self._messages.append(_Outgoing(object_id, memoryview(message)))
            self._bytes += len(message)
            self._changed.notify_all()

    def finish(self) -> None:
        """Nothing will be added any more."""
        with self._changed:
            self._finished = True
            self._changed.notify_all()

    def close(self) -> None:
        """Let every `take` end, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, size: int, timeout: float) -> Parcel:
        """Wait for messages and take up to `size` bytes of fragments.

        Raises `TimeoutError` when there is nothing within `timeout` seconds, and `Closed`.
        """
        size = max(size, SMALLEST)
        until = monotonic() + timeout
        with self._changed:
            if not self._wait(lambda: bool(self._messages) or self._finished, until):
                raise TimeoutError
            if self._gather:
                self._wait(lambda: self._finished or self._bytes >= size, min(until, monotonic() + self._gather))
            fragments = b"".join(self._cut(size))
            return Parcel(fragments, last=self._finished and not self._messages)

    def wait_until_finished(self) -> None:
        """Wait as long as it takes. Raises `Closed`."""
        with self._changed:
            self._wait(lambda: self._finished, None)

    def _wait(self, ready: Callable[[], bool], until: float | None) -> bool:
        timeout = None if until is None else max(0.0, until - monotonic())
        found = self._changed.wait_for(lambda: self._closed or ready(), timeout)
        if self._closed:
            raise Closed
        return found

    def _cut(self, size: int) -> Iterator[bytes | memoryview]:
        while self._messages and size > FRAGMENT.size:
            first = self._messages[0]
            piece = first.message[first.sent : first.sent + size - FRAGMENT.size]
            start = 0 if first.number else START
            first.sent += len(piece)
            end = END if first.sent == len(first.message) else 0
            yield FRAGMENT.pack(first.object_id, first.number, start | end, len(piece))
            yield piece
            first.number += 1
            size -= FRAGMENT.size + len(piece)
            self._bytes -= len(piece)
            if end:
                self._messages.popleft()

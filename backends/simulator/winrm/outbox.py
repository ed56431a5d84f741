"""What waits to be received by a client: PSRP fragments in the order in which they were written."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Condition
from time import monotonic


class Closed(Exception):
    """The shell or the command is gone."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one Receive takes along."""

    fragments: bytes
    last: bool
    """Nothing will follow."""


class Outbox:
    """One queue of fragments. Safe to use from many threads.

    With `gather`, a `take` that finds something waits that many seconds for the rest, so that a quick pipeline is
    received in one go.
    """

    def __init__(self, gather: float = 0.0) -> None:
        self._gather = gather
        self._changed = Condition()
        self._pieces: deque[bytes] = deque()
        self._bytes = 0
        self._finished = False
        self._closed = False

    def put(self, fragments: bytes) -> None:
        """Add whole fragments, which will leave together."""
        with self._changed:
            self._pieces.append(fragments)
            self._bytes += len(fragments)
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
        """Wait for fragments and take up to `size` bytes of them, or what was put first if that is larger.

        Raises `TimeoutError` when there is nothing within `timeout` seconds, and `Closed`.
        """
        until = monotonic() + timeout
        with self._changed:
            if not self._wait(lambda: bool(self._pieces) or self._finished, until):
                raise TimeoutError
            if self._gather:
                self._wait(lambda: self._finished or self._bytes >= size, min(until, monotonic() + self._gather))
            fragments = b"".join(self._take(size))
            return Parcel(fragments, last=self._finished and not self._pieces)

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

    def _take(self, size: int) -> Iterator[bytes]:
        taken = 0
        while self._pieces and (not taken or taken + len(self._pieces[0]) <= size):
            piece = self._pieces.popleft()
            taken += len(piece)
            self._bytes -= len(piece)
            yield piece

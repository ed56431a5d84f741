"""What several ask for at the same time is done once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Future, wait
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Joint(Generic[T]):
    """Safe to use from many threads. Who asks while something is being done waits for the next time, which all share
    who asked in the meantime: it begins after they asked, so nobody gets what is older than their question."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._under_way: dict[Hashable, Future[T]] = {}
        self._next: dict[Hashable, Future[T]] = {}

    def of(
        self,
        what: Hashable,
        act: Callable[[], T],
        *,
        waiting: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> T:
        """What `act` gives, or gave somebody else who asked for the same. Raises what that raises. Whoever waits for
        others does so inside `waiting`, and raises what that raises."""
        with self._lock:
            before, joined = self._under_way.get(what), self._next.get(what)
            if joined is None:
                mine = Future[T]()
                (self._next if before else self._under_way)[what] = mine
        if joined is not None:
            with waiting():
                return joined.result()
        try:
            if before is not None:
                with waiting():
                    wait([before])
            found = act()
        except BaseException as error:
            self._let_the_next_begin(what, mine)
            mine.set_exception(error)
            raise
        self._let_the_next_begin(what, mine)
        mine.set_result(found)
        return found

    def _let_the_next_begin(self, what: Hashable, mine: Future[T]) -> None:
        with self._lock:
            if self._next.get(what) is mine:  # it did not get as far as its turn
                del self._next[what]
            elif following := self._next.pop(what, None):
                self._under_way[what] = following
            else:
                del self._under_way[what]

"""A few warm shells of one host: lent to one call at a time, closed when nobody needs them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Condition, Thread, Timer
from typing import Final, Generic, Protocol, TypeVar

IDLE_LIMIT: Final = 35 * 60.0
"""Seconds that a shell may lie idle here: less than the host lets it (`shell.IDLE_TIMEOUT`), and more than a quiet host
is left alone."""

FINISHING_LIMIT: Final = 1.0
"""Seconds to wait for a shell that is nearly free before another one is opened: to open one takes longer."""

_log = logging.getLogger(__name__)


class PooledShell(Protocol):
    """What the pool needs of a `Shell`."""

    def close(self) -> None: ...

    def cut(self) -> None: ...


ShellT = TypeVar("ShellT", bound=PooledShell)


class AllBusy(Exception):
    """No shell came free in time."""


class Closed(Exception):
    """The pool gives nothing out any more."""


@dataclass(frozen=True, slots=True)
class Lease(Generic[ShellT]):
    """A shell in the hands of one call."""

    shell: ShellT
    idle_for: float | None
    """Seconds since it was last used; None for one that is yet to be opened."""


class Pool(Generic[ShellT]):
    """At most `limit` shells, made by `make` when there is none to lend. The one used last is lent first, so that the
    others can go. Safe to use from many threads. `clock` counts seconds, for the idle time."""

    def __init__(
        self, make: Callable[[], ShellT], limit: int, clock: Callable[[], float], idle_limit: float = IDLE_LIMIT
    ) -> None:
        self._make = make
        self._limit = limit
        self._clock = clock
        self._idle_limit = idle_limit
        self._changed = Condition()
        self._idle: list[tuple[ShellT, float]] = []
        self._lent: set[ShellT] = set()
        self._finishing: dict[ShellT, float] = {}
        self._closed = False
        self._sweeper: Timer | None = None

    def lend(self, timeout: float, *, fresh: bool = False) -> Lease[ShellT]:
        """A shell, within `timeout` seconds; with `fresh` one that is yet to be opened. Raises `AllBusy`, `Closed`."""
        if old := self._take_old():
            # Not by who waits for a shell: it takes seconds where the host is gone.
            Thread(target=_close_all, args=(old,), daemon=True).start()
        began = time.monotonic()
        until, finished = began + timeout, min(began + FINISHING_LIMIT, began + timeout)
        with self._changed:
            while True:
                now = time.monotonic()
                waits = bool(self._finishing) and not fresh and now < finished
                lease = self._obtain(fresh=fresh, waits=waits)
                if lease is not None:
                    return lease
                if now >= until:
                    raise AllBusy
                self._changed.wait((finished if waits else until) - now)

    def finishing(self, shell: ShellT) -> None:
        """What was asked of the shell is done, and it comes back soon. Its idle time counts from now."""
        with self._changed:
            self._finishing[shell] = self._clock()
            self._changed.notify_all()

    def give_back(self, shell: ShellT) -> None:
        """Take a sound shell back; one that was thrown away in the meantime stays away."""
        with self._changed:
            if shell in self._lent and not self._closed:
                self._lent.discard(shell)
                self._idle.append((shell, self._finishing.pop(shell, self._clock())))
                self._sweep_later()
                self._changed.notify_all()
                return
        _close(shell)
        self._forget(shell)

    def discard(self, shell: ShellT) -> None:
        """Throw a broken shell away."""
        shell.cut()
        self._forget(shell)

    def retire(self, shell: ShellT) -> None:
        """Throw a shell away that can be of no more use, and may still stand on its host. Nobody waits for its end."""
        self._forget(shell)
        Thread(target=_close, args=(shell,), daemon=True).start()

    def close(self, grace: float = 5.0) -> None:
        """End every shell. Those in use get `grace` seconds to come back, and are then cut."""
        with self._changed:
            self._closed = True
            if self._sweeper:
                self._sweeper.cancel()
            idle, self._idle = self._idle, []
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._lent, grace)
            stuck = list(self._lent)
        _close_all([shell for shell, _ in idle])
        for shell in stuck:
            shell.cut()

    def _obtain(self, *, fresh: bool, waits: bool) -> Lease[ShellT] | None:
        """A shell that is there or may be made now; with `waits` none is made."""
        if self._closed:
            raise Closed
        if self._idle and not fresh:
            shell, since = self._idle.pop()
            self._lent.add(shell)
            return Lease(shell, self._clock() - since)
        if fresh and self._idle and self._full:
            self._idle.pop(0)[0].cut()
        if self._full or waits:
            return None
        made = self._make()
        self._lent.add(made)
        return Lease(made, None)

    @property
    def _full(self) -> bool:
        return len(self._idle) + len(self._lent) >= self._limit

    def _forget(self, shell: ShellT) -> None:
        with self._changed:
            self._lent.discard(shell)
            self._finishing.pop(shell, None)
            self._changed.notify_all()

    def _sweep_later(self) -> None:
        if self._sweeper is None:
            self._sweeper = Timer(self._idle_limit, self._sweep)
            self._sweeper.daemon = True
            self._sweeper.start()

    def _sweep(self) -> None:
        _close_all(self._take_old())
        with self._changed:
            self._sweeper = None
            if self._idle and not self._closed:
                self._sweep_later()

    def _take_old(self) -> list[ShellT]:
        """The shells that have lain idle for too long; they are lent no more."""
        with self._changed:
            old = [shell for shell, since in self._idle if self._clock() - since >= self._idle_limit]
            self._idle = [(shell, since) for shell, since in self._idle if shell not in old]
        return old


def _close_all(shells: Sequence[PooledShell]) -> None:
    for shell in shells:
        _close(shell)


def _close(shell: PooledShell) -> None:
    """End a shell that nobody waits for. The host ends it in time if this fails."""
    try:
        shell.close()
    except Exception as error:  # whatever pypsrp raises: there is nothing left to do with this shell
        _log.info("a shell could not be closed: %s", error)

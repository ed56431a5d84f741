"""The open shells of one host: whose they are, how many there may be, and when an idle one is closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.refusals import access_denied, invalid_parameter, shell_not_found, too_many_shells
from backends.simulator.winrm.shells import Shell


@dataclass(slots=True)
class _Entry:
    shell: Shell
    used: float
    """When a request on it last ended."""
    busy: int = 0
    """Requests on it that have not ended."""


class Registry:
    """Safe to use from many threads. Idle shells are closed when somebody next looks, so none costs a timer."""

    def __init__(self, quotas: Quotas, clock: Callable[[], float]) -> None:
        self._quotas = quotas
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, _Entry] = {}

    def __iter__(self) -> Iterator[Shell]:
        """Those that count against the quota now."""
        with self._lock:
            self._expire()
            return iter([entry.shell for entry in self._entries.values()])

    def add(self, shell: Shell) -> None:
        """Raises `WSManFault` when the owner has as many as allowed, and when there is one of its id."""
        limit = self._quotas.shells_per_user
        with self._lock:
            self._expire()
            if sum(entry.shell.identity.owner == shell.identity.owner for entry in self._entries.values()) >= limit:
                raise too_many_shells(limit)
            entry = self._entries.setdefault(_key(shell.identity.shell_id), _Entry(shell, self._clock()))
        if entry.shell is not shell:
            raise invalid_parameter()

    @contextmanager
    def borrow(self, shell_id: str, user: str) -> Iterator[Shell]:
        """The shell, which is not idle as long as it is borrowed. Raises `WSManFault`."""
        with self._lock:
            self._expire()
            entry = self._entries.get(_key(shell_id))
            if entry is None:
                raise shell_not_found(shell_id)
            if entry.shell.identity.owner != user:
                raise access_denied()
            entry.busy += 1
        try:
            yield entry.shell
        finally:
            with self._lock:
                entry.busy -= 1
                entry.used = self._clock()

    def remove(self, shell: Shell) -> None:
        """Close it. Harmless when it is closed already."""
        with self._lock:
            self._entries.pop(_key(shell.identity.shell_id), None)
        shell.close()

    def close(self) -> None:
        for shell in self:
            self.remove(shell)

    def _expire(self) -> None:
        now = self._clock()
        for key, entry in tuple(self._entries.items()):
            if not entry.busy and now - entry.used >= entry.shell.identity.idle_timeout:
                del self._entries[key]
                entry.shell.close()


def _key(shell_id: str) -> str:
    return shell_id.upper()

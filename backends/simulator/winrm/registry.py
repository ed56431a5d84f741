"""The open shells of one host: whose they are, how many there may be, and when an idle one is closed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.refusals import access_denied, invalid_parameter, shell_not_found, too_many_shells
from backends.simulator.winrm.shells import Shell


class Registry:
    """Safe to use from many threads. Idle shells are closed when somebody next looks, so none costs a timer."""

    def __init__(self, quotas: Quotas, clock: Callable[[], float]) -> None:
        self._quotas = quotas
        self._clock = clock
        self._lock = Lock()
        self._shells: dict[str, Shell] = {}
        self._used: dict[str, float] = {}
        self._busy: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Shell]:
        """Those that count against the quota now."""
        with self._lock:
            self._expire()
            return iter(tuple(self._shells.values()))

    def check_quota(self, owner: str) -> None:
        """Raises `WSManFault` when `owner` may not have another shell."""
        with self._lock:
            self._expire()
            self._check(owner)

    def add(self, shell: Shell) -> None:
        """Raises `WSManFault`."""
        key = shell.identity.shell_id.upper()
        with self._lock:
            self._expire()
            self._check(shell.identity.owner)
            if key in self._shells:
                raise invalid_parameter()
            self._shells[key] = shell
            self._used[key] = self._clock()

    @contextmanager
    def borrow(self, shell_id: str, user: str) -> Iterator[Shell]:
        """The shell, which is not idle as long as it is borrowed. Raises `WSManFault`."""
        key = shell_id.upper()
        with self._lock:
            self._expire()
            shell = self._shells.get(key)
            if shell is None:
                raise shell_not_found(shell_id)
            if shell.identity.owner != user:
                raise access_denied()
            self._busy[key] += 1
        try:
            yield shell
        finally:
            with self._lock:
                self._busy[key] -= 1
                self._used[key] = self._clock()

    def remove(self, shell: Shell) -> None:
        """Close it. Harmless when it is closed already."""
        with self._lock:
            self._forget(shell.identity.shell_id.upper())
        shell.close()

    def close(self) -> None:
        for shell in self:
            self.remove(shell)

    def _check(self, owner: str) -> None:
        if sum(shell.identity.owner == owner for shell in self._shells.values()) >= self._quotas.shells_per_user:
            raise too_many_shells(self._quotas.shells_per_user)

    def _expire(self) -> None:
        now = self._clock()
        for key, shell in tuple(self._shells.items()):
            if not self._busy[key] and now - self._used[key] >= shell.identity.idle_timeout:
                self._forget(key)
                shell.close()

    def _forget(self, key: str) -> None:
        self._shells.pop(key, None)

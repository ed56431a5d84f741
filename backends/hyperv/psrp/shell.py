"""One warm shell on a host: a pypsrp RunspacePool with one runspace, and pipelines run on it one at a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from enum import Enum
from typing import Final

import requests
from pypsrp.complex_objects import RunspacePoolState
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from pypsrp.powershell import DEFAULT_CONFIGURATION_NAME, RunspacePool

from backends.base import Greeting, HostConnection
from backends.hyperv.psrp.connection import transport
from backends.hyperv.psrp.faults import SHELL_UNKNOWN
from backends.hyperv.psrp.lost import ShellBook
from backends.hyperv.psrp.messages import RunningPipeline, Runspaces
from backends.hyperv.psrp.results import result
from backends.hyperv.psrp.wire import Sealed, Wire
from backends.hyperv.psrp.worker import Worker
from backends.remoting import Pipeline, Result

IDLE_TIMEOUT: Final = 40 * 60
"""Seconds after which the host ends a shell that nobody uses. Its own default is two hours, too long for the shells
that a cut connection leaves behind: an account may have 30."""


CLOSE_TIMEOUT: Final = 5
"""Seconds to wait for a host to end a shell. It would end it by itself later."""


PAUSE: Final = 0.5
"""Seconds between two questions for output where the host has none and does not hold the first."""


class Phase(Enum):
    """How far a pipeline has come on its way."""

    READY = "not sent yet"
    SENDING = "being sent"
    RUNNING = "taken by the host"


class Shell:
    """A shell that is opened, used by one thread at a time, and closed or cut. `cut` alone is safe from any thread.

    The methods raise whatever pypsrp, requests and spnego raise; `backends.hyperv.psrp.faults` says what it means.
    """

    def __init__(self, connection: HostConnection, book: ShellBook) -> None:
        self._connection = connection
        self._book = book
        self._id: str | None = None
        self._wire = Wire()
        self._pool: RunspacePool | None = None
        self.phase = Phase.READY
        self.versions = Greeting()
        self.worker = Worker(f"shell on {connection.name}")

    def open(self) -> None:
        """Start the shell on the host: a second or two there."""
        wsman = transport(self._connection)
        if wsman.transport.session is not None:
            self._wire.watch(wsman.transport.session)
        pool = Runspaces(
            wsman,
            configuration_name=self._connection.configuration_name or DEFAULT_CONFIGURATION_NAME,
            idle_timeout=IDLE_TIMEOUT,
        )
        self._id = pool.id
        self._book.opened(pool.id)
        pool.open()
        self.versions = _versions(pool)
        self._pool = pool

    def alive(self, timeout: int, log_on: Callable[[Callable[[], bool]], bool]) -> bool:
        """Whether the host still has the shell; a new connection is made, within `log_on`, where the old one does not
        answer within `timeout` seconds. A host closes one that lies idle for two minutes, and keeps the shell."""
        try:
            with self._wire.held():
                return self._is_there(timeout)
        except (Sealed, requests.RequestException, WinRMTransportError):
            self._hang_up()
        return log_on(lambda: self._is_there(None))

    def run(self, pipeline: Pipeline, on_progress: Callable[[int], None], on_result: Callable[[Result], None]) -> None:
        """Run a pipeline and end it on the host, so that it does not count against the host's 1,000 for a shell. The
        result is handed over before the pipeline is ended: what is known is not lost if that fails."""
        running = RunningPipeline(self._runspaces)
        self.phase = Phase.SENDING
        with self._wire.held() if self._encrypting else nullcontext():
            # A message is encrypted for the connection that it was meant for: on another the host cannot read it.
            running.begin(pipeline)
        self.phase = Phase.RUNNING
        told = 0
        while running.is_running:
            self._receive(running)
            for record in running.streams.progress[told:]:
                on_progress(record.percent_complete)
            told = len(running.streams.progress)
        on_result(result(running))
        running.close()

    def _receive(self, running: RunningPipeline) -> None:
        """Ask for what there is. A host holds the question until there is something: one that does not is not asked
        again at once. Raises `Ended` where it says that all is over, and not how."""
        asked = time.monotonic()
        if running.receive() or not running.is_running:
            return
        if time.monotonic() - asked < PAUSE:
            time.sleep(PAUSE)

    def close(self) -> None:
        """End the shell on the host and hang up."""
        self.worker.end()
        if self._pool is None:
            return
        http = self._pool.connection.transport
        http.connection_timeout = http.read_timeout = CLOSE_TIMEOUT
        try:
            self._pool.close()  # asks nothing of a host that has no such shell any more
            self._book.closed(self._pool.id)
        finally:
            self._book.lost(self._pool.id)
            http.close()

    def cut(self) -> None:
        """Hang up at once, whatever is going on. The host ends the shell when its idle time is over."""
        self.worker.end()
        self._wire.cut()
        if self._id is not None:
            self._book.lost(self._id)

    def _is_there(self, timeout: int | None) -> bool:
        """What pypsrp's `is_alive` asks; that one takes a connection that was closed for a shell that is gone."""
        try:
            state = self._runspaces.shell._get_shell(timeout=timeout)
        except WSManFaultError as fault:
            if fault.code == SHELL_UNKNOWN:
                self._runspaces.state = RunspacePoolState.CLOSED
            return False
        return state.get("State") != "Disconnected"

    def _hang_up(self) -> None:
        """The next message is sent over a new connection, and logs on anew."""
        http = self._runspaces.connection.transport
        http.close()
        http.encryption = None

    @property
    def _encrypting(self) -> bool:
        return self._runspaces.connection.transport.wrap_required

    @property
    def _runspaces(self) -> RunspacePool:
        if self._pool is None:
            raise RuntimeError("the shell has not been opened")
        return self._pool


def _versions(pool: RunspacePool) -> Greeting:
    """Every host tells them when a pool is opened, whatever the endpoint shows."""
    said = pool.application_private_data
    table = (said.data or {}).get("PSVersionTable") if said else None
    known = table if isinstance(table, dict) else {}
    powershell, windows = (str(known[name]) if known.get(name) else None for name in ("PSVersion", "BuildVersion"))
    return Greeting(powershell, windows)

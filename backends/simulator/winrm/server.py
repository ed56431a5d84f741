"""A WinRM server on loopback: the door of one simulated host."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from ssl import SSLContext
from threading import Event, Lock
from typing import Self

from backends.simulator.model.faults import Faults
from backends.simulator.powershell.shell import Interpreter
from backends.simulator.winrm import tls
from backends.simulator.winrm.accounts import Accounts
from backends.simulator.winrm.connection import Connection, Terms
from backends.simulator.winrm.listener import LOOPBACK, Listener
from backends.simulator.winrm.logon import BASIC, NEGOTIATE, SCHEMES
from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.service import Service
from backends.simulator.winrm.shells import Shell
from backends.simulator.winrm.wire import Wire


class WinRMServer:
    """Serves one `Interpreter` to real WinRM clients, on a free port unless `port` names one.

    As a default Windows host does, it takes NTLM under Negotiate with message encryption over HTTP, anything it is
    asked for over HTTPS, and Basic or plain messages over HTTP only with `allow_unencrypted`. Plain messages after
    NTLM over HTTP get an HTTP 500 without a body, as clients without encryption report of hosts in their default
    state (diyan/pywinrm issues 129 and 208).

    A context manager; or `start` and `stop`, each once. One thread waits for connections, each connection has one,
    and each pipeline has one while it runs.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        users: Mapping[str, str],
        port: int = 0,
        ssl: bool = False,
        certificate_until: datetime | None = None,
        allow_unencrypted: bool = False,
        auth: Collection[str] = (NEGOTIATE, BASIC),
        faults: Faults | None = None,
        quotas: Quotas | None = None,
        machine: str = "HV01",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`users` are names (`admin`, `LAB\\admin`) and passwords, `clock` tells how long shells are idle, and
        `certificate_until` when the certificate of HTTPS ends. Raises `ValueError` for an unknown authentication, and
        for an account with a colon in it."""
        if unknown := set(auth) - set(SCHEMES):
            raise ValueError(f"no such authentication: {', '.join(sorted(unknown))}; choose among {', '.join(SCHEMES)}")
        quotas = quotas or Quotas()
        plain_allowed = ssl or allow_unencrypted
        self.faults = faults or Faults()
        self.requests: Counter[str] = Counter()
        """Messages by the last word of their action: `Create`, `Command`, `Receive`, `Signal`."""
        self.failed_logons = 0
        """Requests with credentials that were wrong: what locks an account out."""
        self._wanted_port = port
        self._certificate_until = certificate_until
        self._scheme = "https" if ssl else "http"
        self._counting = Lock()
        self._stopping = Event()
        self._wire = Wire(self.faults, self._stopping)
        self._service = Service(interpreter, quotas, self._wire, clock)
        self._terms = Terms(
            service=self._service,
            wire=self._wire,
            accounts=Accounts(users),
            schemes=[scheme for scheme in auth if scheme == NEGOTIATE or plain_allowed],
            machine=machine,
            plain_allowed=plain_allowed,
            envelope_bytes=quotas.envelope_bytes,
            idle=quotas.connection_idle,
            count=self._count,
            count_failed_logon=self._count_failed_logon,
        )
        self._listener: Listener | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on. Raises `RuntimeError` when it has not been started."""
        if self._listener is None:
            raise RuntimeError("the server has not been started")
        return self._listener.port

    @property
    def url(self) -> str:
        return f"{self._scheme}://{LOOPBACK}:{self.port}/wsman"

    @property
    def ca_file(self) -> Path:
        """The certificate authority to verify the server with."""
        return tls.authority().ca_file

    @property
    def shells(self) -> tuple[Shell, ...]:
        """The shells that are open and not idle for too long."""
        return tuple(self._service.shells)

    @property
    def open_commands(self) -> int:
        """Commands in all shells that no client has terminated."""
        return sum(shell.open_commands for shell in self.shells)

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """The files of a certificate that logs `user` on when `auth` has `certificate`, and of its key."""
        return tls.authority().client_certificate(user)

    def start(self) -> None:
        """Listen. Raises `OSError` when the port is taken."""
        self._listener = Listener(
            self._wanted_port,
            partial(Connection, self._terms),
            tls=self._tls() if self._scheme == "https" else None,
            refuse=self._wire.refuses_connection,
        )

    def stop(self) -> None:
        """Close every connection and shell, and release every request that waits. Harmless when called twice."""
        self._stopping.set()
        if self._listener is not None:
            self._listener.stop()
        self._service.shells.close()

    def _tls(self) -> SSLContext:
        until = self._certificate_until
        return tls.authority().server_context(until) if until else tls.server_context()

    def _count(self, verb: str) -> None:
        with self._counting:
            self.requests[verb] += 1

    def _count_failed_logon(self) -> None:
        with self._counting:
            self.failed_logons += 1

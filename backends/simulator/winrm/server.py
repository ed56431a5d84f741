"""A WinRM server on loopback: the door of one simulated host."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Self

from backends.simulator.faults import Faults
from backends.simulator.shell import Interpreter
from backends.simulator.winrm import tls
from backends.simulator.winrm.accounts import Accounts
from backends.simulator.winrm.connection import Connection, Terms
from backends.simulator.winrm.logon import BASIC, NEGOTIATE, SCHEMES, Logon
from backends.simulator.winrm.quotas import Quotas
from backends.simulator.winrm.service import Service
from backends.simulator.winrm.shells import Shell
from backends.simulator.winrm.wire import Wire

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"


class WinRMServer:
    """Serves one `Interpreter` to real WinRM clients, on a free port unless `port` names one.

    As a default Windows host does, it takes NTLM under Negotiate with message encryption over HTTP, anything it is
    asked for over HTTPS, and Basic or plain messages over HTTP only with `allow_unencrypted`. Plain messages after
    NTLM over HTTP get an HTTP 500 without a body, as clients without encryption report of hosts in their default
    state (diyan/pywinrm issues 129 and 208).

    A context manager; or `start` and `stop`. One thread waits for connections, and each connection has one.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        users: Mapping[str, str],
        port: int = 0,
        ssl: bool = False,
        allow_unencrypted: bool = False,
        auth: Collection[str] = (NEGOTIATE, BASIC),
        faults: Faults | None = None,
        quotas: Quotas | None = None,
        machine: str = "HV01",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
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
        self._tls = tls.server_context() if ssl else None
        self._accounts = Accounts(users)
        self._schemes = [scheme for scheme in auth if scheme == NEGOTIATE or plain_allowed]
        self._idle = quotas.connection_idle
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._port: int | None = None
        self._acceptor: threading.Thread | None = None
        self._wire = Wire(self.faults, self._stopping)
        self._service = Service(interpreter, quotas, self._wire, clock)
        self._terms = Terms(
            service=self._service,
            wire=self._wire,
            machine=machine,
            plain_allowed=plain_allowed,
            envelope_bytes=quotas.envelope_bytes,
            count=self._count,
            count_failed_logon=self._count_failed_logon,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on. Raises `RuntimeError` when it has not been started."""
        if self._port is None:
            raise RuntimeError("the server has not been started")
        return self._port

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}/wsman"

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
        listener = socket.create_server((LOOPBACK, self._wanted_port), backlog=128)
        self._port = int(listener.getsockname()[1])
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener,), name=f"winrm {self._port}", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """Close every connection and shell, and release every request that waits. Harmless when called twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._acceptor is not None:
            _wake(self.port)
            self._acceptor.join()
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            _shut(connection)
        self._service.shells.close()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while not self._stopping.is_set():
                connection, (client_ip, _) = listener.accept()
                if self._stopping.is_set() or self._wire.refuses_connection():
                    connection.close()
                else:
                    serve = threading.Thread(target=self._serve, args=(connection, client_ip), daemon=True)
                    serve.start()

    def _serve(self, connection: socket.socket, client_ip: str) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._idle)
            connection = self._secured(connection)
            logon = Logon(self._accounts, self._schemes, _certificate_user(connection))
            Connection(self._terms, logon, connection, client_ip).serve()
        except OSError as broken:
            log.debug("A connection ended: %s", broken)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        secured = self._tls.wrap_socket(connection, server_side=True)
        with self._lock:
            self._connections.discard(connection)
            self._connections.add(secured)
        return secured

    def _count(self, verb: str) -> None:
        with self._lock:
            self.requests[verb] += 1

    def _count_failed_logon(self) -> None:
        with self._lock:
            self.failed_logons += 1


def _certificate_user(connection: socket.socket) -> str | None:
    if isinstance(connection, ssl.SSLSocket):
        return tls.common_name(connection.getpeercert(binary_form=True))
    return None


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as gone:
        log.debug("The client was gone already: %s", gone)


def _wake(port: int) -> None:
    """Let `accept` return, so that its thread sees that the server stops: closing the socket would not end it."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError as gone:
        log.debug("Nobody waits: %s", gone)

"""Takes TCP connections on loopback, gives each a thread, and ends them all when it stops."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from ssl import SSLContext
from threading import Event, Lock, Thread

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
BACKLOG = 128
BREATHER = 0.1
"""Seconds before the next connection is taken after one could not be, for want of file handles say."""


class Listener:
    """Calls `serve` with each connection and the client's address, in a thread of the connection's own.

    With `tls` the connection is secured first. One that `refuse` says no to is closed at once, and so is one that is
    silent for `idle` seconds.
    """

    def __init__(
        self,
        serve: Callable[[socket.socket, str], None],
        *,
        tls: SSLContext | None,
        refuse: Callable[[], bool],
        idle: float,
    ) -> None:
        self._serve = serve
        self._tls = tls
        self._refuse = refuse
        self._idle = idle
        self._stopping = Event()
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self._acceptor: Thread | None = None
        self._port: int | None = None

    @property
    def port(self) -> int:
        """Raises `RuntimeError` when it has not been started."""
        if self._port is None:
            raise RuntimeError("the server has not been started")
        return self._port

    def start(self, port: int) -> None:
        """Listen on `port`, or with 0 on a free one. Raises `OSError` when the port is taken."""
        listening = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
        self._port = int(listening.getsockname()[1])
        self._acceptor = Thread(target=self._accept, args=(listening,), name=f"winrm {self._port}", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Free the port and end every connection. Harmless when called twice."""
        self._stopping.set()
        if self._acceptor is not None and self._acceptor.is_alive():
            _wake(self.port)
            self._acceptor.join()
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            _shut(connection)

    def _accept(self, listening: socket.socket) -> None:
        with listening:
            while not self._stopping.is_set():
                try:
                    connection, (client_ip, _) = listening.accept()
                except OSError as broken:
                    log.warning("A connection could not be taken: %s", broken)
                    self._stopping.wait(BREATHER)
                    continue
                if self._stopping.is_set() or self._refuse():
                    connection.close()
                else:
                    self._know(connection)
                    Thread(target=self._handle, args=(connection, client_ip), daemon=True).start()

    def _handle(self, connection: socket.socket, client_ip: str) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(self._idle)
            if self._tls is not None:
                connection = self._secured(connection, self._tls)
            self._serve(connection, client_ip)
        except OSError as broken:
            log.debug("A connection ended: %s", broken)
        finally:
            self._forget(connection)
            connection.close()

    def _secured(self, connection: socket.socket, tls: SSLContext) -> socket.socket:
        try:
            secured = tls.wrap_socket(connection, server_side=True)
        finally:
            self._forget(connection)
        self._know(secured)
        return secured

    def _know(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        if self._stopping.is_set():
            _shut(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.discard(connection)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as gone:
        log.debug("The client was gone already: %s", gone)


def _wake(port: int) -> None:
    """Let `accept` return, so that its thread sees that it shall end: closing the socket would not do it."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError as gone:
        log.debug("Nobody waits: %s", gone)

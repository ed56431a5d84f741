"""Takes TCP connections on loopback, gives each a thread, and ends them all when it stops."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from socketserver import BaseRequestHandler, ThreadingTCPServer
from ssl import SSLContext
from threading import Event, Lock, Thread
from typing import Any

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
BREATHER = 0.1
"""Seconds before the next connection is taken after one could not be, for want of file handles say."""


class Listener(ThreadingTCPServer):
    """Handles each connection in a thread of its own; with `tls` it is secured first. One that `refuse` says no to is
    closed at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        port: int,
        handler: Callable[[Any, Any, Any], BaseRequestHandler],
        *,
        tls: SSLContext | None,
        refuse: Callable[[], bool],
    ) -> None:
        """Listen on `port`, or with 0 on a free one. Raises `OSError` when the port is taken."""
        super().__init__((LOOPBACK, port), handler)
        self.port = int(self.socket.getsockname()[1])
        self._tls = tls
        self._refuse = refuse
        self._stopping = Event()
        self._lock = Lock()
        self._connections: set[socket.socket] = set()
        self._thread = Thread(target=self._accept, name=f"winrm {self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Free the port and end every connection. Harmless when called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            _wake(self.port)
            self._thread.join()
        with self._lock:
            connections = tuple(self._connections)
        for connection in connections:
            _shut(connection)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Called by `handle_request`, which takes an `OSError` for no request."""
        try:
            connection, address = super().get_request()
        except OSError as broken:
            log.warning("A connection could not be taken: %s", broken)
            self._stopping.wait(BREATHER)
            raise
        if self._tls is not None:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002
        return not self._stopping.is_set() and not self._refuse()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        log.debug("A connection ended", exc_info=True)

    def _accept(self) -> None:
        with self:
            while not self._stopping.is_set():
                self.handle_request()


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError as gone:
        log.debug("The client was gone already: %s", gone)


def _wake(port: int) -> None:
    """Let `handle_request` return, so that its thread sees that it shall end: closing the socket would not do it."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError as gone:
        log.debug("Nobody waits: %s", gone)

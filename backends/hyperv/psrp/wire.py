"""The TCP connections of one shell, and the one hand that can cut them from another thread.

pypsrp only has time-outs between two bytes, so a host that hangs or trickles can hold a call for ever. Cutting shuts
the sockets down, which wakes whoever waits on them, and keeps new ones from being made.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Protocol

import requests


class Sealed(Exception):
    """No new connection may be made: nothing was sent."""


class _Connection(Protocol):
    """What is used of `urllib3.connection.HTTPConnection`."""

    sock: socket.socket | None
    connect: Callable[[], None]


class Wire:
    """The connections of one shell, from before there is any."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._connections: list[_Connection] = []
        self._held = False
        self._cut = False

    def watch(self, http: requests.Session) -> None:
        """Look after the connections that `http` is going to make."""
        for adapter in http.adapters.values():
            manager = adapter.poolmanager  # type: ignore[attr-defined]  # every mounted adapter is an HTTPAdapter
            manager.pool_classes_by_scheme = {
                scheme: self._watched_pool(make) for scheme, make in manager.pool_classes_by_scheme.items()
            }

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make no connection within the block: what it sends goes over one that stands already, or not at all."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def cut(self) -> None:
        """Shut all connections down and make no further ones. Safe from any thread, harmless when repeated."""
        with self._lock:
            self._cut = True
            for connection in self._connections:
                _shut(connection)

    def _watched_pool(self, make: Callable[..., object]) -> Callable[..., object]:
        def pool(*arguments: object, **options: object) -> object:
            made = make(*arguments, **options)
            connect = made.ConnectionCls  # type: ignore[attr-defined]  # urllib3's own hook for this
            made.ConnectionCls = lambda *a, **o: self._watched(connect(*a, **o))  # type: ignore[attr-defined]
            return made

        return pool

    def _watched(self, connection: _Connection) -> _Connection:
        plain = connection.connect

        def connect() -> None:
            if self._held or self._cut:
                raise Sealed
            plain()
            with self._lock:
                self._connections = [known for known in self._connections if known.sock is not None]
                self._connections.append(connection)
                if self._cut:
                    _shut(connection)

        connection.connect = connect
        return connection


def _shut(connection: _Connection) -> None:
    if connection.sock is not None:
        with suppress(OSError):  # already closed by the other side
            # The base class's method: SSLSocket's own would tear down the TLS state under the thread that reads.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

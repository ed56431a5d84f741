"""Receivers of the audit stream on loopback, over real TLS: HTTPS, and syslog as RFC 5425 has it."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Self

import trustme

from backends.simulator.winrm.tls import authority, server_context
from tests.support.waiting import Pulse

CA_FILE = authority().ca_file


@dataclass
class HttpsReceiver:
    """Keeps what was posted. `stop` and `start` again at the same port, as a machine that is started anew."""

    port: int = 0
    bodies: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    status: int = 202
    location: str = ""
    retry_after: str = ""
    pulse: Pulse = field(default_factory=Pulse)
    answers: Event = field(default_factory=Event)
    """While it is not set, what comes is kept and not answered."""
    _server: ThreadingHTTPServer | None = None

    def __post_init__(self) -> None:
        self.answers.set()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.answers.set()
        self.stop()

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/audit"

    @property
    def seqs(self) -> list[int]:
        return [json.loads(body)["data"]["seq"] for body in self.bodies]

    def start(self) -> None:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if 200 <= receiver.status < 300:
                    receiver.bodies.append(body)
                    receiver.headers.append(dict(self.headers))
                receiver.pulse.beat()
                receiver.answers.wait()
                with suppress(OSError):
                    self.send_response(receiver.status)
                    if receiver.location:
                        self.send_header("Location", receiver.location)
                    if receiver.retry_after:
                        self.send_header("Retry-After", receiver.retry_after)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = _Quiet(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.socket = server_context().wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who broke off is no news."""


@dataclass
class Proxy:
    """Makes a tunnel to one port of this machine, whatever it is asked for, and keeps what it was asked."""

    to: int
    port: int = 0
    asked: list[str] = field(default_factory=list)
    _listening: socket.socket | None = None

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._serve, args=(self._listening,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()

    def _serve(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                Thread(target=self._tunnel, args=(connection,), daemon=True).start()

    def _tunnel(self, connection: socket.socket) -> None:
        with connection, socket.create_connection(("127.0.0.1", self.to)) as there:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(1)
            self.asked.append(head.decode())
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            back = Thread(target=_pour, args=(there, connection), daemon=True)
            back.start()
            _pour(connection, there)
            back.join()


def _pour(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            into.sendall(data)
        into.shutdown(socket.SHUT_WR)


@dataclass
class SyslogReceiver:
    """Reads octet-counted messages until the end, and answers the end, unless it is told to break off before."""

    port: int = 0
    messages: list[str] = field(default_factory=list)
    breaks_off: bool = False
    """It reads a little and is gone."""
    answers_the_end: bool = True
    """It says so too where a connection has come to its end, and does not only close it."""
    pulse: Pulse = field(default_factory=Pulse)
    _listening: socket.socket | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", self.port))
        self.port = self._listening.getsockname()[1]
        Thread(target=self._serve, args=(self._listening,), daemon=True).start()

    def stop(self) -> None:
        if self._listening is not None:
            with suppress(OSError):
                self._listening.shutdown(socket.SHUT_RDWR)
            self._listening.close()
            self._listening = None

    def _serve(self, listening: socket.socket) -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            with plain, suppress(OSError), server_context().wrap_socket(plain, server_side=True) as connection:
                self._read(connection)

    def _read(self, connection: ssl.SSLSocket) -> None:
        if self.breaks_off:
            connection.recv(10)
            self.pulse.beat()
            return
        text = b""
        while more := connection.recv(65536):
            text += more
        while text:
            length, _, rest = text.partition(b" ")
            self.messages.append(rest[: int(length)].decode())
            text = rest[int(length) :]
        if self.answers_the_end:
            with suppress(ssl.SSLError):
                connection.unwrap()
        self.pulse.beat()


@contextmanager
def untrusted() -> Iterator[int]:
    """The port of a server whose certificate is of another authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    plain, _ = listening.accept()
                    with plain, suppress(OSError), context.wrap_socket(plain, server_side=True):
                        pass

        Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)

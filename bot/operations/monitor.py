"""Serves /metrics and /healthz."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.exposition import ThreadingWSGIServer

from bot.operations.exposition import page
from bot.operations.metrics import Metrics

Check = Callable[[], Mapping[str, bool]]
TEXT = "text/plain; charset=utf-8"


class Monitor:
    """Between `start` and `stop`, at the address of the settings."""

    def __init__(self, listen: str, metrics: Metrics, check: Check) -> None:
        """`check` says of each thing that the bot cannot do without whether it lives."""
        host, _, port = listen.rpartition(":")
        self._host, self._port = host.strip("[]"), int(port)
        self._metrics = metrics
        self._check = check
        self._server: WSGIServer | None = None

    @property
    def port(self) -> int:
        return self._server.server_port if self._server else self._port

    def start(self) -> None:
        """Raises OSError where the address cannot be had."""
        kind = _SixServer if ":" in self._host else ThreadingWSGIServer
        try:
            self._server = make_server(self._host, self._port, self._serve, kind, handler_class=_Silent)
        except OSError as error:
            address = f"{self._host}:{self._port}"
            raise OSError(error.errno, f"metrics.listen {address} cannot be had: {error.strerror}") from error
        Thread(target=self._server.serve_forever, name="monitor", daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self, environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, kind, body = self._answer(str(environ.get("REQUEST_METHOD")), str(environ.get("PATH_INFO")))
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    def _answer(self, method: str, path: str) -> tuple[str, str, bytes]:
        match path:
            case _ if method not in ("GET", "HEAD"):
                return "405 Method Not Allowed", TEXT, b"Only GET.\n"
            case "/metrics":
                return "200 OK", CONTENT_TYPE_LATEST, page(self._metrics.registry)
            case "/healthz":
                return self._health()
            case _:
                return "404 Not Found", TEXT, b"There is /metrics and /healthz.\n"

    def _health(self) -> tuple[str, str, bytes]:
        down = [name for name, lives in self._check().items() if not lives]
        if down:
            return "503 Service Unavailable", TEXT, f"down: {', '.join(down)}\n".encode()
        return "200 OK", TEXT, b"ok\n"


class _SixServer(ThreadingWSGIServer):
    address_family = socket.AF_INET6


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is http.server's
        """A scrape is no news."""

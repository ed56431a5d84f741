"""One TCP connection of a client, from its first byte to its last."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import sys
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from email.errors import MissingHeaderBodySeparatorDefect
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from backends.simulator.winrm import tls, wsman
from backends.simulator.winrm.accounts import Accounts
from backends.simulator.winrm.logon import Header, Logon, NotAdmitted
from backends.simulator.winrm.refusals import WSManFault, internal_error
from backends.simulator.winrm.sealing import Undecipherable, is_sealed
from backends.simulator.winrm.service import Service
from backends.simulator.winrm.wire import BareStatus, Severed, Wire

log = logging.getLogger(__name__)

SOAP = "application/soap+xml;charset=UTF-8"
SEALING_MARGIN = 4096
"""Bytes that sealing adds to a message at most."""
_RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
"""SO_LINGER of no seconds: closing the socket sends RST."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What all connections of a server have in common."""

    service: Service
    wire: Wire
    accounts: Accounts
    schemes: Collection[str]
    machine: str
    plain_allowed: bool
    """Messages may come unsealed: over TLS, or with AllowUnencrypted."""
    envelope_bytes: int
    idle: float
    """Seconds after which a silent connection is closed."""
    count: Callable[[str], None]
    """Told the verb of each message."""
    count_failed_logon: Callable[[], None]


class Connection(BaseHTTPRequestHandler):
    """Serves requests one after the other until the client or the server closes."""

    protocol_version = default_request_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, terms: Terms, connection: socket.socket, client: tuple[str, int], server: Any) -> None:
        """Serves it to its end. Raises `OSError` when the connection breaks."""
        self._terms = terms
        super().__init__(connection, client, server)

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(self._terms.idle)
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.do_handshake()
        self._logon = Logon(self._terms.accounts, self._terms.schemes, tls.peer_name(self.connection))

    def do_POST(self) -> None:
        """Answer one request."""
        if wrong := self._objection():
            self.send_error(wrong)
            return
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        try:
            self._respond(body)
        except BareStatus as bare:
            self._send(bare.status)
        except NotAdmitted as refused:
            if refused.failed:
                self._terms.count_failed_logon()
            self._send(HTTPStatus.UNAUTHORIZED, refused.headers)
        except Undecipherable:
            self.send_error(HTTPStatus.BAD_REQUEST)
        except Severed:
            self._reset()

    def do_GET(self) -> None:
        self.do_POST()

    def version_string(self) -> str:
        """What stands in the header Server."""
        return "Microsoft-HTTPAPI/2.0"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """What stands in the header Date: the host's own time."""
        return super().date_time_string(timestamp or time.time() + self._terms.wire.skew)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        log.debug(format, *args)

    def _objection(self) -> HTTPStatus | None:
        """Why the request cannot be read."""
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers:
            return HTTPStatus.LENGTH_REQUIRED
        no_header = any(isinstance(defect, MissingHeaderBodySeparatorDefect) for defect in self.headers.defects)
        if no_header or not (length.isascii() and length.isdigit()):
            return HTTPStatus.BAD_REQUEST
        if len(length) > 9 or int(length) > self._terms.envelope_bytes + SEALING_MARGIN:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return None

    def _respond(self, body: bytes) -> None:
        """Raises `BareStatus`, `NotAdmitted`, `Undecipherable` and `Severed`."""
        self._terms.wire.at_request()
        if self.path.partition("?")[0].rstrip("/").lower() != "/wsman":
            raise BareStatus(HTTPStatus.NOT_FOUND)
        if self.command != "POST":
            raise BareStatus(HTTPStatus.METHOD_NOT_ALLOWED)
        admission = self._logon.admit(self.headers.get("Authorization", ""))
        sealed = is_sealed(self.headers.get("Content-Type", ""))
        if not body:
            self._send(HTTPStatus.OK, admission.headers)
        elif not sealed and not self._terms.plain_allowed:
            self._send(HTTPStatus.INTERNAL_SERVER_ERROR, admission.headers)
        else:
            message = self._logon.unseal(body) if sealed else body
            self._answer(message, admission.user, admission.headers)

    def _answer(self, message: bytes, user: str, headers: tuple[Header, ...]) -> None:
        try:
            status, answer = self._carry_out(message, user)
        except Severed as severed:
            if severed.answer:
                self._send(HTTPStatus.OK, headers, severed.answer, whole=False)
            raise
        self._send(status, headers, answer)

    def _carry_out(self, message: bytes, user: str) -> tuple[HTTPStatus, bytes]:
        relates_to = ""
        try:
            request = wsman.parse(message)
            relates_to = request.message_id
            self._terms.count(request.verb)
            return HTTPStatus.OK, self._terms.service.handle(request, user, self.client_address[0])
        except WSManFault as refusal:
            fault = refusal
        except (BareStatus, Severed):
            raise
        except Exception:
            log.exception("A message could not be served")
            fault = internal_error()
        return HTTPStatus.INTERNAL_SERVER_ERROR, wsman.fault(fault, relates_to, self._terms.machine)

    def _send(self, status: int, headers: Iterable[Header] = (), answer: bytes = b"", *, whole: bool = True) -> None:
        """Send a response, with the answer sealed if the request came so; or its first half."""
        content_type = self.headers.get("Content-Type", "")
        if answer and is_sealed(content_type):
            content_type, answer = self._logon.seal(answer, content_type)
        else:
            content_type = SOAP
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if answer:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer if whole else answer[: len(answer) // 2])

    def _reset(self) -> None:
        """End with RST in the place of an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.connection.close()

"""One TCP connection of a client, from its first byte to its last."""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader

from backends.simulator.winrm import wsman
from backends.simulator.winrm.http11 import BadRequest, Header, HttpRequest, read_request, response
from backends.simulator.winrm.logon import Logon, NotAdmitted
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
    machine: str
    plain_allowed: bool
    """Messages may come unsealed: over TLS, or with AllowUnencrypted."""
    envelope_bytes: int
    count: Callable[[str], None]
    """Told the verb of each message."""
    count_failed_logon: Callable[[], None]


class Connection:
    """Serves requests one after the other until the client or the server closes."""

    def __init__(self, terms: Terms, logon: Logon, connection: socket.socket, client_ip: str) -> None:
        self._terms = terms
        self._logon = logon
        self._connection = connection
        self._client_ip = client_ip

    def serve(self) -> None:
        """Raises `OSError` when the connection breaks."""
        with self._connection.makefile("rb") as reader:
            try:
                while self._serve_one(reader):
                    pass
            except BadRequest as bad:
                self._connection.sendall(response(bad.status, [("Connection", "close")]))
            except Severed as severed:
                self._reset(severed.answer)

    def _serve_one(self, reader: BufferedReader) -> bool:
        request = read_request(reader, self._connection, self._terms.envelope_bytes + SEALING_MARGIN)
        if request is None:
            return False
        self._connection.sendall(self._respond(request))
        return request.keep_alive

    def _respond(self, request: HttpRequest) -> bytes:
        """The HTTP answer. Raises `BadRequest` and `Severed`."""
        try:
            self._terms.wire.at_request()
            _check(request)
            admission = self._logon.admit(request.headers.get("authorization", ""))
            if not request.body:
                return response(HTTPStatus.OK, admission.headers)
            return self._message(request, admission.user, admission.headers)
        except BareStatus as bare:
            return response(bare.status)
        except NotAdmitted as refused:
            if refused.failed:
                self._terms.count_failed_logon()
            return response(HTTPStatus.UNAUTHORIZED, refused.headers)
        except Undecipherable:
            raise BadRequest(HTTPStatus.BAD_REQUEST) from None

    def _message(self, request: HttpRequest, user: str, headers: tuple[Header, ...]) -> bytes:
        content_type = request.headers.get("content-type", "")
        sealed = is_sealed(content_type)
        if not sealed and not self._terms.plain_allowed:
            return response(HTTPStatus.INTERNAL_SERVER_ERROR, headers)
        message = self._logon.unseal(request.body) if sealed else request.body
        try:
            status, answer = self._answer(message, user)
        except Severed as severed:
            raise Severed(self._pack(HTTPStatus.OK, severed.answer, content_type, headers)) from None
        return self._pack(status, answer, content_type, headers)

    def _answer(self, message: bytes, user: str) -> tuple[HTTPStatus, bytes]:
        relates_to = ""
        try:
            request = wsman.parse(message)
            relates_to = request.message_id
            self._terms.count(request.verb)
            return HTTPStatus.OK, self._terms.service.handle(request, user, self._client_ip)
        except WSManFault as refusal:
            return HTTPStatus.INTERNAL_SERVER_ERROR, wsman.fault(refusal, relates_to, self._terms.machine)
        except (BareStatus, Severed):
            raise
        except Exception:
            log.exception("A message could not be served")
            return HTTPStatus.INTERNAL_SERVER_ERROR, wsman.fault(internal_error(), relates_to, self._terms.machine)

    def _pack(self, status: HTTPStatus, answer: bytes, content_type: str, headers: tuple[Header, ...]) -> bytes:
        if not answer:
            return b""
        if is_sealed(content_type):
            sealed_type, answer = self._logon.seal(answer, content_type)
            return response(status, (*headers, ("Content-Type", sealed_type)), answer)
        return response(status, (*headers, ("Content-Type", SOAP)), answer)

    def _reset(self, answer: bytes) -> None:
        """Send half of the answer, then RST in the place of an orderly end."""
        self._connection.sendall(answer[: len(answer) // 2])
        plain = self._connection
        if isinstance(plain, ssl.SSLSocket):
            plain = socket.socket(fileno=plain.detach())
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        plain.close()


def _check(request: HttpRequest) -> None:
    if request.path.rstrip("/").lower() != "/wsman":
        raise BareStatus(HTTPStatus.NOT_FOUND)
    if request.method != "POST":
        raise BareStatus(HTTPStatus.METHOD_NOT_ALLOWED)

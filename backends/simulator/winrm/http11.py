"""HTTP/1.1 as far as WinRM goes: requests with a length, answers with a length, one connection for many of them."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from io import BufferedReader

LINE_LIMIT = 64 * 1024
"""Bytes of one header; http.sys allows 16 KiB, and Negotiate tokens with Kerberos tickets come near it."""
HEADER_LIMIT = 100

Header = tuple[str, str]


class BadRequest(Exception):
    """What came is no request that can be served. The connection ends after the answer."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class HttpRequest:
    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def keep_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


def read_request(reader: BufferedReader, connection: socket.socket, body_limit: int) -> HttpRequest | None:
    """The next request; None when the client has closed. Raises `BadRequest`, and `OSError`."""
    line = _line(reader)
    if not line:
        return None
    parts = line.split()
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    headers = _headers(reader)
    length = _length(headers, body_limit)
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    body = reader.read(length)
    if len(body) < length:
        return None
    return HttpRequest(parts[0], parts[1].partition("?")[0], headers, body)


def response(status: int, headers: Iterable[Header] = (), body: bytes = b"") -> bytes:
    """An answer, whole."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    reason = HTTPStatus(status).phrase if status in HTTPStatus.__members__.values() else "Unknown"
    head = f"HTTP/1.1 {status} {reason}\r\nServer: Microsoft-HTTPAPI/2.0\r\n{lines}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


def _line(reader: BufferedReader) -> str:
    line = reader.readline(LINE_LIMIT)
    if line and not line.endswith(b"\n"):
        raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
    return line.decode("latin-1").rstrip("\r\n")


def _headers(reader: BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    while line := _line(reader):
        name, colon, value = line.partition(":")
        if not colon or len(headers) >= HEADER_LIMIT:
            raise BadRequest(HTTPStatus.BAD_REQUEST)
        headers[name.strip().lower()] = value.strip()
    return headers


def _length(headers: dict[str, str], limit: int) -> int:
    if "transfer-encoding" in headers:
        raise BadRequest(HTTPStatus.LENGTH_REQUIRED)
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(HTTPStatus.BAD_REQUEST)
    if int(text) > limit:
        raise BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(text)

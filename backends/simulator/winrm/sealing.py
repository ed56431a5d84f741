"""Message encryption of WinRM over HTTP: `multipart/encrypted` bodies (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import struct

from spnego import ContextProxy
from spnego.exceptions import SpnegoError

BOUNDARY = "Encrypted Boundary"
_LENGTH = re.compile(rb"OriginalContent:[^\r\n]*;Length=(\d{1,12})", re.IGNORECASE)
_DATA = b"Content-Type: application/octet-stream\r\n"
_END = f"--{BOUNDARY}--\r\n".encode()
_PROTOCOL = re.compile(r'protocol="([^"]+)"')
_DEFAULT_PROTOCOL = "application/HTTP-SPNEGO-session-encrypted"


class Undecipherable(Exception):
    """The body is not sealed as it should be, or not with the key of this connection."""


def is_sealed(content_type: str) -> bool:
    return content_type.lower().startswith("multipart/encrypted")


def unseal(context: ContextProxy, body: bytes) -> bytes:
    """The message in a sealed body. Raises `Undecipherable`."""
    length = _LENGTH.search(body)
    start = body.find(_DATA)
    if length is None or start < 0 or not body.endswith(_END):
        raise Undecipherable
    data = memoryview(body)[start + len(_DATA) : -len(_END)]
    try:
        (header_length,) = struct.unpack_from("<I", data)
        header, sealed = data[4 : 4 + header_length], data[4 + header_length :]
        message = context.unwrap_winrm(bytes(header), bytes(sealed))
    except (SpnegoError, struct.error) as cause:
        raise Undecipherable from cause
    if len(message) != int(length.group(1)):
        raise Undecipherable
    return message


def seal(context: ContextProxy, message: bytes, content_type: str) -> tuple[str, bytes]:
    """A content type and a body, in the protocol of the request's `content_type`."""
    asked = _PROTOCOL.search(content_type)
    protocol = asked.group(1) if asked else _DEFAULT_PROTOCOL
    sealed = context.wrap_winrm(message)
    head = (
        f"--{BOUNDARY}\r\n"
        f"\tContent-Type: {protocol}\r\n"
        "\tOriginalContent: type=application/soap+xml;charset=UTF-8;"
        f"Length={len(message) + sealed.padding_length}\r\n"
        f"--{BOUNDARY}\r\n"
        "\tContent-Type: application/octet-stream\r\n"
    )
    body = b"".join((head.encode(), struct.pack("<I", len(sealed.header)), sealed.header, sealed.data, _END))
    return f'multipart/encrypted;protocol="{protocol}";boundary="{BOUNDARY}"', body

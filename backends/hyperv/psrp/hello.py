"""What a host says to anybody who connects: its certificate and its time. No name and no password are sent."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from backends.base import Greeting, HostConnection

TIMEOUT = 10.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


def hello(connection: HostConnection, known: Greeting, now: Callable[[], datetime] = _utc_now) -> Greeting:
    """`known` with what the host's web server says beside it. Of a host that does not answer, `known` alone: a call
    with the bot's own sessions says why."""
    with closing(_http(connection)) as http:
        try:
            http.connect()
            ends = _end_of(http.sock)
            http.request("POST", "/wsman", headers={"Content-Length": "0"})
            answer = http.getresponse()
            read = now()
            said = answer.getheader("Date")
            at = parsedate_to_datetime(said) if said else None
        except (OSError, HTTPException, ValueError):
            return known
    return replace(known, certificate_until=ends, ahead=at - read.replace(microsecond=0) if at else None)


def _http(connection: HostConnection) -> HTTPConnection:
    if not connection.ssl:
        return HTTPConnection(connection.address, connection.port, timeout=TIMEOUT)
    trusted = str(connection.ca_bundle) if connection.ca_bundle else None
    context = ssl.create_default_context(cafile=trusted)
    return HTTPSConnection(connection.address, connection.port, timeout=TIMEOUT, context=context)


def _end_of(sock: object) -> datetime | None:
    if not isinstance(sock, ssl.SSLSocket):
        return None
    shown = sock.getpeercert() or {}
    ends = shown.get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if isinstance(ends, str) else None

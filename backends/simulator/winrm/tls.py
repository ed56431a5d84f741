"""Certificates of simulated hosts and of their clients, from an authority that lives as long as the process."""

from __future__ import annotations

import atexit
import socket
import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from cryptography import x509
from cryptography.x509.oid import NameOID

LOOPBACK = ("localhost", "127.0.0.1", "::1")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Authority:
    """Issues certificates and keeps their files in a folder that only this account can read."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="simulated-authority-")
        atexit.register(self._folder.cleanup)
        self._authority = trustme.CA(organization_name="Simulated hosts")
        self.ca_file = self._write("authority.pem", self._authority.cert_pem)
        """What clients verify servers with."""

    def server_context(self, until: datetime | None = None) -> ssl.SSLContext:
        """For servers on loopback, with a certificate that ends at `until`. It asks for a client certificate and takes
        a connection without one."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(
            *LOOPBACK, common_name=LOOPBACK[0], not_before=LONG_AGO, not_after=until
        ).configure_cert(context)
        self._authority.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """The files of a certificate for `user`, and of its key."""
        made = self._authority.issue_cert(common_name=user)
        certificate = self._write(f"{user}.pem", *made.cert_chain_pems)
        return certificate, self._write(f"{user}.key", made.private_key_pem)

    def _write(self, name: str, *blobs: trustme.Blob) -> Path:
        path = Path(self._folder.name, name)
        path.touch(mode=0o600)
        path.write_bytes(b"".join(blob.bytes() for blob in blobs))
        return path


@cache
def authority() -> Authority:
    """The one of this process."""
    return Authority()


@cache
def server_context() -> ssl.SSLContext:
    """The one that all simulated hosts of this process share."""
    return authority().server_context()


def peer_name(connection: socket.socket) -> str | None:
    """Whom the client's certificate names, when it has shown one."""
    certificate = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
    if certificate is None:
        return None
    names = x509.load_der_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else None

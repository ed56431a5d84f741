"""A certificate authority of the simulator's own, made when it is first needed, for the life of the process."""

from __future__ import annotations

import atexit
import socket
import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LIFETIME = timedelta(days=365)


class Authority:
    """Issues certificates and keeps their files in a folder that only this account can read."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="simulated-authority-")
        atexit.register(self._folder.cleanup)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Simulated hosts")
        self.certificate = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.ca_file = self._write("authority.pem", self.certificate.public_bytes(Encoding.PEM))
        """What clients verify servers with."""

    def server_context(self) -> ssl.SSLContext:
        """For servers on loopback. It asks for a client certificate and takes a connection without one."""
        names: list[x509.GeneralName] = [x509.DNSName("localhost")]
        names += [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", "::1")]
        certificate, key = self.issue(
            "localhost", x509.SubjectAlternativeName(names), usage=ExtendedKeyUsageOID.SERVER_AUTH
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(self.ca_file)
        context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """The files of a certificate for `user`, and of its key."""
        return self.issue(user, usage=ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue(self, common_name: str, *more: x509.ExtensionType, usage: x509.ObjectIdentifier) -> tuple[Path, Path]:
        """The files of a new certificate, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            _name(common_name),
            key.public_key(),
            x509.BasicConstraints(ca=False, path_length=None),
            x509.ExtendedKeyUsage([usage]),
            *more,
        )
        stem = f"{certificate.serial_number:x}"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return (
            self._write(f"{stem}.pem", certificate.public_bytes(Encoding.PEM)),
            self._write(f"{stem}.key", private),
        )

    def _sign(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, basic: x509.BasicConstraints, *more: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + LIFETIME)
            .add_extension(basic, critical=True)
            .add_extension(_usage(authority=basic.ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        for extension in more:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> Path:
        path = Path(self._folder.name, name)
        path.touch(mode=0o600)
        path.write_bytes(content)
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


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )

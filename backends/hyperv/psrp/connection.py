"""How to reach one host: a connection's settings, what is wrong with them, and pypsrp's transport made from them."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from pypsrp.powershell import DEFAULT_CONFIGURATION_NAME
from pypsrp.wsman import WSMan
from requests.adapters import HTTPAdapter

# Whoever uses a session says once, and in words, what went wrong; pypsrp would add a traceback a try.
logging.getLogger("pypsrp").setLevel(logging.CRITICAL)

Auth = Literal["negotiate", "kerberos", "ntlm", "credssp", "certificate", "basic"]

ENCRYPTING: Final = frozenset({"negotiate", "kerberos", "ntlm", "credssp"})
"""Methods that encrypt each message themselves, which hosts demand over plain http."""

OPERATION_TIMEOUT: Final = 20
"""Seconds that a host may hold a Receive before it says that there is nothing yet; a WinRM client's usual figure."""

_EXTRAS: Final = {"kerberos": ("gssapi", "sspilib"), "credssp": ("requests_credssp",)}
"""Modules of which one must be there for a method. The extra of this distribution has the method's name."""


@dataclass(frozen=True, slots=True)
class HostConnection:
    """The settings of one host's connection."""

    name: str
    """The configured name, which persons see."""
    address: str
    port: int = 5986
    ssl: bool = True
    auth: Auth = "negotiate"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    configuration_name: str | None = None
    """The session configuration on the host; None is its default, a full PowerShell."""
    allow_unencrypted: bool = False
    """Let a password and everything else travel readable: basic authentication over plain http."""
    ca_bundle: str | None = None
    """A file of certificates to trust instead of the system's. Certificates are always checked."""
    certificate_pem: str | None = None
    certificate_key_pem: str | None = None
    connect_timeout: int = 10
    """Seconds until a TCP connection must stand."""
    shells: int = 6
    """How many shells to have open on the host at the most. A host allows 30 for an account."""

    @property
    def is_custom(self) -> bool:
        """A session configuration of the host's own, which may be the bot's JEA endpoint."""
        return self.configuration_name not in (None, DEFAULT_CONFIGURATION_NAME)


def problem(connection: HostConnection) -> str | None:
    """What forbids a connection with these settings, as a sentence; None if nothing does."""
    return _forbidden(connection) or _missing(connection)


def transport(connection: HostConnection) -> WSMan:
    """pypsrp's transport for the connection; no byte is sent yet. The settings must have no `problem`.

    Over plain http messages are encrypted wherever the method can do it. What is trusted is the system's store of
    certificates, or the `ca_bundle`. The environment (proxies, certificates, .netrc) has no say: settings do, and
    a proxy breaks NTLM and Kerberos, which belong to a TCP connection.
    """
    wsman = WSMan(
        connection.address,
        port=connection.port,
        ssl=connection.ssl,
        auth=connection.auth,
        username=connection.username,
        password=connection.password,
        cert_validation=connection.ca_bundle or True,  # type: ignore[arg-type]  # a path too, as requests takes it
        connection_timeout=connection.connect_timeout,
        operation_timeout=OPERATION_TIMEOUT,
        read_timeout=OPERATION_TIMEOUT + 10,
        encryption=_encryption(connection),
        no_proxy=True,
        certificate_pem=connection.certificate_pem,
        certificate_key_pem=connection.certificate_key_pem,
    )
    # Built before pypsrp does it with the first request, since it asks the environment.
    session = wsman.transport.session = wsman.transport._build_session()
    session.trust_env = False
    session.verify = connection.ca_bundle or True
    if connection.ssl and connection.ca_bundle is None:
        session.mount("https://", _SystemStore())
    return wsman


class _SystemStore(HTTPAdapter):
    """Trusts what the system trusts, where requests would trust a list of its own."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options, ssl_context=ssl.create_default_context())

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        conn.ca_certs = conn.ca_cert_dir = None


def _forbidden(connection: HostConnection) -> str | None:
    name, auth = connection.name, connection.auth
    if not connection.ssl and auth == "certificate":
        return f"{name} is set to plain http, and a client certificate needs https. Set ssl to true."
    if not connection.ssl and auth == "basic" and not connection.allow_unencrypted:
        return (
            f"{name} is set to basic authentication over plain http, which sends the password readable. Set ssl to "
            "true, or auth to negotiate, or allow_unencrypted to true if the network may see it."
        )
    return None


def _missing(connection: HostConnection) -> str | None:
    name, auth = connection.name, connection.auth
    if auth in ("basic", "credssp") and (connection.username is None or connection.password is None):
        return f"{name} is set to {auth} authentication, which needs a username and a password."
    if auth == "certificate" and (connection.certificate_pem is None or connection.certificate_key_pem is None):
        return f"{name} is set to a client certificate, which needs certificate_pem and certificate_key_pem."
    for path in (connection.ca_bundle, connection.certificate_pem, connection.certificate_key_pem):
        if path is not None and not Path(path).is_file():
            return f"{name} is set to use {path}, and there is no such file."
    if (modules := _EXTRAS.get(auth)) and not any(find_spec(module) for module in modules):
        return f"{name} is set to {auth} authentication. Install it with: pip install 'hyperv-checkpoint-bot[{auth}]'"
    return None


def _encryption(connection: HostConnection) -> str:
    if connection.ssl:
        return "auto"
    return "always" if connection.auth in ENCRYPTING else "never"

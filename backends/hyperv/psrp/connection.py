"""pypsrp's transport, made from the settings of a host's connection."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pypsrp.wsman import WSMan
from requests import PreparedRequest, Request, Session

from backends.base import HostConnection
from backends.base import name as called
from backends.base.system_store import SystemStore

# Whoever uses a session says once, and in words, what went wrong; pypsrp would add a traceback a try.
logging.getLogger("pypsrp").setLevel(logging.CRITICAL)

ENCRYPTING: Final = frozenset({"negotiate", "kerberos", "ntlm", "credssp"})
"""Methods that encrypt each message themselves, which hosts demand over plain http."""

OPERATION_TIMEOUT: Final = 20
"""Seconds that a host may hold a Receive before it says that there is nothing yet; a WinRM client's usual figure."""

_EXTRAS: Final = {"kerberos": ("gssapi", "sspilib"), "credssp": ("requests_credssp",)}
"""Modules of which one must be there for a method. The extra of this distribution has the method's name."""


def problem(connection: HostConnection) -> str | None:
    """What forbids a connection with these settings, as a sentence; None if nothing does."""
    name, auth = called(connection.name), connection.auth
    for setting, wrong in connection.problems():
        return f"{name} cannot be reached as it is set: {setting}: {wrong}."
    if (modules := _EXTRAS.get(auth)) and not any(find_spec(module) for module in modules):
        return f"{name} is set to {auth} authentication. In the clone of the bot, install it: pip install '.[{auth}]'"
    return None


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
        cert_validation=_text(connection.ca_bundle) or True,  # type: ignore[arg-type]  # a path too, as requests takes it
        connection_timeout=max(1, int(connection.connect_timeout)),
        operation_timeout=OPERATION_TIMEOUT,
        read_timeout=OPERATION_TIMEOUT + 10,
        encryption=_encryption(connection),
        no_proxy=True,
        certificate_pem=_text(connection.certificate_pem),
        certificate_key_pem=_text(connection.certificate_key_pem),
    )
    # Built before pypsrp does it with the first request, since it asks the environment.
    session = wsman.transport.session = wsman.transport._build_session()
    session.trust_env = False
    session.max_redirects = 0  # WinRM sends nobody elsewhere: whoever does is no host, and gets no password
    session.verify = _text(connection.ca_bundle) or True
    if connection.ssl and connection.ca_bundle is None:
        session.mount("https://", SystemStore())
    session.prepare_request = _posting(session, wsman.transport.endpoint)  # type: ignore[assignment, method-assign]
    return wsman


def _posting(session: Session, url: str) -> Callable[[Request], PreparedRequest]:
    """What prepares the messages of a session, which all go to one address. requests would parse that, and merge the
    settings of the session into what pypsrp has taken from there, for each: ten times the work."""
    to = session.prepare_request(Request("POST", url)).url

    def prepare(request: Request) -> PreparedRequest:
        made = PreparedRequest()
        made.method, made.url, made.body = "POST", to, request.data or None
        made.prepare_headers(request.headers or session.headers)
        if session.cookies:
            made.prepare_cookies(session.cookies)
        made.prepare_content_length(made.body)
        made.prepare_auth(session.auth)
        return made

    return prepare


def _encryption(connection: HostConnection) -> str:
    if connection.ssl:
        return "auto"
    return "always" if connection.auth in ENCRYPTING else "never"


def _text(path: str | Path | None) -> str | None:
    return None if path is None else str(path)

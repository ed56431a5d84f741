"""Who is at the other end of a connection: Basic, NTLM under Negotiate, client certificates.

Channel binding is not asked for, as with a CbtHardeningLevel of None.
"""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Collection
from dataclasses import dataclass

import spnego
from spnego import ContextProxy, NegotiateOptions

from backends.simulator.winrm import sealing
from backends.simulator.winrm.accounts import Accounts

log = logging.getLogger(__name__)

Header = tuple[str, str]

BASIC = "basic"
NEGOTIATE = "negotiate"
CERTIFICATE = "certificate"
SCHEMES = (NEGOTIATE, BASIC, CERTIFICATE)
MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""What stands in Authorization when the client's certificate says who it is."""
_OFFERS = {NEGOTIATE: "Negotiate", BASIC: 'Basic realm="WSMAN"', CERTIFICATE: MUTUAL}


class NotAdmitted(Exception):
    """The answer is a 401 with these headers. `failed` when credentials were given and are wrong."""

    def __init__(self, headers: tuple[Header, ...], *, failed: bool = False) -> None:
        super().__init__("not admitted")
        self.headers = headers
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Admission:
    user: str
    headers: tuple[Header, ...] = ()
    """What the answer has to carry."""


class Logon:
    """The state of one TCP connection: NTLM authenticates the connection, Basic each request on it."""

    def __init__(self, accounts: Accounts, schemes: Collection[str], certificate_user: str | None) -> None:
        self._accounts = accounts
        self._offers = tuple(("WWW-Authenticate", _OFFERS[scheme]) for scheme in schemes)
        self._schemes = schemes
        self._certificate_user = certificate_user
        self._context: ContextProxy | None = None
        self._user: str | None = None

    def admit(self, authorization: str) -> Admission:
        """Who sent a request with this Authorization header, which may be empty. Raises `NotAdmitted`."""
        scheme, _, credentials = authorization.partition(" ")
        if scheme.lower() in (NEGOTIATE, "ntlm") and NEGOTIATE in self._schemes:
            return self._negotiate(scheme, credentials)
        if scheme.lower() == BASIC and BASIC in self._schemes:
            return self._admit(self._basic(credentials))
        if scheme == MUTUAL and CERTIFICATE in self._schemes:
            return self._admit(self._accounts.name(self._certificate_user or ""))
        if not authorization and self._user is not None:
            return Admission(self._user)
        raise NotAdmitted(self._offers)

    def unseal(self, body: bytes) -> bytes:
        """Raises `Undecipherable`."""
        if self._context is None or not self._context.complete:
            raise sealing.Undecipherable
        return sealing.unseal(self._context, body)

    def seal(self, message: bytes, content_type: str) -> tuple[str, bytes]:
        """A content type and a body, for the answer to a request that came sealed."""
        if self._context is None:
            raise sealing.Undecipherable
        return sealing.seal(self._context, message, content_type)

    def _admit(self, user: str | None) -> Admission:
        if user is None:
            raise NotAdmitted(self._offers, failed=True)
        return Admission(user)

    def _basic(self, credentials: str) -> str | None:
        try:
            name, _, password = base64.b64decode(credentials, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._accounts.verify(name, password)

    def _negotiate(self, scheme: str, credentials: str) -> Admission:
        if self._context is None or self._context.complete:
            self._user, self._context = None, self._new_context()
        token = self._step(self._context, credentials)
        headers = (("WWW-Authenticate", f"{scheme} {base64.b64encode(token).decode()}"),) if token else ()
        if not self._context.complete:
            raise NotAdmitted(headers)
        self._user = self._accounts.name(self._context.client_principal or "")
        return Admission(self._admit(self._user).user, headers)

    def _new_context(self) -> ContextProxy:
        with self._accounts.shown_to_spnego():
            return spnego.server(protocol="negotiate", options=NegotiateOptions.use_negotiate)

    def _step(self, context: ContextProxy, credentials: str) -> bytes | None:
        try:
            with self._accounts.shown_to_spnego():
                return context.step(base64.b64decode(credentials, validate=True))
        except Exception as cause:
            # A token may be wrong in so many ways that pyspnego has no common error for them.
            log.debug("A logon failed: %s", cause)
            self._context = None
            raise NotAdmitted(self._offers, failed=True) from cause

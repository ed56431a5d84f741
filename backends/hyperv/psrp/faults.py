"""What a broken call means: exceptions of pypsrp, requests and spnego become `BackendError`s.

The question that matters is whether the host may have begun: only then is the outcome of a change unknown.
"""

from __future__ import annotations

import ssl
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Final

import requests.exceptions
from pypsrp.exceptions import AuthenticationError, WinRMError, WinRMTransportError, WSManFaultError
from spnego.exceptions import InvalidCredentialError, NoCredentialError
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from backends.base import AuthenticationFailed, HostConnection, Unreachable, unmarked
from backends.base import name as called
from backends.hyperv.psrp.messages import Ended
from backends.hyperv.psrp.wire import Sealed

ACCESS_DENIED: Final = 5
SHELL_UNKNOWN: Final = 2150858843
UNKNOWN_CONFIGURATION: Final = frozenset({2150858811, 2150858754})
"""ERROR_WSMAN_INVALID_RESOURCE_URI, of two generations."""
QUOTA: Final = frozenset({2150858815, 2150859173, 2150859174, 2150859175, 2150859176, *range(2150859238, 2150859242)})
"""ERROR_WSMAN_QUOTA_…: shells, operations or commands for a user, a shell or the host."""

BROKEN_OFF: Final = frozenset({8, 14, 995, 1726, 1816, 0x800706BE, 0x800703E3, 0x80070008, 0x8007000E, 0x80070718})
"""Windows' errors for a shell that was ended under a request: aborted, its process gone, no memory, over its quota."""
STATUS: Final = 0xC0000000
"""From here on a fault carries what a PowerShell that crashed ended with: 0xC0000005, 0xC0000017."""
OVERLOADED: Final = frozenset({429, 502, 503, 504})
"""What balancers, proxies and an http.sys without its service say."""
QUOTED: Final = 300
EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED."""
_UNTRUSTED: Final = "Give the authority that signed it as ca_bundle, or the host by the name that is in it."
_MEND: Final = {
    9: "Its time has not begun: compare the clocks of the bot's machine and of the host.",
    23: "Its authority has revoked it: give the host's HTTPS listener a new one.",
    62: "Give the host by a name that is in it, as address.",
    64: "Give the host by a name that is in it, as address.",
}
"""What to do, by OpenSSL's X509_V_ERR_…: not yet valid, revoked, another host's name, another host's IP address."""

_NOT_RUN: Final = frozenset({ACCESS_DENIED, SHELL_UNKNOWN, *UNKNOWN_CONFIGURATION, *QUOTA})


class Stale(Exception):
    """A shell that was open has gone, and nothing was sent to it."""


def never_ran(error: BaseException) -> bool:
    """The command that met this error was certainly not begun: it did not leave, or the host said no to it."""
    for cause in _chain(error):
        if isinstance(cause, Stale | Sealed | AuthenticationError | NewConnectionError | ConnectTimeoutError):
            return True
        if isinstance(cause, requests.exceptions.ConnectTimeout | ssl.SSLCertVerificationError):
            return True
        if isinstance(cause, WSManFaultError):
            return cause.code in _NOT_RUN
    return False


def unreachable(error: BaseException, connection: HostConnection) -> Unreachable:
    """The error for a call of which nothing was run, or that only asked."""
    name, cause = called(connection.name), describe(error, connection)
    chain = tuple(_chain(error))
    offered = any(isinstance(one, requests.HTTPError) for one in chain)
    for one in chain:
        if (offered and isinstance(one, AuthenticationError)) or isinstance(
            one, InvalidCredentialError | NoCredentialError
        ):
            return AuthenticationFailed(
                f"{name} refused {_account(connection, 'the account of the bot')} or its password "
                f"({connection.auth}). Correct the settings of the host and restart the bot.",
                cause,
            )
        if sentence := _in_words(one, connection):
            return Unreachable(sentence, cause)
    return Unreachable(
        f"{name} does not answer at {connection.address}:{connection.port}. Check that it runs and that the network "
        "lets WinRM through.",
        cause,
    )


def _in_words(error: BaseException, connection: HostConnection) -> str | None:
    """What this one of a chain of errors says of the host; None when it says nothing."""
    return _said_by_the_host(error, connection) or _met_on_the_way(error, connection)


def _said_by_the_host(error: BaseException, connection: HostConnection) -> str | None:
    name = called(connection.name)
    match error:
        case AuthenticationError():
            return f"{name} does not offer {connection.auth} authentication. Set auth to a method that it offers."
        case Ended():
            return f"{name} said that a command is over, and not how it ended. Try again."
        case WSManFaultError() if error.code is not None or error.reason:
            return _fault(error, connection)
        case WinRMTransportError():
            return _status(error.code, name)
        case _:
            return None


def _met_on_the_way(error: BaseException, connection: HostConnection) -> str | None:
    name = called(connection.name)
    match error:
        case ssl.SSLCertVerificationError():
            return _certificate(error, name)
        case ssl.SSLError() if not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):  # those broke off
            return (
                f"{name} and the bot find no way to speak TLS at port {connection.port} "
                f"({error.reason or 'no reason'}). "
                "If WinRM listens for plain HTTP there, set ssl: false, or the port to that of HTTPS."
            )
        case NameResolutionError():
            return f"No address is known for {called(connection.address)}, where {name} is said to be. Check address."
        case _ if isinstance(error, ET.ParseError | requests.TooManyRedirects) or type(error) is WinRMError:
            return _no_winrm(connection)
        case _:
            return None


def _certificate(error: ssl.SSLCertVerificationError, name: str) -> str:
    code = getattr(error, "verify_code", None)  # only OpenSSL's own errors have one
    if code == EXPIRED:
        return f"The certificate of {name} has ended. Give the host's HTTPS listener a new one."
    said = unmarked(str(error.verify_message)).rstrip(".")
    return f"The certificate of {name} is not trusted: {said}. {_MEND.get(code or 0, _UNTRUSTED)}"


def _no_winrm(connection: HostConnection) -> str:
    return (
        f"What answers for {called(connection.name)} at {connection.address}:{connection.port} is not WinRM: a "
        "proxy, a log-in page or another service perhaps. Check address and port."
    )


def _status(status: int, name: str) -> str:
    if status in OVERLOADED:
        return (
            f"{name} cannot be reached now: its WinRM service, or a balancer or proxy before it, answered that it is "
            f"not available (HTTP status {status}). Try again in a few minutes, and if it stays so, look at what "
            "stands there."
        )
    return (
        f"{name} answered with HTTP status {status} instead of WinRM. Check the port and whether WinRM is switched on "
        "there."
    )


def describe(error: BaseException, connection: HostConnection) -> str:
    """For the log: the error, and the kinds of what is behind it."""
    first, *behind = _chain(error)
    kinds = f" (from {', '.join(type(one).__name__ for one in behind)})" if behind else ""
    return f"{connection.name}: {type(first).__name__}: {str(first)[:500]}{kinds}"


def _fault(fault: WSManFaultError, connection: HostConnection) -> str:
    name = called(connection.name)
    match fault.code:
        case code if code in UNKNOWN_CONFIGURATION:
            return (
                f"{name} has no session configuration called {called(str(connection.configuration_name))}. "
                "Register it with Register-CheckpointBotEndpoint.ps1, or correct configuration_name."
            )
        case code if code in QUOTA:
            return f"{name} allows the account no more shells or commands for now. Try again in a few minutes."
        case code if code == ACCESS_DENIED:
            return (
                f"{name} does not let {_account(connection, 'the account')} in. Put it into the group Remote "
                "Management Users, or into the groups that the session configuration admits."
            )
        case code if code in BROKEN_OFF or (code or 0) >= STATUS:
            return (
                f"PowerShell on {name} was ended in the middle of it, for want of memory perhaps (WinRM fault {code}). "
                "Try again in a few minutes. If it stays so, see how much MaxMemoryPerShellMB of WinRM allows there."
            )
        case code:
            number = "" if code is None else f" (fault {code})"
            reason = " ".join(unmarked(str(fault.reason or "It gave no reason")).split()).rstrip(".")[:QUOTED]
            return f"WinRM on {name} refused{number}: {reason}."


def _account(connection: HostConnection, otherwise: str) -> str:
    return called(connection.username) if connection.username else otherwise


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it; requests and urllib3 hide causes in `reason` and in arguments."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        hidden = (getattr(one, "reason", None), *one.args, one.__cause__, one.__context__)
        pending += [cause for cause in hidden if isinstance(cause, BaseException)]

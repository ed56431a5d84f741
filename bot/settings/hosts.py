"""The settings of hosts, and how each is reached when defaults are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from bot.settings.kinds import Address, ExistingFile, HostName, Port, Secret, Span
from bot.settings.problems import Place
from bot.settings.section import Section

Authentication = Literal["negotiate", "kerberos", "ntlm", "credssp", "certificate", "basic"]


class HostDefaults(Section):
    """How hosts are reached, where a host says nothing else."""

    port: Port | None = Field(default=None, description="The port of WinRM. When left out, 5986, or 5985 without ssl.")
    ssl: bool = Field(
        default=True,
        description="Whether to use HTTPS. Without it, messages are still encrypted by every auth but basic.",
    )
    auth: Authentication = Field(
        default="negotiate",
        description="How to prove who the bot is: negotiate, kerberos, ntlm, credssp, certificate or basic.",
    )
    username: str | None = Field(
        default=None,
        description="The service account, as `DOMAIN\\user` or `user@domain`. "
        "With kerberos it may come from the ticket.",
    )
    password: Secret | None = Field(
        default=None, description="Its password. Better kept in a variable or a secrets folder."
    )
    configuration_name: str | None = Field(
        default=None,
        description="The PowerShell session configuration to connect to, such as a JEA endpoint's. "
        "When left out, the host's default.",
    )
    allow_unencrypted: bool = Field(
        default=False, description="Allow basic over plain HTTP, which shows the password to everyone on the way."
    )
    ca_bundle: ExistingFile | None = Field(
        default=None,
        description="A PEM file with the authorities that host certificates are checked against. "
        "When left out, the system's.",
    )
    certificate_pem: ExistingFile | None = Field(default=None, description="The client certificate, for certificate.")
    certificate_key_pem: ExistingFile | None = Field(default=None, description="The key of the client certificate.")
    connect_timeout: Span = Field(
        default=timedelta(seconds=10), description="How long to wait for a connection to a host."
    )


class HostSettings(HostDefaults):
    """One host. Every setting of host_defaults may be set here too."""

    name: HostName = Field(description="What people call it.")
    address: Address | None = Field(default=None, description="Its host name or IP address. When left out, its name.")


@dataclass(frozen=True, slots=True)
class Connection:
    """How one host is reached, with nothing left open."""

    name: str
    address: str
    port: int
    ssl: bool
    auth: Authentication
    username: str | None
    password: SecretStr | None
    configuration_name: str | None
    allow_unencrypted: bool
    ca_bundle: Path | None
    certificate_pem: Path | None
    certificate_key_pem: Path | None
    connect_timeout: float
    """Seconds."""


def connection(host: HostSettings, defaults: HostDefaults) -> Connection:
    """`host` with what it leaves out taken from `defaults`."""
    own = {name: getattr(host, name) for name in host.model_fields_set & set(HostDefaults.model_fields)}
    both = defaults.model_copy(update=own)
    return Connection(
        name=host.name,
        address=host.address or host.name,
        port=both.port or (5986 if both.ssl else 5985),
        ssl=both.ssl,
        auth=both.auth,
        username=both.username,
        password=both.password,
        configuration_name=both.configuration_name,
        allow_unencrypted=both.allow_unencrypted,
        ca_bundle=both.ca_bundle,
        certificate_pem=both.certificate_pem,
        certificate_key_pem=both.certificate_key_pem,
        connect_timeout=both.connect_timeout.total_seconds(),
    )


def unreachable(connections: Sequence[Connection]) -> list[tuple[Place, str]]:
    """What keeps each of `connections` from working, with its place in the list."""
    twice: list[tuple[Place, str]] = [
        ((index, "name"), f"{one.name} is the name of another host already")
        for index, one in enumerate(connections)
        if one.name.casefold() in {other.name.casefold() for other in connections[:index]}
    ]
    return [*twice, *(((i, name), sentence) for i, one in enumerate(connections) for name, sentence in _lacks(one))]


def _lacks(one: Connection) -> list[tuple[str, str]]:
    """What `one` lacks for its kind of authentication: settings and sentences."""
    checks: list[tuple[str, bool, str]] = [
        (
            "auth",
            one.auth == "basic" and not one.ssl and not one.allow_unencrypted,
            "basic over plain HTTP shows the password to everyone on the way: set ssl: true, "
            "or allow_unencrypted: true if that network is trusted",
        ),
        ("auth", one.auth == "certificate" and not one.ssl, "certificate needs ssl: true"),
        *(
            (name, one.auth in needing and getattr(one, name) is None, f"is missing: auth {one.auth} needs it")
            for needing, names in _NEEDS
            for name in names
        ),
        (
            "username",
            one.password is not None and one.username is None and one.auth not in _PASSWORD,
            "is missing: there is a password",
        ),
    ]
    return [(name, sentence) for name, wrong, sentence in checks if wrong]


_PASSWORD = ("basic", "credssp")
_NEEDS = ((_PASSWORD, ("username", "password")), (("certificate",), ("certificate_pem", "certificate_key_pem")))

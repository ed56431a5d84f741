"""The settings of hosts, and how each is reached when defaults are filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field, model_validator

from backends.base import Auth, HostConnection
from bot.settings.kinds import Address, ExistingFile, HostName, Port, Secret, SiteName, Span
from bot.settings.problems import Place, found
from bot.settings.section import Section


class HostDefaults(Section):
    """How hosts are reached, where a host says nothing else."""

    port: Port | None = Field(default=None, description="The port of WinRM. When left out, 5986, or 5985 without ssl.")
    ssl: bool = Field(
        default=True,
        description="Whether to use HTTPS. Without it, messages are still encrypted by every auth but basic.",
    )
    auth: Auth = Field(
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
    site: SiteName | None = Field(
        default=None,
        description="The site that it is reached from, by a worker there, which knows how: here it has a name alone.",
    )

    @model_validator(mode="after")
    def _a_site_knows_the_rest(self) -> HostSettings:
        if self.site is not None:
            set_here = [name for name in self.model_fields_set if name not in ("name", "site")]
            found([((name,), f"is for the settings of the worker of {self.site}") for name in sorted(set_here)])
        return self


def connection(host: HostSettings, defaults: HostDefaults) -> HostConnection:
    """`host` with what it leaves out taken from `defaults`."""
    own = {name: getattr(host, name) for name in host.model_fields_set & set(HostDefaults.model_fields)}
    both = defaults.model_copy(update=own)
    plain = {name: getattr(both, name) for name in HostDefaults.model_fields}
    plain["port"] = both.port or (5986 if both.ssl else 5985)
    plain["password"] = both.password.get_secret_value() if both.password else None
    plain["connect_timeout"] = both.connect_timeout.total_seconds()
    return HostConnection(name=host.name, address=host.address or host.name, **plain)


def unreachable(connections: Sequence[HostConnection]) -> list[tuple[Place, str]]:
    """What keeps each of `connections` from working, with its place in the list."""
    twice: list[tuple[Place, str]] = [
        ((index, "name"), f"{one.name} is the name of another host already")
        for index, one in enumerate(connections)
        if one.name.casefold() in {other.name.casefold() for other in connections[:index]}
    ]
    return [*twice, *(((i, name), wrong) for i, one in enumerate(connections) for name, wrong in one.problems())]

"""The settings of hosts, and how each is reached when defaults are filled in."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from backends.base import Auth, HostConnection
from bot.settings.kinds import Address, ExistingFile, HostName, Port, Secret, SiteName, Span, did_you_mean
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


Called = Annotated[HostName, Field(description="What people call it.")]
Reached = Annotated[Address | None, Field(description="Its host name or IP address. When left out, its name.")]


class HostSettings(HostDefaults):
    """One host. Every setting of host_defaults may be set here too."""

    name: Called
    address: Reached = None
    site: SiteName | None = Field(
        default=None,
        description="The site that it is reached from, by a worker there, which knows how: here it has a name alone.",
    )

    @model_validator(mode="after")
    def _a_site_knows_the_rest(self) -> HostSettings:
        found(list(_for_the_worker(self, "hosts")))
        return self


class NodeSettings(HostDefaults):
    """One node of a cluster that the settings list."""

    name: Called
    address: Reached = None


class ClusterSettings(HostDefaults):
    """One failover cluster. Every setting of host_defaults may be set here too, for all its nodes."""

    name: HostName = Field(description="What people call it: its VMs belong to it, and not to a node.")
    address: Address | None = Field(
        default=None,
        description="The host name of the cluster or of one of its nodes, where the bot asks which nodes there are. "
        "When left out, its name.",
    )
    site: SiteName | None = Field(
        default=None,
        description="The site that its nodes are reached from, by a worker there, which knows how: here it has a name "
        "alone.",
    )
    domain: Address | None = Field(
        default=None,
        description="What follows the names of its nodes in their addresses, such as example.net. When left out, what "
        "follows the first dot of the address.",
    )
    nodes: tuple[NodeSettings, ...] = Field(
        default=(),
        description="Nodes that are reached otherwise than by their names. Where no endpoint can see the cluster, the "
        "bot goes by these: then all of them are to be listed.",
    )

    @field_validator("nodes", mode="before")
    @classmethod
    def _all_are_at_one_site(cls, nodes: object) -> object:
        given = nodes if isinstance(nodes, list | tuple) else ()
        at_sites = [at for at, node in enumerate(given) if isinstance(node, Mapping) and "site" in node]
        found([((at, "site"), "cannot be set for a node: set it for the cluster") for at in at_sites])
        return nodes

    @model_validator(mode="after")
    def _a_site_knows_the_rest(self) -> ClusterSettings:
        found(list(_for_the_worker(self, "clusters")))
        return self


def _for_the_worker(one: HostSettings | ClusterSettings, group: str) -> Iterator[tuple[Place, str]]:
    """What is set here and is the worker's to know."""
    if one.site is not None:
        why = f"is for the settings of the worker of {one.site}, under {group} there: here are name and site alone"
        yield from (((name,), why) for name in sorted(one.model_fields_set - {"name", "site"}))


@dataclass(frozen=True, slots=True)
class ClusterConnection:
    """How a cluster and its nodes are reached, with nothing left open."""

    entrance: HostConnection
    """Where the bot asks which nodes there are."""
    domain: str
    """What follows the names of nodes; empty where nothing does."""
    nodes: Mapping[str, HostConnection]
    """Those that the settings list, by their names in lower case."""

    @property
    def name(self) -> str:
        return self.entrance.name

    def node(self, name: str) -> HostConnection:
        """How a node is reached, whether the settings list it or not."""
        address = f"{name}.{self.domain}" if self.domain else name
        return self.nodes.get(name.lower()) or replace(self.entrance, name=name, address=address)


def connection(host: HostSettings | NodeSettings | ClusterSettings, defaults: HostDefaults) -> HostConnection:
    """`host` with what it leaves out taken from `defaults`."""
    both = _filled(host, defaults)
    plain = {name: getattr(both, name) for name in HostDefaults.model_fields}
    plain["port"] = both.port or (5986 if both.ssl else 5985)
    plain["password"] = both.password.get_secret_value() if both.password else None
    plain["connect_timeout"] = both.connect_timeout.total_seconds()
    return HostConnection(name=host.name, address=host.address or host.name, **plain)


def cluster_connection(cluster: ClusterSettings, defaults: HostDefaults) -> ClusterConnection:
    """The same for a cluster; its nodes leave out what the cluster sets."""
    both = _filled(cluster, defaults)
    entrance = connection(cluster, defaults)
    domain = cluster.domain or _domain_of(entrance.address)
    nodes = {one.name.lower(): connection(_addressed(one, domain), both) for one in cluster.nodes}
    return ClusterConnection(entrance, domain, nodes)


def _filled(host: HostDefaults, defaults: HostDefaults) -> HostDefaults:
    own = {name: getattr(host, name) for name in host.model_fields_set & set(HostDefaults.model_fields)}
    return defaults.model_copy(update=own)


def _addressed(node: NodeSettings, domain: str) -> NodeSettings:
    address = node.address or (f"{node.name}.{domain}" if domain else node.name)
    return node.model_copy(update={"address": address})


def _domain_of(address: str) -> str:
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return address.partition(".")[2]
    return ""


Sited = Sequence[HostSettings | ClusterSettings]


def at_unknown_sites(ones: Sited, sites: Collection[str]) -> list[tuple[Place, str]]:
    """Hosts or clusters whose site there is not, each with its place in the list."""
    return [
        ((at, "site"), f"there is no site {one.site} under sites:{did_you_mean(one.site, sites)}")
        for at, one in enumerate(ones)
        if one.site is not None and one.site not in sites
    ]


def at_sites(ones: Sited) -> list[tuple[Place, str]]:
    """The same for those of a worker that name a site, which are all at its own."""
    why = "is for the bot's settings: here all are of the worker's own site"
    return [((at, "site"), why) for at, one in enumerate(ones) if one.site is not None]


def is_about(ones: Sited, place: Place) -> bool:
    """Whether what is wrong at a place of the list matters: how those of a site are reached is its worker's to know."""
    return ones[int(place[0])].site is None or place[1] == "name"


def unreachable(connections: Sequence[HostConnection]) -> list[tuple[Place, str]]:
    """What keeps each of `connections` from working, with its place in the list."""
    wrong = ((index, setting, why) for index, one in enumerate(connections) for setting, why in one.problems())
    return [*_twice(connections, "host"), *(((index, setting), why) for index, setting, why in wrong)]


def unreachable_clusters(
    clusters: Sequence[ClusterConnection], hosts: Sequence[HostSettings]
) -> list[tuple[Place, str]]:
    """The same for clusters, none of which may be called as a host is."""
    taken = {one.name.casefold() for one in hosts}
    both: list[tuple[Place, str]] = [
        ((index, "name"), f"{one.name} is the name of a host already")
        for index, one in enumerate(clusters)
        if one.name.casefold() in taken
    ]
    return [
        *_twice([one.entrance for one in clusters], "cluster"),
        *both,
        *_listed_twice(clusters, hosts),
        *(((index, *place), why) for index, one in enumerate(clusters) for place, why in _problems(one)),
    ]


def _listed_twice(clusters: Sequence[ClusterConnection], hosts: Sequence[HostSettings]) -> Iterator[tuple[Place, str]]:
    """Nodes that stand under hosts too, by their addresses: their VMs would be counted twice."""
    for index, cluster in enumerate(clusters):
        for at, node in enumerate(cluster.nodes.values()):
            for host in hosts:
                address = (host.address or host.name).casefold()
                if host.site is None and address == node.address.casefold() and host.port in (None, node.port):
                    yield (index, "nodes", at), f"{host.name} under hosts is the same machine: leave it out there"


def _problems(cluster: ClusterConnection) -> Iterator[tuple[Place, str]]:
    """What the cluster itself gets wrong is said of it alone, and not of each of its nodes."""
    own = list(cluster.entrance.problems())
    yield from (((setting,), why) for setting, why in own)
    for index, node in enumerate(cluster.nodes.values()):
        yield from ((("nodes", index, setting), why) for setting, why in node.problems() if (setting, why) not in own)


def _twice(connections: Sequence[HostConnection], kind: str) -> list[tuple[Place, str]]:
    return [
        ((index, "name"), f"{one.name} is the name of another {kind} already")
        for index, one in enumerate(connections)
        if one.name.casefold() in {other.name.casefold() for other in connections[:index]}
    ]

"""The settings of a worker at a site, which alone knows how its hosts are reached."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from backends.base import HostConnection
from bot.settings.hosts import (
    ClusterConnection,
    ClusterSettings,
    HostDefaults,
    HostSettings,
    at_sites,
    cluster_connection,
    connection,
    unreachable,
    unreachable_clusters,
)
from bot.settings.kinds import PostgresUrl, SiteKey
from bot.settings.model import LogSettings
from bot.settings.problems import found
from bot.settings.whole import Whole


class WorkerSettings(Whole):
    """All settings of a worker."""

    data_dir: Path = Field(default=Path("./data"), description="The folder of what is open on the hosts.")
    database_url: PostgresUrl = Field(description="The PostgreSQL database that the bot names too.")
    site_key: SiteKey = Field(description="The key that the bot has for this site.")
    host_defaults: HostDefaults = Field(default_factory=HostDefaults)
    hosts: tuple[HostSettings, ...] = Field(default=(), description="The Hyper-V hosts of the site.")
    clusters: tuple[ClusterSettings, ...] = Field(default=(), description="Its failover clusters.")
    log: LogSettings = Field(default_factory=LogSettings)

    @field_validator("hosts")
    @classmethod
    def _hosts_can_be_reached(cls, hosts: tuple[HostSettings, ...], info: ValidationInfo) -> tuple[HostSettings, ...]:
        defaults = info.data.get("host_defaults")
        wrong = unreachable([connection(host, defaults) for host in hosts]) if defaults is not None else []
        found([*at_sites(hosts), *wrong])
        return hosts

    @field_validator("clusters")
    @classmethod
    def _clusters_can_be_reached(
        cls, clusters: tuple[ClusterSettings, ...], info: ValidationInfo
    ) -> tuple[ClusterSettings, ...]:
        defaults = info.data.get("host_defaults")
        made = [cluster_connection(one, defaults) for one in clusters] if defaults is not None else []
        found([*at_sites(clusters), *unreachable_clusters(made, info.data.get("hosts") or ())])
        return clusters

    @property
    def connections(self) -> tuple[HostConnection, ...]:
        """How each host is reached, defaults filled in."""
        return tuple(connection(host, self.host_defaults) for host in self.hosts)

    @property
    def cluster_connections(self) -> tuple[ClusterConnection, ...]:
        """The same for each cluster."""
        return tuple(cluster_connection(one, self.host_defaults) for one in self.clusters)

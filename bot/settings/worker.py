"""The settings of a worker at a site, which alone knows how its hosts are reached."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from backends.base import HostConnection
from bot.settings.hosts import HostDefaults, HostSettings, connection, unreachable
from bot.settings.kinds import PostgresUrl, SiteKey
from bot.settings.model import LogSettings
from bot.settings.problems import Place, found
from bot.settings.whole import Whole


class WorkerSettings(Whole):
    """All settings of a worker."""

    data_dir: Path = Field(default=Path("./data"), description="The folder of what is open on the hosts.")
    database_url: PostgresUrl = Field(description="The PostgreSQL database that the bot names too.")
    site_key: SiteKey = Field(description="The key that the bot has for this site.")
    host_defaults: HostDefaults = Field(default_factory=HostDefaults)
    hosts: tuple[HostSettings, ...] = Field(default=(), description="The Hyper-V hosts of the site.")
    log: LogSettings = Field(default_factory=LogSettings)

    @field_validator("hosts")
    @classmethod
    def _hosts_can_be_reached(cls, hosts: tuple[HostSettings, ...], info: ValidationInfo) -> tuple[HostSettings, ...]:
        sited: list[tuple[Place, str]] = [
            ((at, "site"), "is for the bot's settings: here every host is of the worker's own site")
            for at, host in enumerate(hosts)
            if host.site is not None
        ]
        defaults = info.data.get("host_defaults")
        found([*sited, *(unreachable([connection(host, defaults) for host in hosts]) if defaults is not None else [])])
        return hosts

    @property
    def connections(self) -> tuple[HostConnection, ...]:
        """How each host is reached, defaults filled in."""
        return tuple(connection(host, self.host_defaults) for host in self.hosts)

"""What a host says of itself, beside its VMs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a host says to whoever connects. None where it does not say."""

    powershell: str | None = None
    windows: str | None = None
    """The build: `10.0.20348.2700`."""
    certificate_until: datetime | None = None
    """When its certificate ends; None without HTTPS."""
    ahead: timedelta | None = None
    """How far its clock is ahead of this machine's, to about a second; negative where it is behind."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A host beside its VMs."""

    greeting: Greeting
    endpoint_version: int | None = None
    """Of the bot's own JEA endpoint; None for a full PowerShell."""
    endpoint_newest: int | None = None
    """The version that this bot brings."""
    language: str | None = None
    """Of its messages, as `en-US`; None where the endpoint does not tell."""
    nodes: tuple[str, ...] = ()
    """The nodes of a cluster that told of it; empty for a host."""
    remarks: tuple[str, ...] = ()
    """Sentences about what nodes of a cluster lack to tell of it."""
    silent: tuple[tuple[str, str], ...] = ()
    """Other nodes that did not tell of it: the name, and a sentence that says why."""

    @property
    def is_old_endpoint(self) -> bool:
        """Its endpoint is of an older version than this bot brings."""
        return self.endpoint_version is not None and self.endpoint_version < (self.endpoint_newest or 0)

    @property
    def windows_name(self) -> str:
        """`Windows Server 2022 (10.0.20348.2700)`: Hyper-V has the version of its Windows."""
        build = self.greeting.windows
        if build is None:
            return "an unknown Windows"
        release = next((name for number, name in RELEASES.items() if f".{number}" in build), None)
        return f"{release} ({build})" if release else f"Windows {build}"


RELEASES = {
    14393: "Windows Server 2016",
    17763: "Windows Server 2019",
    20348: "Windows Server 2022",
    26100: "Windows Server 2025",
}

"""Get-VMHost."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.cmdlets.registry import cmdlet
from backends.simulator.objects.hosts import HostInfoObject
from backends.simulator.runtime import Call


@cmdlet("Get-VMHost")
def get_host(call: Call) -> Iterator[HostInfoObject]:
    yield HostInfoObject(call.host, call.host.spec)

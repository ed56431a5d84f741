"""Get-VMHost."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.objects.hosts import HostInfoObject
from backends.simulator.powershell.runtime import Call


@cmdlet("Get-VMHost")
def get_host(call: Call) -> Iterator[HostInfoObject]:
    yield HostInfoObject(call.host, call.host.spec)

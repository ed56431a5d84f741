"""Get-VMHost, Get-UICulture."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.texts import Language
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.objects.hosts import HostInfoObject
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance


@cmdlet("Get-VMHost")
def get_host(call: Call) -> Iterator[HostInfoObject]:
    yield HostInfoObject(call.host, call.host.spec)


CULTURES = {Language.EN: "en-US", Language.FR: "fr-FR", Language.JA: "ja-JP"}


@cmdlet("Get-UICulture")
def get_culture(call: Call) -> Iterator[Instance]:
    """A few of the properties of a `CultureInfo`."""
    name = CULTURES[call.host.spec.language]
    yield Instance(("System.Globalization.CultureInfo", "System.Object"), {"Name": name, "DisplayName": name}, name)

"""`VMHost` and `VMReplication`."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from backends.simulator.model.enums import HYPERV, enum_value
from backends.simulator.model.host import HostSpec
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.powershell.objects.base import Getters, View, guid


class HostInfoObject(View[HostSpec]):
    """`Microsoft.HyperV.PowerShell.VMHost`."""

    type_names: ClassVar[tuple[str, ...]] = (HYPERV + "VMHost", HYPERV + "VirtualizationObject", "System.Object")

    @property
    def text(self) -> str:
        return f"VMHost (Name = '{self.model.name.upper()}')"


class ReplicationObject(View[SimulatedVM]):
    """`Microsoft.HyperV.PowerShell.VMReplication`."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "VMReplication",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )

    @property
    def text(self) -> str:
        return f"VMReplication (VMName = '{self.model.name}')"


HOST_GETTERS: Getters[HostInfoObject] = {
    "LogicalProcessorCount": lambda o: o.model.processors,
    "ResourceMeteringSaveInterval": lambda _: timedelta(hours=1),
    "HostNumaStatus": lambda _: [],
    "NumaStatus": lambda _: [],
    "IovSupport": lambda _: False,
    "IovSupportReasons": lambda _: [],
    "InternalNetworkAdapters": lambda _: [],
    "ExternalNetworkAdapters": lambda _: [],
    "SupportedVmVersions": lambda _: ["8.0", "9.0", "10.0"],
    "SecureBootTemplates": lambda _: [],
    "EnableEnhancedSessionMode": lambda _: False,
    "FibreChannelWwnn": lambda _: "C003FF0000FFFF00",
    "FibreChannelWwpnMaximum": lambda _: "C003FF1234560FFF",
    "FibreChannelWwpnMinimum": lambda _: "C003FF1234560000",
    "MacAddressMaximum": lambda _: "00155D0A64FF",
    "MacAddressMinimum": lambda _: "00155D0A6400",
    "NumaSpanningEnabled": lambda _: True,
    "VirtualHardDiskPath": lambda o: f"{o.model.folder}Virtual Hard Disks",
    "VirtualMachinePath": lambda o: o.model.folder,
    "FullyQualifiedDomainName": lambda o: o.model.domain,
    "MemoryCapacity": lambda o: o.model.memory,
    "Name": lambda o: o.model.name.upper(),
    "MaximumStorageMigrations": lambda _: 2,
    "MaximumVirtualMachineMigrations": lambda _: 2,
    "UseAnyNetworkForMigration": lambda _: False,
    "VirtualMachineMigrationAuthenticationType": lambda _: enum_value(HYPERV + "MigrationAuthenticationType", 1),
    "VirtualMachineMigrationEnabled": lambda _: True,
    "VirtualMachineMigrationPerformanceOption": lambda _: enum_value(HYPERV + "VMMigrationPerformance", 1),
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.model.name.upper(),
    "IsDeleted": lambda _: False,
}

REPLICATION_GETTERS: Getters[ReplicationObject] = {
    "State": lambda o: enum_value(HYPERV + "VMReplicationState", o.model.replication),
    "Health": lambda _: enum_value(HYPERV + "VMReplicationHealthState", 1),
    "Mode": lambda o: enum_value(HYPERV + "VMReplicationMode", int(o.model.replication_mode)),
    "RelationshipType": lambda _: enum_value(HYPERV + "VMReplicationRelationshipType", 0),
    "PrimaryServer": lambda o: f"primary.{o.host.spec.domain}",
    "ReplicaServer": lambda o: f"{o.host.name}.{o.host.spec.domain}",
    "VMId": lambda o: guid(o.model.id),
    "VMName": lambda o: o.model.name,
    "Name": lambda o: o.model.name,
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda _: False,
}

HostInfoObject.getters = HOST_GETTERS
ReplicationObject.getters = REPLICATION_GETTERS

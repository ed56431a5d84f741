"""`ClusterNode`, `ClusterResource`, `ClusterParameter` and `ClusterSharedVolume` of the module FailoverClusters."""

from __future__ import annotations

from typing import ClassVar
from uuid import NAMESPACE_URL, uuid5

from backends.simulator.model.cluster import ClusterNode, Role
from backends.simulator.model.enums import CLUSTERS, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.storage import VolumeSpace
from backends.simulator.powershell.objects.base import Getters, View
from backends.simulator.powershell.shell import Instance

ONLINE = 2


class NodeObject(View[ClusterNode]):
    """`Microsoft.FailoverClusters.PowerShell.ClusterNode`."""

    type_names: ClassVar[tuple[str, ...]] = (CLUSTERS + "ClusterNode", "System.Object")

    @property
    def text(self) -> str:
        return self.model.name


class ResourceObject(View[Role]):
    """`Microsoft.FailoverClusters.PowerShell.ClusterResource`, of the type Virtual Machine."""

    type_names: ClassVar[tuple[str, ...]] = (CLUSTERS + "ClusterResource", "System.Object")

    @property
    def text(self) -> str:
        return f"Virtual Machine {self.model.vm.name}"

    def owner(self) -> NodeObject | None:
        cluster = self.host.cluster
        node = cluster.nodes.get(self.model.owner) if cluster else None
        return NodeObject(self.host, node) if node else None


class ParameterObject(View[Role]):
    """`Microsoft.FailoverClusters.PowerShell.ClusterParameter`: the VmId of a resource."""

    type_names: ClassVar[tuple[str, ...]] = (CLUSTERS + "ClusterParameter", "System.Object")


class SharedVolumeObject(View[VolumeSpace]):
    """`Microsoft.FailoverClusters.PowerShell.ClusterSharedVolume`."""

    type_names: ClassVar[tuple[str, ...]] = (CLUSTERS + "ClusterSharedVolume", "System.Object")

    @property
    def text(self) -> str:
        return self.model.label

    def owner(self) -> NodeObject | None:
        """Any node that is up coordinates it."""
        cluster = self.host.cluster
        node = next(iter(cluster.nodes.values()), None) if cluster else None
        return NodeObject(self.host, node) if node else None

    def info(self) -> list[Instance]:
        """Friendly names have no backslash at their end, where mount points have one."""
        volume = self.model
        space: dict[str, object] = {
            "Name": f"\\\\?\\Volume{{{uuid5(NAMESPACE_URL, volume.path)}}}\\",
            "MountPoints": [],
            "FileSystem": "CSVFS",
            "Size": volume.size,
            "FreeSpace": volume.free,
            "UsedSpace": volume.size - volume.free,
            "PercentFree": round(100 * volume.free / volume.size, 2),
        }
        partition = Instance((CLUSTERS + "CsvPartitionInfo", "System.Object"), space)
        shown: dict[str, object] = {
            "FaultState": volume.fault,
            "FriendlyVolumeName": volume.path.rstrip("\\"),
            "Partition": partition,
            "PartitionNumber": 2,
            "RedirectedAccess": volume.redirected,
            "VolumeOffset": 0,
        }
        return [Instance((CLUSTERS + "SharedVolumeInfo", "System.Object"), shown)]


def _id(host: SimulatedHost, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{host.cluster.name if host.cluster else ''}/{name}"))


NODE_GETTERS: Getters[NodeObject] = {
    "Cluster": lambda o: o.host.cluster.name if o.host.cluster else None,
    "Name": lambda o: o.model.name.upper(),
    "Id": lambda o: _id(o.host, o.model.name),
    "State": lambda o: enum_value(CLUSTERS + "ClusterNodeState", o.model.state),
    "DrainStatus": lambda o: enum_value(CLUSTERS + "ClusterNodeDrainStatus", o.model.drain),
    "NodeWeight": lambda _: 1,
    "Description": lambda _: "",
}

RESOURCE_GETTERS: Getters[ResourceObject] = {
    "Cluster": lambda o: o.host.cluster.name if o.host.cluster else None,
    "Name": lambda o: o.text,
    "Id": lambda o: _id(o.host, o.model.vm.id),
    "ResourceType": lambda _: "Virtual Machine",
    "State": lambda o: enum_value(CLUSTERS + "ClusterResourceState", o.model.state),
    "OwnerGroup": lambda o: o.model.vm.name,
    "OwnerNode": lambda o: o.owner(),
}

PARAMETER_GETTERS: Getters[ParameterObject] = {
    "ClusterObject": lambda o: ResourceObject(o.host, o.model),
    "Name": lambda _: "VmID",
    "IsReadOnly": lambda _: False,
    "ParameterType": lambda _: "String",
    "Value": lambda o: o.model.vm.id,
}

SHARED_VOLUME_GETTERS: Getters[SharedVolumeObject] = {
    "Name": lambda o: o.model.label,
    "Id": lambda o: _id(o.host, o.model.path),
    "State": lambda _: enum_value(CLUSTERS + "ClusterResourceState", ONLINE),
    "OwnerNode": lambda o: o.owner(),
    "SharedVolumeInfo": lambda o: o.info(),
}

NodeObject.getters = NODE_GETTERS
ResourceObject.getters = RESOURCE_GETTERS
ParameterObject.getters = PARAMETER_GETTERS
SharedVolumeObject.getters = SHARED_VOLUME_GETTERS

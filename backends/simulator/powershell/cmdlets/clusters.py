"""Get-ClusterNode, Get-ClusterResource, Get-ClusterParameter, Get-ClusterSharedVolume.

Without -Cluster they ask the cluster service of the host itself. The error of a host that is no node is as published;
that of an account without the right to the cluster has a published text, and its id is not known.
"""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import matching
from backends.simulator.powershell.objects.clusters import (
    NodeObject,
    ParameterObject,
    ResourceObject,
    SharedVolumeObject,
)
from backends.simulator.powershell.runtime import Call

CLUSTER_EXCEPTION = "Microsoft.FailoverClusters.PowerShell.ClusterCmdletException"
VM_ID = "VmID"


@cmdlet("Get-ClusterNode")
def get_nodes(call: Call) -> Iterator[NodeObject]:
    if cluster := _cluster(call):
        with cluster.lock:
            nodes = list(cluster.nodes.values())
        yield from (NodeObject(call.host, node) for node in nodes if _named(call, node.name))


@cmdlet("Get-ClusterResource")
def get_resources(call: Call) -> Iterator[ResourceObject]:
    """Those of VMs. A real cluster has others too, which have no VmId."""
    if cluster := _cluster(call):
        found = [ResourceObject(call.host, role) for role in cluster.roles()]
        yield from (one for one in found if _named(call, one.text))


@cmdlet("Get-ClusterParameter")
def get_parameters(call: Call) -> Iterator[ParameterObject]:
    for one in call.objects("InputObject", ResourceObject):
        if _named(call, VM_ID):
            yield ParameterObject(call.host, one.model)


@cmdlet("Get-ClusterSharedVolume")
def get_volumes(call: Call) -> Iterator[SharedVolumeObject]:
    if cluster := _cluster(call):
        yield from (SharedVolumeObject(call.host, one) for one in cluster.volumes if _named(call, one.label))


def _named(call: Call, name: str) -> bool:
    patterns = call.texts("Name")
    return not patterns or any(matching(pattern, name) for pattern in patterns)


def _cluster(call: Call) -> SimulatedCluster | None:
    """The cluster of the host, as of now. None, with an error of the call, where there is none or no right to it."""
    cluster = call.host.cluster
    if cluster is None:
        _fail(call, "ClusterEndpointNotRegistered", Category.ConnectionError, "no-cluster")
    elif not cluster.readable:
        _fail(call, "ClusterAccessDenied", Category.AuthenticationError, "no-cluster-access")
        return None
    else:
        with call.host.moment():
            return cluster
    return None


def _fail(call: Call, error_id: str, category: Category, key: str) -> None:
    error = ShellError(error_id, category, key, exception_type=CLUSTER_EXCEPTION)
    call.write_error(error.data(call.host.spec.language, call.name, call.stage.info.class_name))

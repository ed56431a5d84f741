"""The cmdlets of the module FailoverClusters, as the bot reads them."""

from __future__ import annotations

import pytest

from backends.simulator.fleets.seed import add_clustered_vm, new_cluster
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.fleet import SimulatedHost
from tests.backends.simulator.host_console import Console, command


@pytest.fixture
def nodes(clock: ManualClock) -> list[SimulatedHost]:
    return new_cluster("prod", ("hv01", "hv02"), clock=clock)


def test_every_node_tells_of_all_nodes(nodes: list[SimulatedHost]) -> None:
    assert nodes[0].cluster is not None
    nodes[0].cluster.drain("hv02")
    names = command("Select-Object", Property=("Name", "State", "DrainStatus"))
    assert Console(nodes[0]).json("Get-ClusterNode", names) == [
        {"Name": "HV01", "State": 0, "DrainStatus": 0},
        {"Name": "HV02", "State": 2, "DrainStatus": 2},
    ]


def test_a_vm_is_known_by_the_parameter_of_its_resource(nodes: list[SimulatedHost]) -> None:
    vm = add_clustered_vm(nodes[1], "web01")
    found = Console(nodes[0]).values("Value", "Get-ClusterResource", command("Get-ClusterParameter", Name=("VmId",)))
    assert found == [vm.id]
    shown = Console(nodes[0]).json(
        "Get-ClusterResource",
        command("Get-ClusterParameter", Name=("VmId",)),
        command("Select-Object", Property=("Value",), ExpandProperty="ClusterObject"),
        command("Select-Object", Property=("Value", "State")),
    )
    assert shown == {"Value": vm.id, "State": 2}


def test_shared_volumes_are_shown_with_their_room(nodes: list[SimulatedHost]) -> None:
    expand = command("Select-Object", ExpandProperty="SharedVolumeInfo")
    names = Console(nodes[1]).values("FriendlyVolumeName", "Get-ClusterSharedVolume", expand)
    assert names == ["C:\\ClusterStorage\\Volume1", "C:\\ClusterStorage\\Volume2"]


def test_a_host_that_is_no_node_says_that_the_service_does_not_run(console: Console) -> None:
    error = console.error("Get-ClusterNode")
    assert (error.error_id, error.category) == ("ClusterEndpointNotRegistered", "ConnectionError")
    assert error.command == "Microsoft.FailoverClusters.PowerShell.GetNodeCommand"


def test_an_account_without_the_right_to_the_cluster_is_told_so(nodes: list[SimulatedHost]) -> None:
    assert nodes[0].cluster is not None
    nodes[0].cluster.readable = False
    error = Console(nodes[0]).error("Get-ClusterNode")
    assert error.category == "AuthenticationError"
    assert "administrative privileges" in error.message


def test_a_file_in_use_can_be_read_on_the_node_that_uses_it_alone(nodes: list[SimulatedHost]) -> None:
    vm = add_clustered_vm(nodes[0], "web01")
    read = command("Get-VHD", Path=(str(vm.drives[0].path),))
    assert Console(nodes[0])(read).errors == ()
    assert Console(nodes[1]).error(read).hresult == 0x80070020

"""What a node tells of its cluster, on a plain endpoint and on the bot's own, and why a host tells nothing."""

from __future__ import annotations

import pytest

from backends.base import BackendError, DrainStatus, NodeState, OperationFailed, Refused, unmarked
from backends.hyperv.backend import HyperVBackend
from backends.simulator.fleets.seed import add_clustered_vm, new_cluster, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.storage import GB
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.endpoint import PLAIN_NAME, plain_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession

ENDPOINTS = (PLAIN_NAME, NAME)


@pytest.fixture
def nodes() -> list[SimulatedHost]:
    return new_cluster("prod", ("hv01", "hv02", "hv03"), clock=ManualClock())


def backend_of(
    host: SimulatedHost, endpoint: str = PLAIN_NAME, *, version: int = 4, without: str = ""
) -> HyperVBackend:
    shell = SimulatedPowerShell(host, [plain_configuration(without=without), bot_configuration(version=version)])
    return HyperVBackend(host.name, SimulatedSession(shell, configuration=endpoint), find_endpoint=True)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_node_tells_of_all_nodes_of_the_owner_of_each_vm_and_of_the_shared_volumes(
    nodes: list[SimulatedHost], endpoint: str
) -> None:
    web01, db01 = add_clustered_vm(nodes[0], "web01"), add_clustered_vm(nodes[1], "db01")
    assert nodes[0].cluster is not None
    nodes[0].cluster.die("hv03")
    nodes[0].cluster.drain("hv02")

    seen = backend_of(nodes[0], endpoint).cluster()

    assert [(one.name, one.state, one.takes_changes) for one in seen.nodes] == [
        ("hv01", NodeState.UP, True),
        ("hv02", NodeState.PAUSED, False),
        ("hv03", NodeState.DOWN, False),
    ]
    assert seen.nodes[1].drain is DrainStatus.IN_PROGRESS
    assert seen.owners == {web01.id: "hv01", db01.id: "hv02"}
    assert [(one.path, one.size // GB) for one in seen.volumes] == [
        ("C:\\ClusterStorage\\Volume1\\", 4096),
        ("C:\\ClusterStorage\\Volume2\\", 4096),
    ]


def test_the_bots_own_endpoint_tells_it_in_one_pipeline(nodes: list[SimulatedHost]) -> None:
    backend = backend_of(nodes[0], NAME)
    backend.inventory()
    shell = backend._session._shell  # type: ignore[attr-defined]
    before = shell.log.pipelines
    backend.cluster()
    assert shell.log.pipelines == before + 1


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_host_that_is_no_node_says_so(endpoint: str) -> None:
    with pytest.raises(OperationFailed, match="no node of a cluster") as caught:
        backend_of(new_host("hv09", clock=ManualClock()), endpoint).cluster()
    assert caught.value.unchanged


def test_an_account_without_the_right_is_told_how_to_get_it(nodes: list[SimulatedHost]) -> None:
    assert nodes[0].cluster is not None
    nodes[0].cluster.readable = False
    assert "Grant-ClusterAccess -ReadOnly" in refusal(backend_of(nodes[0], NAME))


def test_a_host_without_the_module_is_told_which_feature_it_lacks(nodes: list[SimulatedHost]) -> None:
    assert "RSAT-Clustering-PowerShell" in refusal(backend_of(nodes[0], without="FailoverClusters"))


def test_an_endpoint_of_an_older_version_is_told_to_be_registered_again(nodes: list[SimulatedHost]) -> None:
    assert "Register-CheckpointBotEndpoint.ps1" in refusal(backend_of(nodes[0], NAME, version=3))


def refusal(backend: HyperVBackend) -> str:
    with pytest.raises(BackendError) as caught:
        backend.cluster()
    assert isinstance(caught.value, Refused)
    return unmarked(caught.value.sentence)

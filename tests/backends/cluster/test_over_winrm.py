"""A cluster of the settings, over WinRM: each node behind a port of its own, found by the name that it has there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from pydantic import SecretStr

from backends.base import Backend
from backends.simulator.fleets.seed import add_clustered_vm, new_cluster
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.endpoint import plain_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from bot.settings import ClusterSettings, NodeSettings
from bot.wiring import hosts_of
from tests.support.headquarters import settings
from tests.support.hosts import ACCOUNT, AT_ONCE, PASSWORD, serve


def test_its_vms_are_found_and_changed_on_whichever_node_they_are(tmp_path: Path) -> None:
    nodes = new_cluster("prod", ("hv01", "hv02"), durations=AT_ONCE)
    vm, cluster = add_clustered_vm(nodes[0], "web01"), nodes[0].cluster
    assert cluster is not None
    with ExitStack() as stack:
        shells = [SimulatedPowerShell(node, [plain_configuration(), bot_configuration()]) for node in nodes]
        ports = [stack.enter_context(serve(shell)).port for shell in shells]
        # The second node has a plain endpoint over plain HTTP, and the first the bot's own.
        backend = _backend(tmp_path, ports)
        stack.callback(backend.close)

        assert [(one.vm.name, one.vm.host, one.vm.node) for one in backend.inventory(disks=True).vms] == [
            ("web01", "prod", "hv01")
        ]
        backend.create(vm.id, "on hv01")
        cluster.move(vm.id, "hv02")
        made = backend.create(vm.id, "on hv02")
        backend.rename(made.id, "renamed")
        cluster.migrate(vm.id, "hv01")
        cluster.die("hv02")
        seen = backend.vm(vm.id)

    assert seen.vm.node == "hv01"
    assert [one.name for one in seen.checkpoints] == ["on hv01", "renamed"]


def _backend(folder: Path, ports: list[int]) -> Backend:
    first, second = (
        NodeSettings(name="hv01", address="127.0.0.1", port=ports[0], configuration_name=NAME),
        NodeSettings(name="hv02", address="127.0.0.1", port=ports[1], auth="basic", allow_unencrypted=True),
    )
    cluster = ClusterSettings(
        name="prod",
        address="127.0.0.1",
        port=ports[0],
        ssl=False,
        username=ACCOUNT,
        password=SecretStr(PASSWORD),
        nodes=(first, second),
    )
    given = settings(folder).model_copy(update={"clusters": (cluster,)})
    return hosts_of(given, folder / "shells")["prod"]

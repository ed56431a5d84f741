"""Fleets ready made: the demo's, random ones of any size, and their way to a file and back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from backends.base import CheckpointType, OperationalStatus, SnapshotType, VMState
from backends.simulator.fleets.demo import demo_cluster, demo_fleet
from backends.simulator.fleets.keeping import load, save
from backends.simulator.fleets.seed import DAY, Past, add_vm, random_fleet
from backends.simulator.model import checkpoints
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import Vss
from backends.simulator.powershell.objects.machines import operational_status
from tests.backends.simulator.host_console import Console, command

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)


@pytest.fixture
def demo() -> list[SimulatedHost]:
    return demo_fleet(NOW, clock=ManualClock(NOW.timestamp()))


def test_the_demo_has_two_hosts_with_about_twenty_vms(demo: list[SimulatedHost]) -> None:
    assert [host.name for host in demo] == ["hv01", "hv02"]
    assert 18 <= sum(len(host.vms) for host in demo) <= 24


def test_the_demo_shows_what_can_happen_to_checkpoints(demo: list[SimulatedHost]) -> None:
    vms = [vm for host in demo for vm in host.all()]
    by_name = {vm.name: vm for vm in vms}
    kept = [one for vm in vms for one in vm.ordered()]

    assert {VMState.RUNNING, VMState.OFF, VMState.SAVED, VMState.PAUSED} <= {vm.state for vm in vms}
    assert by_name["dc01"].checkpoint_type is CheckpointType.PRODUCTION_ONLY
    assert by_name["legacy01"].vss is Vss.FAILING
    assert sum(vm.name == "test01" for vm in vms) == 2
    assert {"lab[1]", "テスト環境"} <= by_name.keys()
    assert {SnapshotType.REPLICA, SnapshotType.RECOVERY, SnapshotType.STANDARD} <= {one.type for one in kept}
    assert any(one.automatic for one in kept)
    assert sum(NOW.timestamp() - one.created > 7 * DAY for one in kept) >= 8


def test_the_demo_ends_at_the_moment_it_is_given(demo: list[SimulatedHost]) -> None:
    assert all(one.created < NOW.timestamp() for host in demo for vm in host.all() for one in vm.ordered())
    later = demo_fleet(NOW)[0]
    assert later.clock() - NOW.timestamp() < 60


def test_the_demo_can_be_worked_with(demo: list[SimulatedHost]) -> None:
    console = Console(demo[0])

    assert console(command("Checkpoint-VM", Name="web01", SnapshotName="before-upgrade")).errors == ()


def test_the_same_seed_gives_the_same_fleet() -> None:
    first, second = (random_fleet(7, 3, 4, 2, clock=ManualClock()) for _ in range(2))
    third = random_fleet(8, 3, 4, 2, clock=ManualClock())

    assert [host.vms for host in first] == [host.vms for host in second]
    assert [host.vms for host in first] != [host.vms for host in third]


def test_a_random_fleet_has_the_size_asked_for_and_whole_chains() -> None:
    hosts = random_fleet(1, 5, 10, 4, clock=ManualClock())

    assert [len(host.vms) for host in hosts] == [10] * 5
    for host in hosts:
        assert len(host.storage) == 10 * 5
        assert all(file.parent is None or host.storage.find(file.parent) for file in host.storage)
        assert all(len(vm.checkpoints) == 4 for vm in host.all())
    ids = [vm.id for host in hosts for vm in host.all()]
    assert len(set(ids)) == 50


def test_a_fleet_comes_back_from_its_file_as_it_was(demo: list[SimulatedHost], tmp_path: Path) -> None:
    path = tmp_path / "state" / "hosts.json"

    save(demo, path)
    restored = load(path, clock=demo[0].clock)

    for before, after in zip(demo, restored, strict=True):
        assert (after.spec, after.durations, after.vms) == (before.spec, before.durations, before.vms)
        assert list(after.storage) == list(before.storage)
        assert after.storage.volumes == before.storage.volumes
        assert Console(after)("Get-VM", "Get-VMSnapshot").output == Console(before)("Get-VM", "Get-VMSnapshot").output


def test_what_was_under_way_goes_on_after_a_restart(host: SimulatedHost, clock: ManualClock, tmp_path: Path) -> None:
    merging = add_vm(host, "web01", past=[Past("a", DAY)])
    host.wait(checkpoints.remove(host, next(iter(merging.checkpoints))), lambda percent: None)
    taking = checkpoints.create(host, add_vm(host, "web02").id, "before")
    path = tmp_path / "hosts.json"

    save([host], path)
    (restored,) = load(path, clock=clock)
    assert operational_status(restored.vm(merging.id))[-1] == OperationalStatus.MERGING_DISKS
    clock.advance(DAY)

    assert operational_status(restored.vm(merging.id)) == (OperationalStatus.OK,)
    assert restored.checkpoint(taking.checkpoint_id)[1].name == "before"


def test_saving_again_replaces_the_file_whole_and_leaves_nothing_beside_it(
    demo: list[SimulatedHost], tmp_path: Path
) -> None:
    path = tmp_path / "hosts.json"

    save(demo, path)
    save(demo[:1], path)

    assert [one.name for one in tmp_path.iterdir()] == ["hosts.json"]
    assert len(load(path)) == 1


def test_a_file_that_is_no_fleet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hosts.json"
    path.write_text('[{"name": "hv01"}]')

    with pytest.raises(ValidationError):
        load(path)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nothing.json")


def test_one_volume_of_the_demo_is_nearly_full(demo: list[SimulatedHost]) -> None:
    shares = {volume.path: volume.free / volume.size for volume in demo[1].storage.volumes}

    assert shares["E:\\"] < 0.1
    assert min(shares["C:\\"], shares["D:\\"]) > 0.2


def test_a_month_without_anybody_looking_leaves_the_demo_alive(tmp_path: Path) -> None:
    clock = ManualClock(NOW.timestamp())
    save(demo_fleet(NOW, clock=clock), tmp_path / "hosts.json")
    clock.advance(30 * DAY)

    restored = load(tmp_path / "hosts.json", clock=clock)

    assert all(vm.state is not VMState.PAUSED_CRITICAL for host in restored for vm in host.all())


def test_a_cluster_is_kept_with_what_its_nodes_share_and_with_what_is_on_its_way(tmp_path: Path) -> None:
    clock = ManualClock()
    nodes = demo_cluster(datetime.fromtimestamp(clock(), UTC), clock=clock)
    cluster = nodes[0].cluster
    assert isinstance(cluster, SimulatedCluster)
    shop = next(vm for vm in nodes[0].all() if vm.name == "shop01")
    cluster.migrate(shop.id, "hv12")
    used = [one.used for one in cluster.volumes]
    save(nodes, tmp_path / "hosts.json")
    again = load(tmp_path / "hosts.json", clock=clock)
    cluster = again[0].cluster
    assert isinstance(cluster, SimulatedCluster)
    assert again[1].cluster is cluster
    assert [one.used for one in cluster.volumes] == used
    assert shop.id in again[0].vms
    clock.advance(120)
    assert cluster.owner(shop.id).name == "hv12"
    assert cluster.owner(shop.id).vms[shop.id].busy_with is None
    cluster.die("hv12")
    save(again, tmp_path / "hosts.json")
    dead = load(tmp_path / "hosts.json", clock=clock)
    clock.advance(120)
    cluster = dead[1].cluster
    assert isinstance(cluster, SimulatedCluster)
    assert cluster.owner(shop.id).name == "hv11"
    assert {vm.name for vm in dead[0].all()} == {"shop01", "shop02", "erp01"}

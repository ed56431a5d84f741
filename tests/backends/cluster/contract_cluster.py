"""What the backend of a cluster promises, wherever its nodes are reached from. A test module gives the fixture `world`
to a class of this."""

from __future__ import annotations

import ntpath
from datetime import UTC, datetime

import pytest

from backends.base import (
    Backend,
    Busy,
    EventLog,
    LogTrouble,
    NotFound,
    Refused,
    UnknownOutcome,
    Unreachable,
    VMState,
    unmarked,
)
from backends.simulator.fleets.seed import DAY, Past, add_clustered_vm, add_vm, new_host
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.powershell.bot_endpoint import bot_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from tests.backends.hyperv.contract_backend import BackendContract
from tests.support.clusters import ClusterWorld

NOBODY = "99999999-9999-9999-9999-999999999999"


class ClusterContract:
    @pytest.fixture
    def vm(self, world: ClusterWorld) -> SimulatedVM:
        return add_clustered_vm(world.nodes["hv01"], "web01", past=[Past("first", DAY)])

    def test_its_inventory_has_the_vms_of_all_nodes_once_and_says_where_they_are(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        add_clustered_vm(world.nodes["hv02"], "db01")
        seen = world.backend().inventory(disks=True)
        assert seen.host == "prod"
        assert [(one.vm.name, one.vm.host, one.vm.node) for one in seen.vms] == [
            ("web01", "prod", "hv01"),
            ("db01", "prod", "hv02"),
        ]
        assert (seen.unreadable, seen.cannot_show, seen.remarks) == ((), (), ())

    def test_shared_volumes_are_counted_once_and_those_of_a_node_have_its_name(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        volumes = world.backend().inventory(disks=True).volumes or ()
        paths = [one.path for one in volumes]
        assert paths.count("C:\\ClusterStorage\\Volume1\\") == 1
        assert [path for path in paths if path.endswith(" D:\\")] == ["hv01 D:\\", "hv02 D:\\", "hv03 D:\\"]

    def test_what_is_wrong_with_a_shared_volume_is_said(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        first, second = world.cluster.volumes
        first.redirected, first.fault, second.fault = True, 1, 4
        assert world.backend().inventory().remarks == (
            "C:\\ClusterStorage\\Volume1 is in redirected access, as it is during a backup: slower than otherwise.",
            "C:\\ClusterStorage\\Volume2 is in maintenance.",
        )

    def test_disks_are_opened_on_the_node_that_uses_them(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        backend = world.backend(entrance="hv03")
        seen = backend.vm(vm.id, disks=True)
        assert seen.disks
        assert seen.unread_disks == ()
        assert [one.path for one in backend.volumes_of(vm.id) or ()] == ["C:\\ClusterStorage\\Volume1\\"]

    def test_a_vm_that_moved_is_found_by_its_guid(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        backend = world.backend()
        assert backend.vm(vm.id).vm.node == "hv01"
        world.cluster.move(vm.id, "hv02")
        assert backend.vm(vm.id).vm.node == "hv02"

    def test_a_vm_that_a_failover_started_elsewhere_is_found(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        backend = world.backend()
        backend.inventory()
        world.cluster.die("hv01")
        seen = backend.vm(vm.id).vm
        assert (seen.node, seen.state) == ("hv02", VMState.RUNNING)

    def test_a_vm_that_is_on_no_node_for_longer_is_not_said_to_be_gone(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        backend = world.backend()
        backend.inventory()
        world.cluster.die("hv01")
        next(iter(world.cluster._moves.values())).ends += 1000
        with pytest.raises(Unreachable, match="on its way"):
            backend.vm(vm.id)
        seen = backend.inventory()
        assert [one.vm.name for one in seen.vms] == ["web01"]
        assert [one.vm_id for one in seen.unreadable] == [vm.id]

    def test_a_vm_that_nobody_has_is_not_found(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        with pytest.raises(NotFound):
            world.backend().vm(NOBODY)

    def test_a_vm_that_only_a_dead_node_may_have_is_not_said_to_be_gone(self, world: ClusterWorld) -> None:
        local = add_vm(world.nodes["hv02"], "local01")
        backend = world.backend()
        assert backend.vm(local.id).vm.node == "hv02"
        world.cluster.die("hv02")
        with pytest.raises(Unreachable):
            backend.vm(local.id)
        seen = backend.inventory()
        assert [one.vm.name for one in seen.vms] == ["local01"]
        assert seen.remarks == ("hv02 is down.",)

    def test_the_vms_of_a_node_that_does_not_answer_stay_as_last_seen_and_that_is_said(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        backend = world.backend(entrance="hv02")
        backend.inventory()
        world.nodes["hv01"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
        seen = backend.inventory()
        assert [one.vm.name for one in seen.vms] == ["web01"]
        assert [one.vm_id for one in seen.unreadable] == [vm.id]
        assert [one.name for one in seen.nodes if "hv01" in one.problem] == ["hv01"]
        assert seen.remarks == ()

    def test_nodes_that_join_are_asked_and_nodes_that_are_gone_are_not(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        backend = world.backend()
        backend.inventory()
        world.add(new_host("hv04", clock=world.clock))
        world.cluster.move(vm.id, "hv04")
        assert backend.inventory().vms[0].vm.node == "hv04"
        world.cluster.evict("hv04")
        world.nodes["hv04"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
        seen = backend.inventory()
        assert seen.vms[0].vm.node == "hv01"
        assert seen.remarks == ()

    def test_a_live_migration_is_waited_for_before_a_change(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        backend = world.backend()
        world.cluster.migrate(vm.id, "hv03")
        backend.create(vm.id, "after it")
        assert world.where(vm.id) == ["hv03"]
        assert [one.name for one in vm.ordered()] == ["first", "after it"]

    def test_a_change_waits_until_the_vm_has_left_a_node_that_drains(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        backend = world.backend()
        world.cluster.drain("hv01")
        backend.create(vm.id, "elsewhere")
        assert world.where(vm.id) == ["hv02"]

    @pytest.mark.parametrize(
        ("event", "why"),
        [
            ("migrate", "web01 waits: it was on its way to another node when I last looked."),
            ("drain", "web01 waits: hv01 is being drained, and it was on it when I last looked."),
        ],
    )
    def test_a_change_that_waits_says_why_as_surely_as_was_seen_and_then_that_it_does_not(
        self, world: ClusterWorld, vm: SimulatedVM, event: str, why: str
    ) -> None:
        backend, told = world.backend(), []
        backend.tell_waits(lambda vm_id, why: told.append((vm_id, unmarked(why))))
        if event == "drain":
            world.cluster.drain("hv01")
        else:
            world.cluster.migrate(vm.id, "hv03")
        backend.create(vm.id, "after it")
        assert told == [(vm.id, f"{why} This goes on when it has settled."), (vm.id, "")]
        told.clear()
        backend.create(vm.id, "at once")
        assert told == []

    def test_a_node_that_is_paused_takes_no_change(self, world: ClusterWorld) -> None:
        local = add_vm(world.nodes["hv01"], "local01")
        world.cluster.drain("hv01")
        with pytest.raises(Busy, match=r"hv01.* is paused") as caught:
            world.backend().create(local.id, "x")
        assert caught.value.unchanged
        assert local.checkpoints == {}

    def test_a_change_that_does_not_find_its_vm_in_the_middle_is_not_sent_again(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        backend = world.backend()
        backend.vm(vm.id)
        world.moments.happens = lambda: world.cluster.move(vm.id, "hv02")
        world.moments.passed.clear()
        backend.create(vm.id, "counted")
        world.moments.at = len(world.moments.passed) - 1 - world.moments.passed[::-1].index("Checkpoint-VM")
        world.moments.passed.clear()
        with pytest.raises(UnknownOutcome):
            backend.create(vm.id, "lost")
        assert [one.name for one in vm.ordered()] == ["first", "counted"]

    def test_a_checkpoint_is_known_by_its_id_without_a_look_before(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        (first,) = vm.ordered()
        world.backend().rename(first.id, "renamed")
        assert first.name == "renamed"
        with pytest.raises(NotFound):
            world.backend().rename(NOBODY, "x")

    def test_the_listed_nodes_do_where_no_endpoint_shows_the_cluster(
        self, world: ClusterWorld, vm: SimulatedVM
    ) -> None:
        world.cluster.readable = False
        with pytest.raises(Refused):
            world.backend().inventory()

        backend = world.backend(listed=("HV01", "hv02", "hv03"))

        seen = backend.inventory()
        assert [one.vm.name for one in seen.vms] == ["web01"]
        assert "Grant-ClusterAccess" in seen.remarks[0]
        world.cluster.move(vm.id, "hv02")
        assert backend.vm(vm.id).vm.node == "hv02"
        backend.create(vm.id, "by hand")
        with pytest.raises(NotFound):
            backend.vm(NOBODY)

    def test_a_node_that_may_not_see_the_cluster_is_told_of_by_what_it_says(self, world: ClusterWorld) -> None:
        assert world.backend().facts().nodes == ("hv01", "hv02", "hv03")
        world.shells["hv02"] = SimulatedPowerShell(world.nodes["hv02"], [bot_configuration(version=3)])
        facts = world.backend().facts()
        assert (facts.nodes, facts.endpoint_version) == (("hv01", "hv03"), 3)
        assert "hv02 tells nothing of the cluster" in facts.remarks[0]

    def test_events_and_facts_are_those_of_the_nodes_that_answer(self, world: ClusterWorld, vm: SimulatedVM) -> None:
        backend = world.backend()
        world.cluster.move(vm.id, "hv02")
        found = backend.events(datetime(2026, 1, 1, tzinfo=UTC))
        assert {one.host for one in found.readings} == {"hv01", "hv02", "hv03"}
        assert vm.id in {guid for event in found.events for guid in event.guids}
        assert backend.facts().endpoint_version == 4
        assert unmarked(backend.host) == "prod"
        folder = ntpath.dirname(str(vm.drives[0].path))
        files = backend.folder_files([folder])
        assert ([file.path for file in files.files], files.unread) == ([vm.drives[0].path], ())
        backend.end_lost_calls()
        backend.close()

    @pytest.mark.parametrize("lost", ["silent", "down"])
    def test_the_logs_of_a_node_that_does_not_answer_are_told_as_not_read(
        self, world: ClusterWorld, vm: SimulatedVM, lost: str
    ) -> None:
        backend = world.backend(entrance="hv02")
        if lost == "down":
            world.cluster.die("hv01")
        else:
            world.nodes["hv01"].faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=None))
        found = backend.events(datetime(2026, 1, 1, tzinfo=UTC))
        unread = {(one.host, one.log, one.trouble) for one in found.readings if one.trouble}
        assert unread == {("hv01", log, LogTrouble.NO_ANSWER) for log in EventLog}


class ClusterAsABackend(BackendContract):
    """What every backend promises, where the host is the only node of a cluster."""

    @pytest.fixture
    def host(self, world: ClusterWorld) -> SimulatedHost:
        return world.nodes["hv01"]

    @pytest.fixture
    def world(self) -> ClusterWorld:
        return ClusterWorld(durations=Durations(scale=0.0), names=("hv01",))

    @pytest.fixture
    def backend(self, world: ClusterWorld) -> Backend:
        return world.backend()

    def test_it_is_called_by_the_hosts_configured_name(self, backend: Backend) -> None:
        assert backend.host == backend.inventory().host == "prod"

    def test_volumes_come_with_the_disks(self, backend: Backend) -> None:
        volumes = backend.inventory(disks=True).volumes or ()
        assert [one.path for one in volumes][-2:] == ["hv01 C:\\", "hv01 D:\\"]

    def test_volumes_that_may_not_be_seen_are_none(self, backend: Backend, host: SimulatedHost) -> None:
        host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Get-CimInstance", code=0x80070005))
        shared = backend.inventory(disks=True).volumes or ()
        assert [one.path for one in shared] == ["C:\\ClusterStorage\\Volume1\\", "C:\\ClusterStorage\\Volume2\\"]

    def test_a_change_whose_answer_is_lost_is_done_once_and_left_for_a_look(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.RESET_BEFORE_ANSWER, cmdlet="New-CheckpointBotCheckpoint"))
        with pytest.raises(UnknownOutcome):
            backend.create(vm.id, "perhaps")
        assert [checkpoint.name for checkpoint in backend.vm(vm.id).checkpoints].count("perhaps") == 1

"""What every `Backend` promises. A test module gives the fixtures `host` and `backend` to a class of this."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from backends.base import (
    Backend,
    Busy,
    CheckpointType,
    Disabled,
    DiskFull,
    NotFound,
    OperationFailed,
    ProductionFailed,
    Refused,
    SnapshotType,
    UnknownOutcome,
    VMState,
)
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM, Vss
from backends.simulator.model.storage import GB

NOBODY = "99999999-9999-9999-9999-999999999999"


class BackendContract:
    @pytest.fixture
    def vm(self, host: SimulatedHost) -> SimulatedVM:
        """A running VM with the checkpoints old, middle and new, one under the other."""
        past = [
            Past("old", 9 * DAY, 5 * GB),
            Past("middle", 4 * DAY, 3 * GB),
            Past("new", DAY, 2 * GB, has_memory=True),
        ]
        return add_vm(host, "web01", checkpoint_type=CheckpointType.STANDARD, past=past)

    # ------------------------------------------------------------ questions

    def test_it_is_called_by_the_hosts_configured_name(self, backend: Backend) -> None:
        assert backend.host == "hv01"
        assert backend.inventory().host == "hv01"

    def test_a_host_without_vms_has_an_empty_inventory(self, backend: Backend) -> None:
        assert backend.inventory(disks=True).vms == ()

    def test_the_inventory_has_every_vm_with_its_checkpoints_oldest_first(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        add_vm(host, "web02", state=VMState.OFF)
        inventory = backend.inventory()
        assert [seen.vm.name for seen in inventory.vms] == ["web01", "web02"]
        web01, web02 = inventory.vms
        assert (web01.vm.id, web01.vm.state) == (vm.id, VMState.RUNNING)
        assert [checkpoint.name for checkpoint in web01.checkpoints] == ["old", "middle", "new"]
        assert [checkpoint.has_memory for checkpoint in web01.checkpoints] == [False, False, True]
        assert (web01.disks, web02.checkpoints, inventory.volumes) == (None, (), None)

    def test_the_tree_is_that_of_the_host(self, backend: Backend, vm: SimulatedVM) -> None:
        seen = backend.inventory().vms[0]
        old, middle, new = seen.checkpoints
        assert (old.parent_id, middle.parent_id, new.parent_id) == (None, old.id, middle.id)
        assert seen.subtree(middle.id) == (middle, new)

    def test_times_are_utc(self, backend: Backend, host: SimulatedHost, vm: SimulatedVM) -> None:
        now = datetime.fromtimestamp(host.clock(), UTC)
        assert abs(backend.inventory().vms[0].checkpoints[0].created - (now - timedelta(days=9))) < timedelta(seconds=1)

    def test_disks_tell_how_much_was_written_since_a_checkpoint(self, backend: Backend, vm: SimulatedVM) -> None:
        for seen in (backend.inventory(disks=True).vms[0], backend.vm(vm.id, disks=True)):
            growth = [round((seen.growth_since(checkpoint.id) or 0) / GB) for checkpoint in seen.checkpoints]
            assert growth == [5, 3, 2]
            assert round((seen.differencing_bytes or 0) / GB) == 10
            assert sum(disk.attached for disk in seen.disks or ()) == 1

    def test_volumes_come_with_the_disks(self, backend: Backend) -> None:
        volumes = backend.inventory(disks=True).volumes
        assert volumes is not None
        assert [volume.path for volume in volumes] == ["C:\\", "D:\\"]
        assert all(0 < volume.free <= volume.size for volume in volumes)

    def test_one_vm_is_seen_with_what_costs_the_host_more(self, backend: Backend, vm: SimulatedVM) -> None:
        seen = backend.vm(vm.id)
        assert seen.vm.current_id == seen.checkpoints[-1].id
        assert seen.vm.memory_assigned == vm.memory
        assert seen.vm.uptime > 0
        assert backend.inventory().vms[0].vm.current_id is None

    def test_two_vms_of_one_name_are_two(self, backend: Backend, host: SimulatedHost) -> None:
        first, second = add_vm(host, "twin"), add_vm(host, "twin")
        assert {seen.vm.id for seen in backend.inventory().vms} == {first.id, second.id}
        backend.create(second.id, "only here")
        assert not first.checkpoints
        assert len(second.checkpoints) == 1

    def test_a_vm_that_is_gone_is_not_found(self, backend: Backend) -> None:
        with pytest.raises(NotFound):
            backend.vm(NOBODY)

    def test_what_others_manage_is_shown_as_theirs(self, backend: Backend, host: SimulatedHost) -> None:
        past = [
            Past("a", 3 * DAY, type=SnapshotType.RECOVERY),
            Past("b", 2 * DAY, automatic=True),
            Past("c", DAY, type=SnapshotType.APP_CONSISTENT_REPLICA),
        ]
        add_vm(host, "web01", past=past)
        managed = [checkpoint.managed_by for checkpoint in backend.inventory().vms[0].checkpoints]
        assert managed == ["a backup", "Hyper-V", "Hyper-V Replica"]

    # ------------------------------------------------------------ create

    def test_create_gives_the_new_checkpoint(self, backend: Backend, vm: SimulatedVM) -> None:
        made = backend.create(vm.id, "before-upgrade")
        assert (made.name, made.vm_id, made.has_memory) == ("before-upgrade", vm.id, True)
        assert made == backend.vm(vm.id).checkpoint(made.id)
        assert backend.vm(vm.id).vm.current_id == made.id

    def test_create_tells_its_progress(self, backend: Backend, vm: SimulatedVM) -> None:
        told: list[int] = []
        backend.create(vm.id, "one", on_progress=told.append)
        assert told[-1] == 100

    def test_a_production_checkpoint_has_no_memory(self, backend: Backend, host: SimulatedHost) -> None:
        vm = add_vm(host, "web01", checkpoint_type=CheckpointType.PRODUCTION)
        assert not backend.create(vm.id, "one").has_memory

    def test_a_production_checkpoint_that_falls_back_is_seen_by_its_memory(
        self, backend: Backend, host: SimulatedHost
    ) -> None:
        vm = add_vm(host, "web01", checkpoint_type=CheckpointType.PRODUCTION, vss=Vss.FAILING)
        assert backend.create(vm.id, "one").has_memory

    def test_production_only_fails_where_others_fall_back(self, backend: Backend, host: SimulatedHost) -> None:
        vm = add_vm(host, "dc01", checkpoint_type=CheckpointType.PRODUCTION_ONLY, vss=Vss.FAILING)
        with pytest.raises(ProductionFailed, match="production checkpoint of dc01"):
            backend.create(vm.id, "one")
        assert not vm.checkpoints

    def test_checkpoints_that_are_switched_off_are_said_to_be_so(self, backend: Backend, host: SimulatedHost) -> None:
        vm = add_vm(host, "web01", checkpoint_type=CheckpointType.DISABLED)
        with pytest.raises(Disabled, match="switched off for web01"):
            backend.create(vm.id, "one")

    def test_the_fifty_first_checkpoint_is_refused_with_the_number(self, backend: Backend, host: SimulatedHost) -> None:
        vm = add_vm(host, "web01", state=VMState.OFF, past=[Past(f"n{n}", 100 * DAY - n) for n in range(50)])
        with pytest.raises(OperationFailed, match="web01 has 50 checkpoints"):
            backend.create(vm.id, "one too many")

    def test_a_full_disk_is_told(self, backend: Backend, host: SimulatedHost, vm: SimulatedVM) -> None:
        host.faults.arm(Fault(FaultKind.DISK_FULL, cmdlet="Checkpoint-VM"))
        with pytest.raises(DiskFull):
            backend.create(vm.id, "one")

    def test_a_checkpoint_that_was_taken_and_not_named_is_an_error_to_look_into(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.NAMING, cmdlet="Checkpoint-VM"))
        with pytest.raises(OperationFailed, match="Look at the VM before you try again"):
            backend.create(vm.id, "one")
        assert len(backend.vm(vm.id).checkpoints) == 4

    def test_create_on_a_vm_that_is_gone_is_not_found(self, backend: Backend) -> None:
        with pytest.raises(NotFound):
            backend.create(NOBODY, "one")

    # ------------------------------------------------------------ apply, start

    def test_apply_puts_the_vm_back_to_the_checkpoint(self, backend: Backend, vm: SimulatedVM) -> None:
        old, middle, _ = backend.vm(vm.id).checkpoints
        backend.apply(middle.id)
        seen = backend.vm(vm.id)
        assert seen.vm.current_id == middle.id
        assert seen.vm.state is VMState.OFF
        assert len(seen.checkpoints) == 3
        backend.start(vm.id)
        assert backend.vm(vm.id).vm.state is VMState.RUNNING
        assert old in seen.checkpoints

    def test_apply_of_a_checkpoint_with_memory_runs_on(self, backend: Backend, vm: SimulatedVM) -> None:
        backend.apply(backend.vm(vm.id).checkpoints[-1].id)
        assert backend.vm(vm.id).vm.state is VMState.RUNNING

    # ------------------------------------------------------------ delete

    def test_delete_removes_one_and_leaves_its_children(self, backend: Backend, vm: SimulatedVM) -> None:
        old, middle, new = backend.vm(vm.id).checkpoints
        backend.delete(middle.id)
        seen = backend.vm(vm.id)
        assert [checkpoint.id for checkpoint in seen.checkpoints] == [old.id, new.id]
        assert seen.checkpoints[1].parent_id == old.id

    def test_delete_of_a_subtree_removes_all_under_it(self, backend: Backend, vm: SimulatedVM) -> None:
        old, middle, _ = backend.vm(vm.id).checkpoints
        backend.delete(middle.id, subtree=True)
        assert [checkpoint.id for checkpoint in backend.vm(vm.id).checkpoints] == [old.id]

    def test_the_merge_goes_on_after_delete_and_is_seen(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.MERGE_STALL, times=None))
        backend.delete(backend.vm(vm.id).checkpoints[1].id)
        assert backend.vm(vm.id).vm.merging
        host.faults.disarm()

    # ------------------------------------------------------------ rename, export, settings

    def test_rename_changes_the_name_and_nothing_else(self, backend: Backend, vm: SimulatedVM) -> None:
        before = backend.vm(vm.id).checkpoints
        backend.rename(before[0].id, "clean install")
        after = backend.vm(vm.id).checkpoints
        assert [checkpoint.name for checkpoint in after] == ["clean install", "middle", "new"]
        assert after[1:] == before[1:]

    def test_export_writes_into_a_folder_of_the_host(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        checkpoint = backend.vm(vm.id).checkpoints[0]
        backend.export(checkpoint.id, "D:\\Exports")
        assert backend.vm(vm.id).checkpoint(checkpoint.id) == checkpoint
        assert any(folder.startswith("D:\\Exports") for folder, _ in host.storage.taken().values())

    @pytest.mark.parametrize(
        "wanted",
        [CheckpointType.STANDARD, CheckpointType.PRODUCTION, CheckpointType.PRODUCTION_ONLY, CheckpointType.DISABLED],
    )
    def test_the_type_of_checkpoint_can_be_set(self, backend: Backend, vm: SimulatedVM, wanted: CheckpointType) -> None:
        backend.configure(vm.id, checkpoint_type=wanted)
        assert backend.vm(vm.id).vm.checkpoint_type is wanted

    def test_automatic_checkpoints_can_be_switched_without_touching_the_type(
        self, backend: Backend, vm: SimulatedVM
    ) -> None:
        for wanted in (True, False):
            backend.configure(vm.id, automatic=wanted)
            seen = backend.vm(vm.id).vm
            assert (seen.automatic_checkpoints, seen.checkpoint_type) == (wanted, CheckpointType.STANDARD)

    def test_settings_of_nothing_change_nothing(self, backend: Backend, vm: SimulatedVM) -> None:
        before = backend.vm(vm.id).vm.checkpoint_type
        backend.configure(vm.id)
        assert backend.vm(vm.id).vm.checkpoint_type is before

    # ------------------------------------------------------------ errors

    def test_a_checkpoint_that_is_gone_is_not_found_by_any_change(self, backend: Backend, vm: SimulatedVM) -> None:
        changes: tuple[Callable[[], None], ...] = (
            lambda: backend.apply(NOBODY),
            lambda: backend.delete(NOBODY),
            lambda: backend.rename(NOBODY, "x"),
            lambda: backend.export(NOBODY, "D:\\Exports"),
            lambda: backend.start(NOBODY),
            lambda: backend.configure(NOBODY, automatic=True),
        )
        for change in changes:
            with pytest.raises(NotFound):
                change()
        assert len(vm.checkpoints) == 3

    def test_an_account_without_the_right_is_refused(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Checkpoint-VM", code=0x80070005))
        with pytest.raises(Refused, match="Hyper-V Administrators"):
            backend.create(vm.id, "one")

    def test_a_file_that_something_else_holds_is_busy(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Remove-VMSnapshot", code=0x80070020))
        with pytest.raises(Busy):
            backend.delete(backend.vm(vm.id).checkpoints[0].id)

    def test_a_failed_scan_of_one_thing_does_not_hide_the_rest(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Get-VHD", code=0x80070002))
        assert [seen.vm.name for seen in backend.inventory(disks=True).vms] == ["web01"]

    def test_volumes_that_may_not_be_seen_are_none(self, backend: Backend, host: SimulatedHost) -> None:
        host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Get-CimInstance", code=0x80070005))
        assert backend.inventory(disks=True).volumes is None

    def test_a_change_whose_answer_is_lost_is_done_once_and_left_for_a_look(
        self, backend: Backend, host: SimulatedHost, vm: SimulatedVM
    ) -> None:
        backend.inventory()
        host.faults.arm(Fault(FaultKind.RESET_BEFORE_ANSWER))
        with pytest.raises(UnknownOutcome):
            backend.create(vm.id, "perhaps")
        assert [checkpoint.name for checkpoint in backend.vm(vm.id).checkpoints].count("perhaps") == 1

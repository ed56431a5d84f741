"""Disks over time: growth of AVHDX files, merges in the background, volumes that fill up."""

from __future__ import annotations

import pytest

from backends.base import OperationalStatus, VMState
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model import checkpoints
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost, move
from backends.simulator.model.host import CRITICAL, Durations
from backends.simulator.model.machines import SimulatedVM
from backends.simulator.model.storage import GB, MB, NEW_DIFFERENCING, DiskFile
from backends.simulator.powershell.objects.machines import operational_status


def leaf(host: SimulatedHost, vm: SimulatedVM) -> DiskFile:
    file = host.storage.find(host.vm(vm.id).drives[0].path or "")
    assert file
    return file


def remove(host: SimulatedHost, vm: SimulatedVM, name: str) -> None:
    checkpoint = next(one for one in vm.checkpoints.values() if one.name == name)
    host.wait(checkpoints.remove(host, checkpoint.id), lambda percent: None)


def test_what_a_running_guest_writes_makes_its_avhdx_grow(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", write_rate=1 * MB, past=[Past("then", DAY, 1 * GB)])

    clock.advance(1000)

    assert leaf(host, vm).file_size == 1 * GB + 1000 * MB


def test_an_avhdx_grows_to_the_size_of_the_disk_and_no_further(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", disks=[10 * GB], write_rate=1 * GB, past=[Past("then", DAY)])

    clock.advance(DAY)

    assert leaf(host, vm).file_size == 10 * GB


@pytest.mark.parametrize("state", [VMState.OFF, VMState.SAVED, VMState.PAUSED])
def test_a_vm_that_does_not_run_writes_nothing(host: SimulatedHost, clock: ManualClock, state: VMState) -> None:
    vm = add_vm(host, "web01", state=state, write_rate=1 * MB, past=[Past("then", DAY, 1 * GB)])

    clock.advance(DAY)

    assert leaf(host, vm).file_size == 1 * GB


def test_without_a_checkpoint_nothing_grows(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", write_rate=1 * MB)

    clock.advance(DAY)

    assert leaf(host, vm).file_size == 30 * GB


def test_a_merge_runs_after_the_removal_and_gives_the_room_back(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY, 10 * GB)])
    avhdx = leaf(host, vm).path
    free = host.storage.volume(avhdx).free

    remove(host, vm, "then")
    assert operational_status(vm) == (OperationalStatus.IN_SERVICE, OperationalStatus.MERGING_DISKS)
    assert leaf(host, vm).path == avhdx

    clock.advance(120)
    assert leaf(host, vm).path.endswith("web01.vhdx")
    assert host.storage.find(avhdx) is None
    assert operational_status(vm) == (OperationalStatus.OK,)
    assert host.storage.volume(avhdx).free > free


def test_a_merge_takes_longer_the_more_there_is_to_merge(clock: ManualClock) -> None:
    lengths = []
    for size in (1 * GB, 100 * GB):
        host = new_host("hv01", clock=clock)
        vm = add_vm(host, "web01", disks=[200 * GB], past=[Past("then", DAY, size)])
        remove(host, vm, "then")
        assert vm.merge
        lengths.append(vm.merge.ends - vm.merge.started)

    assert lengths[1] > 50 * lengths[0]


def test_a_stalled_merge_gets_nowhere_until_it_is_released(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY, 10 * GB)])
    host.faults.arm(Fault(FaultKind.MERGE_STALL, times=None))

    remove(host, vm, "then")
    clock.advance(DAY)
    assert host.vm(vm.id).merge

    host.faults.disarm(FaultKind.MERGE_STALL)
    clock.advance(120)
    assert host.vm(vm.id).merge is None


def test_a_middle_checkpoint_merges_into_what_is_below_it(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 3 * DAY, GB), Past("b", 2 * DAY, GB), Past("c", DAY, GB)])
    a, b, c = vm.ordered()
    below = b.drives[0].path

    remove(host, vm, "b")
    clock.advance(600)
    host.settle()

    assert c.drives[0].path == below
    assert leaf(host, vm).parent == below
    assert a.drives[0].path != below


def test_a_branch_that_nothing_uses_is_deleted_without_a_merge(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 2 * DAY, 3 * GB), Past("b", DAY, 2 * GB)])
    a, b = vm.ordered()
    host.wait(checkpoints.apply(host, a.id), lambda percent: None)
    frozen = b.drives[0].path or ""

    remove(host, vm, "b")

    assert host.storage.find(frozen) is None
    assert vm.merge is None


def test_a_disk_that_several_stand_on_stays(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 3 * DAY, GB), Past("b", DAY, GB)])
    a, b = vm.ordered()
    host.wait(checkpoints.apply(host, a.id), lambda percent: None)

    remove(host, vm, "a")
    clock.advance(DAY)
    host.settle()

    assert host.storage.find(a.drives[0].path or "")
    assert len(host.storage.children(a.drives[0].path or "")) == 2
    assert b.parent_id is None


def test_all_checkpoints_gone_leaves_the_base_disk_alone(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", disks=[20 * GB, 40 * GB], past=[Past(n, DAY, GB) for n in "abc"])
    top = vm.ordered()[0]

    host.wait(checkpoints.remove(host, top.id, subtree=True), lambda percent: None)
    clock.advance(DAY)
    host.settle()

    assert [file.parent for file in host.storage.owned_by(vm.id)] == [None, None]
    assert host.storage.volume(vm.folder).used == sum(file.file_size for file in host.storage)


def test_while_disks_merge_a_checkpoint_may_be_taken_and_none_applied(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 2 * DAY, 40 * GB), Past("b", DAY, 40 * GB)])
    remove(host, vm, "b")

    with pytest.raises(HostError, check=lambda error: error.case is Case.MERGE_PENDING):
        checkpoints.apply(host, vm.ordered()[0].id)
    host.wait(checkpoints.create(host, vm.id, "c"), lambda percent: None)
    clock.advance(DAY)
    host.settle()

    assert [one.name for one in vm.ordered()] == ["a", "c"]
    assert leaf(host, vm).parent == vm.ordered()[1].drives[0].path
    assert host.storage.find(leaf(host, vm).parent or "")


def test_a_volume_that_fills_up_pauses_who_writes_to_it_until_there_is_room(
    host: SimulatedHost, clock: ManualClock
) -> None:
    vm = add_vm(host, "web01", disks=[900 * GB], write_rate=100 * MB, past=[Past("then", DAY)])
    volume = host.storage.volume(vm.folder)
    volume.other = volume.size - volume.used - 5 * GB

    clock.advance(DAY)
    host.settle()
    clock.advance(1)
    assert host.vm(vm.id).state is VMState.PAUSED_CRITICAL
    assert volume.free < CRITICAL + 1

    volume.other -= 50 * GB
    clock.advance(1)
    assert host.vm(vm.id).state is VMState.RUNNING


def test_with_a_scale_of_nought_everything_is_instant(clock: ManualClock) -> None:
    host = new_host("hv01", clock=clock, durations=Durations(scale=0))
    vm = add_vm(host, "web01")
    began = clock()

    for name in ("a", "b"):
        host.wait(checkpoints.create(host, vm.id, name), lambda percent: None)
    remove(host, vm, "a")

    assert clock() == began
    assert vm.merge is None
    assert len(host.storage.owned_by(vm.id)) == 2
    assert leaf(host, vm).file_size == NEW_DIFFERENCING


def test_a_moved_vm_keeps_its_id_its_checkpoints_and_its_files(host: SimulatedHost, clock: ManualClock) -> None:
    other = new_host("hv02", clock=clock)
    vm = add_vm(host, "web01", past=[Past("then", DAY, 3 * GB, has_memory=True)])
    used = host.storage.volume(vm.folder).used

    move(vm.id, host, other)

    with pytest.raises(HostError):
        host.vm(vm.id)
    assert other.vm(vm.id) is vm
    assert leaf(other, vm).file_size == 3 * GB
    assert (host.storage.volume(vm.folder).used, other.storage.volume(vm.folder).used) == (0, used)


def test_a_busy_vm_does_not_move(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01")
    checkpoints.create(host, vm.id, "before")

    with pytest.raises(HostError):
        move(vm.id, host, new_host("hv02", clock=clock))
    assert host.vm(vm.id) is vm

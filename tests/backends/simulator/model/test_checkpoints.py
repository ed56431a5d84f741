"""Checkpoints in the model: taking, applying, removing, renaming, exporting."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType, OperationalStatus, SnapshotType, VMState
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model import checkpoints, power
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.errors import Case, HostError
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import Drive, Job, SimulatedVM, Vss
from backends.simulator.model.storage import GB, MB
from backends.simulator.powershell.objects.machines import operational_status

RUNNING, OFF, SAVED, PAUSED = VMState.RUNNING, VMState.OFF, VMState.SAVED, VMState.PAUSED
PRODUCTION, STANDARD = CheckpointType.PRODUCTION, CheckpointType.STANDARD


def done(host: SimulatedHost, job: Job | None) -> None:
    if job:
        host.wait(job, lambda percent: None)


def take(host: SimulatedHost, vm: SimulatedVM, name: str | None = "before") -> str:
    job = checkpoints.create(host, vm.id, name)
    done(host, job)
    return job.checkpoint_id


def refused(case: Case) -> object:
    return pytest.raises(HostError, check=lambda error: error.case is case)


@pytest.mark.parametrize(
    ("policy", "state", "has_memory"),
    [
        (PRODUCTION, RUNNING, False),
        (STANDARD, RUNNING, True),
        (PRODUCTION, OFF, False),
        (STANDARD, OFF, False),
        (PRODUCTION, PAUSED, True),
        (PRODUCTION, SAVED, True),
        (CheckpointType.PRODUCTION_ONLY, RUNNING, False),
        (CheckpointType.PRODUCTION_ONLY, OFF, False),
    ],
)
def test_a_checkpoint_holds_memory_when_it_is_a_standard_one_of_a_vm_that_is_not_off(
    host: SimulatedHost, policy: CheckpointType, state: VMState, has_memory: bool
) -> None:
    vm = add_vm(host, "web01", checkpoint_type=policy, state=state)

    checkpoint = vm.checkpoints[take(host, vm)]

    assert checkpoint.has_memory is has_memory
    assert vm.state is state


@pytest.mark.parametrize("vss", [Vss.FAILING, Vss.NO_CONTACT, Vss.DISABLED])
def test_production_falls_back_to_standard_in_silence_when_the_guest_cannot(host: SimulatedHost, vss: Vss) -> None:
    vm = add_vm(host, "legacy01", vss=vss)

    assert vm.checkpoints[take(host, vm)].has_memory


@pytest.mark.parametrize("state", [RUNNING, PAUSED, SAVED])
def test_production_only_fails_where_production_would_fall_back(host: SimulatedHost, state: VMState) -> None:
    vm = add_vm(host, "dc01", checkpoint_type=CheckpointType.PRODUCTION_ONLY, vss=Vss.FAILING, state=state)

    with refused(Case.PRODUCTION_FAILED):
        checkpoints.create(host, vm.id, "before")
    assert vm.checkpoints == {}


def test_a_vss_fault_strikes_once_and_the_next_checkpoint_is_a_production_one(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.VSS))

    first, second = take(host, vm, "first"), take(host, vm, "second")

    assert vm.checkpoints[first].has_memory
    assert not vm.checkpoints[second].has_memory


@pytest.mark.parametrize(
    ("before", "has_memory", "after"),
    [
        (RUNNING, True, RUNNING),
        (RUNNING, False, OFF),
        (OFF, True, SAVED),
        (PAUSED, True, SAVED),
        (SAVED, True, SAVED),
        (OFF, False, OFF),
        (PAUSED, False, OFF),
        (SAVED, False, OFF),
    ],
)
def test_applying_leaves_the_vm_in_the_state_of_the_table(
    host: SimulatedHost, before: VMState, has_memory: bool, after: VMState
) -> None:
    vm = add_vm(host, "web01", state=before, past=[Past("then", DAY, has_memory=has_memory)])
    (checkpoint,) = vm.checkpoints

    done(host, checkpoints.apply(host, checkpoint))

    assert vm.state is after
    assert vm.parent_id == checkpoint


def test_each_apply_starts_a_new_disk_over_the_frozen_one_and_drops_the_old(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY, 5 * GB)])
    (checkpoint,) = vm.checkpoints.values()
    seen = [vm.drives[0].path]

    for _ in range(3):
        done(host, checkpoints.apply(host, checkpoint.id))
        seen.append(vm.drives[0].path)

    assert len(set(seen)) == 4
    leaf = host.storage.find(seen[-1] or "")
    assert leaf and leaf.parent == checkpoint.drives[0].path
    assert all(host.storage.find(path or "") is None for path in seen[:-1])


def test_newer_checkpoints_stay_when_an_older_one_is_applied(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("old", 9 * DAY), Past("new", DAY)])
    old, new = vm.ordered()

    done(host, checkpoints.apply(host, old.id))
    branch = take(host, vm, "branch")

    assert {one.id for one in vm.children(old.id)} == {new.id, branch}


def test_a_running_vm_is_saving_while_a_checkpoint_is_applied(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY)])

    checkpoints.apply(host, next(iter(vm.checkpoints)))
    clock.advance(0.1)

    assert host.vm(vm.id).state is VMState.SAVING
    assert operational_status(vm) == (OperationalStatus.IN_SERVICE, OperationalStatus.APPLYING_SNAPSHOT)


def test_an_operation_goes_on_though_nobody_waits_for_it(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01")
    job = checkpoints.create(host, vm.id, "before")

    assert host.vm(vm.id).checkpoints == {}
    clock.advance(60)
    assert list(host.vm(vm.id).checkpoints) == [job.checkpoint_id]


def test_waiting_tells_rising_percentages_up_to_a_hundred(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", checkpoint_type=STANDARD)
    told: list[int] = []

    host.wait(checkpoints.create(host, vm.id, "before"), told.append)

    assert told == sorted(told)
    assert len(told) > 3
    assert told[-1] == 100


def test_a_busy_vm_refuses_further_changes(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY)])
    checkpoint = next(iter(vm.checkpoints))
    checkpoints.create(host, vm.id, "first")

    for change in (
        lambda: checkpoints.create(host, vm.id, "second"),
        lambda: checkpoints.apply(host, checkpoint),
        lambda: checkpoints.remove(host, checkpoint),
        lambda: checkpoints.rename(host, checkpoint, "other"),
        lambda: power.save(host, vm.id),
    ):
        with refused(Case.IN_USE):
            change()


def test_a_vm_that_is_backed_up_refuses_changes(host: SimulatedHost) -> None:
    vm = add_vm(host, "mail01")
    vm.busy_with = OperationalStatus.BACKING_UP

    with refused(Case.IN_USE):
        checkpoints.create(host, vm.id, "before")


def test_a_vm_in_between_two_states_takes_no_checkpoint(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", state=VMState.STARTING)

    with refused(Case.INVALID_STATE):
        checkpoints.create(host, vm.id, "before")


def test_disabled_checkpoints_are_refused(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", checkpoint_type=CheckpointType.DISABLED)

    with refused(Case.DISABLED):
        checkpoints.create(host, vm.id, "before")


def test_the_fifty_first_checkpoint_is_refused(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past(f"p{n}", (60 - n) * DAY, 0) for n in range(50)])

    with refused(Case.LIMIT):
        checkpoints.create(host, vm.id, "one too many")


def test_a_pass_through_disk_allows_no_checkpoint(host: SimulatedHost) -> None:
    vm = add_vm(host, "san01")
    vm.drives.append(Drive(None, location=1, disk_number=3))

    with refused(Case.PASS_THROUGH):
        checkpoints.create(host, vm.id, "before")


def test_an_assigned_device_allows_production_checkpoints_only(host: SimulatedHost) -> None:
    vm = add_vm(host, "gpu01")
    vm.assigned_device = True
    take(host, vm, "production")
    vm.checkpoint_type = STANDARD

    with refused(Case.ASSIGNED_DEVICE):
        checkpoints.create(host, vm.id, "standard")


def test_saved_memory_needs_room_on_the_volume(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", checkpoint_type=STANDARD, memory=8 * GB)
    volume = host.storage.volume(vm.folder)
    volume.other = volume.size - volume.used - 6 * GB

    with refused(Case.DISK_FULL):
        checkpoints.create(host, vm.id, "too big")
    vm.checkpoint_type = PRODUCTION
    take(host, vm, "small enough")


def test_a_full_disk_can_be_armed_for_one_cmdlet(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("then", DAY)])
    host.faults.arm(Fault(FaultKind.DISK_FULL, cmdlet="Restore-VMSnapshot"))

    take(host, vm)
    with refused(Case.DISK_FULL):
        checkpoints.apply(host, next(iter(vm.checkpoints)))


@pytest.mark.parametrize("name", ["", "x" * 101])
def test_a_name_has_one_to_a_hundred_characters(host: SimulatedHost, name: str) -> None:
    vm = add_vm(host, "web01")
    checkpoint = take(host, vm, "x" * 100)

    with refused(Case.NAME_TOO_LONG):
        checkpoints.create(host, vm.id, name)
    with refused(Case.NAME_TOO_LONG):
        checkpoints.rename(host, checkpoint, name)


def test_two_checkpoints_of_one_vm_may_have_one_name(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")

    assert take(host, vm, "same") != take(host, vm, "same")


def test_removing_a_checkpoint_hangs_its_children_on_its_parent(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 3 * DAY), Past("b", 2 * DAY), Past("c", DAY)])
    a, b, c = vm.ordered()

    done(host, checkpoints.remove(host, b.id))

    assert c.parent_id == a.id
    assert list(vm.checkpoints) == [a.id, c.id]


def test_removing_a_subtree_takes_all_under_it(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 3 * DAY), Past("b", 2 * DAY), Past("c", DAY)])
    a, b, _ = vm.ordered()

    done(host, checkpoints.remove(host, b.id, subtree=True))

    assert list(vm.checkpoints) == [a.id]
    assert vm.parent_id == a.id


def test_a_checkpoint_whose_disk_is_gone_cannot_be_removed(host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", DAY)])
    (checkpoint,) = vm.checkpoints.values()
    host.storage.remove(checkpoint.drives[0].path or "")

    with refused(Case.FILE_MISSING):
        checkpoints.remove(host, checkpoint.id)


def test_an_export_takes_room_and_time_by_its_size_and_is_not_made_twice(
    host: SimulatedHost, clock: ManualClock
) -> None:
    vm = add_vm(host, "web01", past=[Past("a", DAY)])
    checkpoint = next(iter(vm.checkpoints))
    free, began = host.storage.volume("C:\\").free, clock()

    done(host, checkpoints.export(host, checkpoint, "C:\\exports"))

    assert free - host.storage.volume("C:\\").free == 30 * GB
    assert clock() - began == pytest.approx(30 * GB / (500 * MB), rel=0.01)
    with refused(Case.FILE_EXISTS):
        checkpoints.export(host, checkpoint, "C:\\exports")


def test_a_vm_that_starts_gets_an_automatic_checkpoint_and_loses_it_when_it_stops(host: SimulatedHost) -> None:
    vm = add_vm(host, "desktop07", state=OFF)
    vm.automatic_checkpoints = True

    done(host, power.start(host, vm.id))
    (checkpoint,) = vm.checkpoints.values()
    done(host, power.stop(host, vm.id))

    assert checkpoint.automatic
    assert checkpoint.type is SnapshotType.STANDARD
    assert vm.checkpoints == {}


def test_the_clock_of_a_host_may_be_wrong(host: SimulatedHost, clock: ManualClock) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.CLOCK_SKEW, times=None, seconds=-3600))
    began = clock()

    checkpoint = vm.checkpoints[take(host, vm)]

    assert checkpoint.created == began - 3600

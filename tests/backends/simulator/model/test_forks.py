"""Checkpoints that fail half-way, merges that do not get to their end, and what the logs say of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from backends.base import EventLog, VMState
from backends.simulator.fleets import keeping
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model import checkpoints, power
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost, move
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import Job, SimulatedVM
from backends.simulator.model.storage import GB, MB


@pytest.fixture
def host(clock: ManualClock) -> SimulatedHost:
    return new_host("hv01", clock=clock, durations=Durations(scale=0))


@pytest.fixture
def vm(host: SimulatedHost) -> SimulatedVM:
    return add_vm(host, "web01", write_rate=1 * MB, past=[Past("old", DAY, 1 * GB)])


def done(host: SimulatedHost, job: Job | None) -> None:
    if job:
        host.wait(job, lambda percent: None)


def fork(host: SimulatedHost, vm: SimulatedVM) -> None:
    host.faults.arm(Fault(FaultKind.FORK))
    done(host, checkpoints.create(host, vm.id, "half-way"))


def told(host: SimulatedHost, log: EventLog = EventLog.VMMS) -> list[int]:
    return [event.id for event in host.logs[log].events[1:]]


def test_a_fork_that_is_not_committed_leaves_the_configuration_as_it_was(
    host: SimulatedHost, vm: SimulatedVM, clock: ManualClock
) -> None:
    before = list(vm.drives)
    fork(host, vm)
    clock.advance(100)
    (drive,) = host.vm(vm.id).forked
    file = host.storage.find(drive.path or "")
    assert vm.drives == before
    assert [one.name for one in vm.ordered()] == ["old"]
    assert file is not None
    assert (file.parent, file.file_size >= 100 * MB) == (before[0].path, True)
    assert (vm.lost, told(host, EventLog.WORKER), told(host)) == ("", [3216], [18012])


Act = Callable[[SimulatedHost, SimulatedVM], None]


def restart(host: SimulatedHost, vm: SimulatedVM) -> None:
    done(host, power.stop(host, vm.id))
    done(host, power.start(host, vm.id))


def migrate(host: SimulatedHost, vm: SimulatedVM) -> None:
    move(vm.id, host, new_host("hv02", clock=host.clock))


def apply(host: SimulatedHost, vm: SimulatedVM) -> None:
    done(host, checkpoints.apply(host, vm.ordered()[0].id))


def delete(host: SimulatedHost, vm: SimulatedVM) -> None:
    done(host, checkpoints.remove(host, vm.ordered()[0].id))


def take_another(host: SimulatedHost, vm: SimulatedVM) -> None:
    done(host, checkpoints.create(host, vm.id, "another"))


@pytest.mark.parametrize("act", [restart, migrate, apply, delete, take_another])
def test_whatever_opens_the_chain_anew_loses_what_was_written_since(
    host: SimulatedHost, vm: SimulatedVM, act: Act
) -> None:
    fork(host, vm)
    lost = vm.forked[0].path or ""
    act(host, vm)
    assert vm.lost
    assert vm.forked == []
    orphan = host.storage.find(lost)
    assert orphan is not None
    assert orphan.owner == ""


def test_a_vm_that_runs_on_or_is_only_looked_at_loses_nothing(host: SimulatedHost, vm: SimulatedVM) -> None:
    fork(host, vm)
    checkpoints.rename(host, vm.ordered()[0].id, "renamed")
    done(host, power.stop(host, vm.id))
    assert (vm.lost, vm.state) == ("", VMState.OFF)


def test_a_vm_that_is_off_has_nothing_that_could_be_forked(host: SimulatedHost, vm: SimulatedVM) -> None:
    done(host, power.stop(host, vm.id))
    fork(host, vm)
    assert (vm.forked, len(vm.checkpoints)) == ([], 2)


def test_an_ordinary_merge_is_begun_and_done_in_the_log(host: SimulatedHost, vm: SimulatedVM) -> None:
    delete(host, vm)
    assert told(host) == [19070, 19080]


def test_a_merge_that_is_refused_leaves_its_files_and_says_why(host: SimulatedHost, vm: SimulatedVM) -> None:
    host.faults.arm(Fault(FaultKind.MERGE_REFUSED, code=0x80070299))
    delete(host, vm)
    assert told(host) == [19070, 19100]
    assert "0x80070299" in host.logs[EventLog.VMMS].events[-1].values
    assert (vm.merge, len(host.storage.owned_by(vm.id))) == (None, 2)


def test_a_merge_that_is_interrupted_begins_again_by_itself(
    host: SimulatedHost, vm: SimulatedVM, clock: ManualClock
) -> None:
    host.faults.arm(Fault(FaultKind.MERGE_INTERRUPTED))
    delete(host, vm)
    clock.advance(60)
    host.all()
    assert told(host) == [19070, 19090, 19080]
    assert len(host.storage.owned_by(vm.id)) == 1


def test_merges_that_are_switched_off_are_not_begun_and_nothing_tells_of_it(
    host: SimulatedHost, vm: SimulatedVM
) -> None:
    host.faults.arm(Fault(FaultKind.MERGE_OFF, times=None))
    delete(host, vm)
    assert (told(host), vm.merge, len(host.storage.owned_by(vm.id))) == ([], None, 2)


def test_a_vm_that_arrives_on_another_host_is_in_its_log(host: SimulatedHost, vm: SimulatedVM) -> None:
    other = new_host("hv02", clock=host.clock)
    move(vm.id, host, other)
    assert told(other) == [20415]


def test_a_log_holds_so_many_events_and_forgets_the_oldest(host: SimulatedHost, vm: SimulatedVM) -> None:
    log = host.logs[EventLog.VMMS]
    for _ in range(log.most + 5):
        host.tell(EventLog.VMMS, 18012, vm, at=host.clock())
    assert (len(log.events), log.events[0].number) == (log.most, 7)


def test_logs_and_forks_come_back_from_the_file(host: SimulatedHost, vm: SimulatedVM, tmp_path: Path) -> None:
    fork(host, vm)
    keeping.save([host], tmp_path / "hosts.json")
    (again,) = keeping.load(tmp_path / "hosts.json", clock=host.clock)
    assert again.vm(vm.id).forked == vm.forked
    assert again.logs == host.logs

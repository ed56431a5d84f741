"""The in-process session: results, deadlines, and the faults of a wire that is not there."""

from __future__ import annotations

from threading import Thread

import pytest

from backends.base import AuthenticationFailed, BackendError, TimedOut, UnknownOutcome, Unreachable
from backends.remoting import Cmdlet
from backends.simulator.fleets.seed import add_vm, new_host
from backends.simulator.model.clock import SystemClock
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from tests.backends.simulator.host_console import Console, command

GET = (Cmdlet("Get-VM"),)
TAKE = (Cmdlet("Get-VM"), Cmdlet("Checkpoint-VM", {"SnapshotName": "before"}))


def test_progress_is_told_while_the_call_runs(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")
    told: list[int] = []

    result = console.session.invoke(TAKE, deadline=20, change=True, on_progress=told.append)

    assert tuple(told) == result.progress
    assert told[-1] == 100


def test_a_read_of_a_host_that_hangs_times_out(console: Console, host: SimulatedHost) -> None:
    host.faults.arm(Fault(FaultKind.HANG))

    with pytest.raises(TimedOut):
        console.session.invoke(GET, deadline=0.05)
    host.faults.release()


def test_a_change_of_a_host_that_hangs_has_an_unknown_outcome_and_is_not_sent_again(
    console: Console, host: SimulatedHost
) -> None:
    add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.HANG, cmdlet="Checkpoint-VM"))

    with pytest.raises(UnknownOutcome):
        console.session.invoke(TAKE, deadline=0.05, change=True)
    host.faults.release()
    assert len(console.shell.log.seen("Checkpoint-VM")) == 1


def test_hyper_v_finishes_what_the_client_no_longer_waits_for() -> None:
    host = new_host("hv01", clock=SystemClock(), durations=Durations(create=0.15))
    vm = add_vm(host, "web01")
    session = SimulatedSession(SimulatedPowerShell(host))

    with pytest.raises(UnknownOutcome):
        session.invoke(TAKE, deadline=0.05, change=True)
    while not host.vm(vm.id).checkpoints:
        host.clock.sleep(0.01)


@pytest.mark.parametrize("kind", [FaultKind.RESET_BEFORE_ANSWER, FaultKind.RESET_RECEIVE])
def test_a_lost_answer_is_asked_for_again_only_when_it_was_a_read(
    console: Console, host: SimulatedHost, kind: FaultKind
) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(kind))
    assert console.session.invoke(GET, deadline=5).output
    assert console.shell.log.pipelines == 2

    host.faults.arm(Fault(kind))
    with pytest.raises(UnknownOutcome):
        console.session.invoke(TAKE, deadline=5, change=True)
    assert len(vm.checkpoints) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.REFUSE_CONNECTION), Unreachable),
        (Fault(FaultKind.HTTP_STATUS, code=401), AuthenticationFailed),
        (Fault(FaultKind.HTTP_STATUS, code=500), Unreachable),
        (Fault(FaultKind.WSMAN_FAULT, code=2150858843), Unreachable),
        (Fault(FaultKind.SLOW_SHELL, seconds=5), Unreachable),
    ],
)
def test_a_request_that_does_not_arrive_changes_nothing(
    console: Console, host: SimulatedHost, fault: Fault, error: type[BackendError]
) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(fault)

    with pytest.raises(error) as caught:
        console.session.invoke(TAKE, deadline=0.05, change=True)

    assert vm.checkpoints == {}
    assert caught.value.unchanged


def test_an_endpoint_that_is_not_registered_cannot_be_reached(host: SimulatedHost) -> None:
    with pytest.raises(Unreachable):
        Console(host, configuration="Nope")("Get-VM")


def test_a_terminating_error_stands_with_the_others(console: Console) -> None:
    result = console("Get-Nonsense")

    assert (result.terminated, [one.error_id for one in result.errors]) == (True, ["CommandNotFoundException"])


def test_many_threads_take_checkpoints_of_many_vms_at_once(host: SimulatedHost) -> None:
    shell = SimulatedPowerShell(host)
    vms = [add_vm(host, f"web{number:02}") for number in range(12)]

    def work(vm_id: str) -> None:
        console = Console(host, shell)
        assert console(command("Get-VM", Id=vm_id), command("Checkpoint-VM", SnapshotName="a")).errors == ()
        assert len(console("Get-VM", "Get-VMSnapshot").output) >= 1

    threads = [Thread(target=work, args=(vm.id,)) for vm in vms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(vm.checkpoints) for vm in vms] == [1] * 12
    assert shell.log.pipelines == 24


def test_the_log_keeps_when_and_with_what_a_command_ran(host: SimulatedHost) -> None:
    shell = SimulatedPowerShell(host, timer=iter(range(100)).__next__)
    add_vm(host, "web01")

    Console(host, shell)("Get-VM", command("Checkpoint-VM", SnapshotName="before"))

    assert [(one.at, one.command) for one in shell.log.seen()] == [(0, "Get-VM"), (1, "Checkpoint-VM")]
    assert shell.log.seen("checkpoint-vm")[0].parameters["SnapshotName"] == "before"

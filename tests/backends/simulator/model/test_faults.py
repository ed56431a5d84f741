"""Faults: armed while a host runs, counted, and taken where they strike."""

from __future__ import annotations

from threading import Event, Thread

from backends.simulator.model.faults import Fault, FaultKind, Faults


def test_a_fault_strikes_as_often_as_it_was_armed_for() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.VSS, times=2))

    assert faults.take(FaultKind.VSS) == Fault(FaultKind.VSS, times=2)
    assert faults.take(FaultKind.VSS) == Fault(FaultKind.VSS, times=1)
    assert faults.take(FaultKind.VSS) is None


def test_a_fault_without_times_strikes_until_it_is_disarmed() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.LATENCY, times=None, seconds=0.02))

    assert all(faults.take(FaultKind.LATENCY) for _ in range(5))
    faults.disarm(FaultKind.LATENCY)
    assert faults.take(FaultKind.LATENCY) is None


def test_a_fault_that_names_a_cmdlet_leaves_others_alone() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.SLOW, cmdlet="Get-VM"))

    assert faults.take(FaultKind.SLOW, "Get-VMSnapshot") is None
    assert faults.take(FaultKind.SLOW) is None
    assert faults.take(FaultKind.SLOW, "get-vm") is not None


def test_a_fault_that_names_no_cmdlet_is_passed_over_where_it_has_struck_already() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.LATENCY))
    faults.arm(Fault(FaultKind.LATENCY, cmdlet="Get-VM"))

    assert faults.take_named(FaultKind.LATENCY, "Get-VMSnapshot") is None
    assert faults.take_named(FaultKind.LATENCY, "get-vm") == Fault(FaultKind.LATENCY, cmdlet="Get-VM")
    assert faults.take_named(FaultKind.LATENCY, "Get-VM") is None
    assert faults.take(FaultKind.LATENCY) is not None


def test_looking_at_a_fault_does_not_count_it() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.MERGE_STALL))

    assert faults.armed(FaultKind.MERGE_STALL)
    assert faults.armed(FaultKind.MERGE_STALL)


def test_disarming_without_a_kind_takes_back_all() -> None:
    faults = Faults()
    faults.arm(Fault(FaultKind.VSS))
    faults.arm(Fault(FaultKind.HTTP_STATUS, code=500))

    faults.disarm()

    assert faults.take(FaultKind.VSS) is None
    assert faults.take(FaultKind.HTTP_STATUS) is None


def test_what_hangs_goes_on_when_released() -> None:
    faults = Faults()
    hanging = Thread(target=faults.hang, args=(Fault(FaultKind.HANG), Event()))
    hanging.start()
    while hanging.is_alive():
        faults.release()
        hanging.join(0.01)


def test_what_hangs_goes_on_after_its_time_or_when_stopped() -> None:
    stopped = Event()
    stopped.set()

    Faults().hang(Fault(FaultKind.HANG, seconds=0.01), Event())
    Faults().hang(Fault(FaultKind.HANG), stopped)

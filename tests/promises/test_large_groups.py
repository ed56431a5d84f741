"""A group is one card and one message, however many VMs it has and whatever becomes of each."""

from __future__ import annotations

from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.machines import SimulatedVM
from tests.promises.asking import asked, refused, types, wait
from tests.support.office import Office

OLD = Past("before-upgrade", 3 * DAY)
NAMES = ["grp [1]", "grp Müller", "grp <!channel>", "grp a*b"]
WHOLE_WAY = ["requested", "awaiting", "queued", "running"]


def test_a_group_in_which_one_fails_tells_of_each_and_undoes_the_rest(office: Office) -> None:
    office.ask("ada", "/checkpoint list")
    vms = [add_vm(office.host("hv01"), name, past=[OLD]) for name in NAMES]
    vms += [add_vm(host, "grp twin", past=[OLD]) for host in office.hosts.values()]
    office.clock.forward(seconds=10)
    change = types(office, "ada", 'apply "grp *" before-upgrade')
    change.asks("confirm")
    office.host("hv01").faults.arm(Fault(FaultKind.CMDLET_ERROR, "Restore-VMSnapshot"))

    change.press("ada", "confirm")

    result = change.ends(*WHOLE_WAY, "failed")
    failed = the_one_that_failed(vms)
    assert f"{len(vms) - 1} succeeded" in result.seen
    assert f"{failed.name} was not put back to before-upgrade" in result.seen
    for twin in ("grp twin on hv01: ", "grp twin on hv02: "):
        assert twin in result.seen

    undo = asked(office, lambda: change.press("ada", "undo"))
    undo.asks("confirm")
    undo.press("ada", "confirm")

    undo.ends(*WHOLE_WAY, "succeeded")
    assert all(is_undone(vm) for vm in vms if vm is not failed)


def the_one_that_failed(vms: list[SimulatedVM]) -> SimulatedVM:
    """All others are back at their old checkpoint, and have a new one."""
    (failed,) = (vm for vm in vms if not (vm.parent_id == vm.ordered()[0].id and len(vm.ordered()) == 2))
    return failed


def is_undone(vm: SimulatedVM) -> bool:
    return vm.parent_id == vm.ordered()[1].id


def test_a_group_of_which_one_vm_has_begun_cannot_be_cut_off(office: Office) -> None:
    office.add_vm("half 1")
    office.add_vm("half 2")
    faults = office.host("hv01").faults
    faults.arm(Fault(FaultKind.HANG, "Checkpoint-VM"))
    try:
        first = types(office, "ada", '"half 1" first')
        wait(office, lambda: first.row.state == "running")
        group = types(office, "ada", '"half 1,half 2" both')
        wait(office, lambda: "1 of 2 done" in group.message.seen)
        answer = refused(office, "ada", lambda: group.press("ada", "cancel"))
    finally:
        faults.disarm(FaultKind.HANG)
        faults.release()

    assert "cannot be cut off" in answer
    group.ends("requested", "queued", "running", "succeeded")
    assert office.checkpoints("half 1") == ["first", "both"]
    assert office.checkpoints("half 2") == ["both"]

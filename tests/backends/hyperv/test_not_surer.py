"""A backend is only as sure as its look: what a host does not show is not gone, empty, merged or unchanged."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import (
    Backend,
    Checkpoint,
    CheckpointType,
    Disk,
    NotFound,
    NotReady,
    OperationFailed,
    Part,
    ReplicationMode,
    SnapshotType,
    UnknownOutcome,
    UnreadDisk,
    VMInventory,
    VMState,
)
from backends.hyperv import errors
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.records import EPOCH
from backends.remoting import ErrorRecord, Pipeline, Result
from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.enums import ReplicationState
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration, role_modules
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from tests.backends.hyperv.hosts import WAYS, instant_host, powershell

COMMANDS = "Microsoft.HyperV.PowerShell.Commands"
NOBODY = "99999999-9999-9999-9999-999999999999"


@pytest.fixture
def host() -> SimulatedHost:
    host = instant_host()
    add_vm(host, "web01", past=[Past("old", 2 * DAY), Past("new", DAY)], checkpoint_type=CheckpointType.STANDARD)
    add_vm(host, "web02", past=[Past("one", DAY)])
    return host


@pytest.fixture(params=["in process", "in process, JEA"])
def backend(request: pytest.FixtureRequest, host: SimulatedHost) -> Iterator[Backend]:
    with WAYS[request.param](powershell(host)) as backend:
        yield backend


def _down(host: SimulatedHost, times: int | None = None) -> None:
    host.faults.arm(Fault(FaultKind.SERVICE_DOWN, times=times))


# ---------------------------------------------------------------- a host whose service is not up


def test_a_host_that_finds_no_object_at_all_is_not_ready_and_names_both_causes(
    backend: Backend, host: SimulatedHost
) -> None:
    _down(host)
    with pytest.raises(NotReady, match=r"service .* down or just starting, or the bot's account has no right"):
        backend.inventory()


def test_a_vm_that_such_a_host_does_not_find_is_not_gone(backend: Backend, host: SimulatedHost) -> None:
    vm = next(iter(host.vms))
    _down(host)
    with pytest.raises(NotReady):
        backend.vm(vm)
    host.faults.disarm()
    assert backend.vm(vm).vm.id == vm


def test_a_vm_is_gone_when_the_host_shows_others_and_not_it(backend: Backend) -> None:
    with pytest.raises(NotFound):
        backend.vm(NOBODY)


def test_a_host_that_comes_up_between_two_looks_is_looked_at_again(backend: Backend, host: SimulatedHost) -> None:
    vm = next(iter(host.vms))
    _down(host, times=1)
    assert backend.vm(vm).vm.id == vm


@pytest.mark.parametrize("change", ["create", "apply", "delete", "rename", "start"])
def test_a_change_that_such_a_host_does_not_begin_is_not_ready_and_changed_nothing(
    backend: Backend, host: SimulatedHost, change: str
) -> None:
    vm = next(iter(host.vms.values()))
    checkpoint = next(iter(vm.checkpoints))
    _down(host)
    calls = {
        "create": lambda: backend.create(vm.id, "x"),
        "apply": lambda: backend.apply(checkpoint),
        "delete": lambda: backend.delete(checkpoint),
        "rename": lambda: backend.rename(checkpoint, "x"),
        "start": lambda: backend.start(vm.id),
    }
    with pytest.raises(NotReady) as caught:
        calls[change]()
    assert caught.value.unchanged
    assert len(vm.checkpoints) == 2


def test_a_change_of_a_checkpoint_that_is_gone_from_a_host_that_is_up_is_not_found(backend: Backend) -> None:
    with pytest.raises(NotFound):
        backend.delete(NOBODY)


# ---------------------------------------------------------------- what is known to be unchanged


@pytest.mark.parametrize(
    ("record", "whole", "unchanged"),
    [
        (ErrorRecord("AccessDenied", "PermissionDenied", "…", f"{COMMANDS}.CheckpointVM"), True, True),
        (ErrorRecord("AccessDenied", "PermissionDenied", "…", f"{COMMANDS}.RestoreVMSnapshot"), False, False),
        (ErrorRecord("AccessDenied", "PermissionDenied", "…", f"{COMMANDS}.GetVMSnapshot"), False, True),
        (ErrorRecord("OperationFailed", "NotSpecified", "… (0x80070005)", f"{COMMANDS}.ExportVMSnapshot"), True, False),
        (ErrorRecord("OperationFailed", "NotSpecified", "…", f"{COMMANDS}.CheckpointVM"), True, False),
        (ErrorRecord("OperationFailed", "NotSpecified", "… (0x80070070)", f"{COMMANDS}.CheckpointVM"), True, False),
        (ErrorRecord("ObjectInUse", "ResourceBusy", "…", f"{COMMANDS}.RemoveVMSnapshot"), True, True),
        (ErrorRecord("OperationFailed", "NotSpecified", "… (0x80070020)", f"{COMMANDS}.RemoveVMSnapshot"), True, False),
        (ErrorRecord("CommandNotFoundException", "ObjectNotFound", "…"), False, True),
        (
            ErrorRecord("ParameterArgumentValidationError", "InvalidData", "…", "New-CheckpointBotCheckpoint"),
            True,
            True,
        ),
    ],
)
def test_an_error_knows_whether_anything_was_changed(record: ErrorRecord, whole: bool, unchanged: bool) -> None:
    assert errors.error_for(record, "hv01", change=True, whole=whole).unchanged is unchanged
    assert errors.error_for(record, "hv01", change=False).unchanged


def test_an_object_that_goes_away_under_a_change_leaves_the_outcome_open() -> None:
    record = ErrorRecord("ObjectNotFound", "ObjectNotFound", "…", f"{COMMANDS}.RestoreVMSnapshot")
    assert type(errors.error_for(record, "hv01", change=True)) is UnknownOutcome


# ---------------------------------------------------------------- part of a host that cannot be read


def test_one_disk_file_that_is_refused_leaves_the_others_known(backend: Backend, host: SimulatedHost) -> None:
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VHD", code=0x80070005))
    inventory = backend.inventory(disks=True)
    unknown = [seen for seen in inventory.vms if seen.differencing_bytes is None]
    assert len(unknown) == 1
    (lost,) = inventory.unreadable
    assert (lost.part, lost.vm_id, lost.path) == (Part.DISKS, unknown[0].vm.id, unknown[0].unread_disks[0].path)
    assert not [one for one in inventory.cannot_show if one.part is Part.DISKS]
    assert lost.refused


def test_one_disk_file_that_is_held_is_no_refusal(backend: Backend, host: SimulatedHost) -> None:
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VHD", code=0x80070020))
    (lost,) = backend.inventory(disks=True).unreadable
    assert "0x80070020" in lost.cause
    assert not lost.refused


def test_checkpoints_of_one_vm_that_cannot_be_read_are_said_to_be_unread(backend: Backend, host: SimulatedHost) -> None:
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VMSnapshot", code=0x80041001))
    inventory = backend.inventory()
    web01, web02 = inventory.vms
    assert (web01.checkpoints_known, web02.checkpoints_known) == (False, True)
    assert [one.part for one in inventory.unreadable] == [Part.CHECKPOINTS]


def test_a_vm_whose_drives_cannot_be_read_has_no_known_disks(backend: Backend, host: SimulatedHost) -> None:
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VMHardDiskDrive", code=0x80041001, times=2))
    inventory = backend.inventory(disks=True)
    assert [seen.vm.name for seen in inventory.vms if seen.differencing_bytes is None] == ["web01", "web02"]
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Get-VMHardDiskDrive", code=0x80041001))
    inventory = backend.inventory(disks=True)
    assert [seen.vm.name for seen in inventory.vms if seen.differencing_bytes is None] == ["web01"]
    assert Part.DISKS in {one.part for one in inventory.unreadable}


def test_what_an_endpoint_cannot_show_is_a_field(host: SimulatedHost) -> None:
    """The role of a JEA endpoint that does not import CimCmdlets: nothing loads it there."""
    modules = [one for one in role_modules() if one != "CimCmdlets"]
    shell = SimulatedPowerShell(host, [bot_configuration(modules=modules)])
    backend = HyperVBackend("hv01", SimulatedSession(shell, configuration=NAME), find_endpoint=True)
    inventory = backend.inventory(disks=True)
    assert inventory.volumes is None
    assert [one.part for one in inventory.cannot_show] == [Part.VOLUMES]
    assert all(seen.disks for seen in inventory.vms)


def test_the_endpoint_has_what_its_role_imports_and_shows_volumes(backend: Backend) -> None:
    inventory = backend.inventory(disks=True)
    assert (inventory.cannot_show, inventory.unreadable) == ((), ())
    assert inventory.volumes


# ---------------------------------------------------------------- replicas


@pytest.mark.parametrize(
    ("mode", "replica"),
    [
        (ReplicationMode.PRIMARY, False),
        (ReplicationMode.REPLICA, True),
        (ReplicationMode.EXTENDED_REPLICA, True),
    ],
)
def test_a_replica_is_told_from_the_vm_that_it_copies(
    backend: Backend, host: SimulatedHost, mode: ReplicationMode, replica: bool
) -> None:
    vm = add_vm(host, "copied", state=VMState.OFF)
    vm.replication, vm.replication_mode = ReplicationState.REPLICATING, mode
    for seen in (backend.vm(vm.id), next(one for one in backend.inventory().vms if one.vm.id == vm.id)):
        assert (seen.vm.replication_mode, seen.vm.is_replica) == (mode, replica)
    others = [one.vm.replication_mode for one in backend.inventory().vms if one.vm.id != vm.id]
    assert set(others) == {ReplicationMode.NONE}


def test_an_older_endpoint_works_and_says_that_it_does_not_tell_replicas(host: SimulatedHost) -> None:
    shell = SimulatedPowerShell(host, [bot_configuration(version=1)])
    backend = HyperVBackend("hv01", SimulatedSession(shell, configuration=NAME), find_endpoint=True)
    inventory = backend.inventory()
    assert [one.part for one in inventory.cannot_show] == [Part.REPLICATION, Part.EVENTS]
    assert {seen.vm.replication_mode for seen in inventory.vms} == {ReplicationMode.UNKNOWN}
    assert backend.create(inventory.vms[0].vm.id, "still works").name == "still works"


# ---------------------------------------------------------------- broken checkpoints, and merges


def test_a_missing_checkpoint_is_broken_and_not_automatic(backend: Backend, host: SimulatedHost) -> None:
    add_vm(host, "broken", past=[Past("lost", DAY, type=SnapshotType.MISSING)])
    checkpoint = backend.inventory().vms[0].checkpoints[0]
    assert (checkpoint.missing, checkpoint.automatic) == (True, False)


def test_a_merge_that_does_not_get_on_is_pending_though_no_status_says_so(
    backend: Backend, host: SimulatedHost
) -> None:
    vm = next(vm for vm in host.vms.values() if vm.name == "web01")
    assert backend.vm(vm.id, disks=True).merge_pending is False
    host.faults.arm(Fault(FaultKind.MERGE_STALL, times=None))
    backend.delete(vm.ordered()[0].id)
    seen = backend.vm(vm.id, disks=True)
    vm.merge = None
    without_status = backend.vm(vm.id, disks=True)
    assert (seen.merge_pending, without_status.vm.merging, without_status.merge_pending) == (True, False, True)


def test_a_vm_whose_disks_are_not_seen_is_not_known_to_be_merged(backend: Backend, host: SimulatedHost) -> None:
    assert backend.vm(next(iter(host.vms))).merge_pending is None


BASE, LEAF = "C:\\d\\web.vhdx", "C:\\d\\web_1.avhdx"
ONE = Checkpoint("c1", "one", "vm", EPOCH)


@pytest.mark.parametrize(
    ("disks", "unread", "pending"),
    [
        ((Disk(BASE, 9, 9, None, ("c1",)), Disk(LEAF, 1, 9, BASE, (), True)), (), False),
        ((Disk(BASE, 9, 9), Disk(LEAF, 1, 9, BASE, (), True)), (), True),
        ((Disk(BASE, 9, 9, None, ("c1",)),), (UnreadDisk(LEAF, (), True),), None),
        ((Disk(LEAF, 1, 9, BASE, (), True),), (UnreadDisk(BASE, ("c1",)),), False),
        ((Disk("C:\\d\\golden.vhdx", 9, 9), Disk(BASE, 1, 9, "C:\\d\\golden.vhdx", (), True)), (), False),
        ((), (), False),
    ],
)
def test_a_merge_is_over_when_the_disks_show_it(
    disks: tuple[Disk, ...], unread: tuple[UnreadDisk, ...], pending: bool | None, backend: Backend, host: SimulatedHost
) -> None:
    vm = backend.vm(next(iter(host.vms))).vm
    assert VMInventory(vm, (ONE,), disks, unread).merge_pending is pending


def test_growth_is_unknown_only_where_an_unread_file_may_hold_it(backend: Backend, host: SimulatedHost) -> None:
    vm = backend.vm(next(iter(host.vms))).vm
    leaf = Disk(LEAF, 1, 9, BASE, (), True)
    assert VMInventory(vm, (ONE,), (leaf,), (UnreadDisk(BASE, ("c1",)),)).growth_since("c1") == 1
    assert VMInventory(vm, (ONE,), (), (UnreadDisk(LEAF, (), True),)).growth_since("c1") is None


def test_a_delete_whose_checkpoint_stays_did_not_happen(backend: Backend, host: SimulatedHost) -> None:
    vm = next(vm for vm in host.vms.values() if vm.name == "web01")
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, "Remove-VMSnapshot", code=0x80041001))
    with pytest.raises(OperationFailed) as caught:
        backend.delete(vm.ordered()[0].id)
    assert not caught.value.unchanged


class Halves:
    """A session of a host that shows some of its things without an id."""

    def __init__(self, vms: str, checkpoints: str) -> None:
        self._shown = {"Get-VM": vms, "Get-VMSnapshot": checkpoints}

    def invoke(self, pipeline: Pipeline, **_: object) -> Result:
        said = next(self._shown[one.name] for one in reversed(pipeline) if one.name in self._shown)
        return Result(output=(said,) if said else ())

    def end_lost_calls(self) -> None: ...

    def close(self) -> None: ...


WHOLE = '{"Id":"11111111-1111-1111-1111-111111111111","Name":"web01","State":2}'


@pytest.mark.parametrize(
    "nothing", ['{"Name":"web02"}', '{"Id":null}', "{}", '{"Id":"00000000-0000-0000-0000-000000000000"}']
)
@pytest.mark.parametrize("part", [Part.VMS, Part.CHECKPOINTS])
def test_a_thing_without_an_id_is_said_to_be_unread(part: Part, nothing: str) -> None:
    host = Halves(f"[{WHOLE},{nothing}]", "") if part is Part.VMS else Halves(WHOLE, nothing)
    inventory = HyperVBackend("hv01", host).inventory()
    assert [one.vm.name for one in inventory.vms] == ["web01"]
    assert [one.part for one in inventory.unreadable] == [part]
    assert inventory.vms[0].checkpoints_known is (part is Part.VMS)


def test_nor_does_a_look_at_one_vm_take_one_for_all_of_its_checkpoints() -> None:
    one = '{"Id":"22222222-2222-2222-2222-222222222222","VMId":"11111111-1111-1111-1111-111111111111","Name":"c"}'
    seen = HyperVBackend("hv01", Halves(WHOLE, f'[{one},{{"Id":null}}]')).vm("11111111-1111-1111-1111-111111111111")
    assert [c.name for c in seen.checkpoints] == ["c"]
    assert not seen.checkpoints_known

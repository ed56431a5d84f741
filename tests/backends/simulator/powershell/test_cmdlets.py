"""The cmdlets over the model, as a client sees them: output, errors, confirmation, wildcards."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backends.base import CheckpointType, SnapshotType, VMState
from backends.remoting import ErrorRecord
from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.machines import Vss
from tests.backends.simulator.host_console import Console, command

COMMANDS = "Microsoft.HyperV.PowerShell.Commands."
UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"
AWKWARD_NAMES = [
    "web[1]",
    "*",
    "$(Stop-VM *)",
    "a'b\"c",
    "🚀" * 100,
    "مرحبا بالعالم \u202e",
    "`n",
    "%s{0}",
    "<&>",
    "-Name",
]

names = st.one_of(st.sampled_from(AWKWARD_NAMES), st.text(min_size=1, max_size=100))


def kind(error: ErrorRecord) -> tuple[str, str, str]:
    return error.error_id, error.category, error.command.removeprefix(COMMANDS)


def test_get_vm_gives_all_vms_by_name(console: Console, host: SimulatedHost) -> None:
    for name in ("web02", "App01", "web01"):
        add_vm(host, name)

    assert console.values("Name", "Get-VM") == ["App01", "web01", "web02"]


def test_a_name_is_a_pattern_and_may_hit_several(console: Console, host: SimulatedHost) -> None:
    for name in ("web01", "WEB02", "lab[1]", "lab1"):
        add_vm(host, name)

    assert console.values("Name", command("Get-VM", Name="web*")) == ["web01", "WEB02"]
    assert console.values("Name", command("Get-VM", Name="lab[1]")) == ["lab1"]
    assert console.values("Name", command("Get-VM", Name="lab`[1`]")) == ["lab[1]"]
    assert console.values("Name", command("Get-VM", Name="nothing*")) == []


def test_two_vms_may_have_one_name(console: Console, host: SimulatedHost) -> None:
    first, second = add_vm(host, "test01"), add_vm(host, "test01")

    assert set(console.values("Id", command("Get-VM", Name="test01"))) == {UUID(first.id), UUID(second.id)}
    assert console.values("Id", command("Get-VM", Id=second.id)) == [UUID(second.id)]


def test_an_unknown_vm_is_an_invalid_parameter_of_get_vm_only(console: Console) -> None:
    assert kind(console.error(command("Get-VM", Name="x"))) == ("InvalidParameter", "InvalidArgument", "GetVM")
    assert kind(console.error(command("Get-VM", Id=UNKNOWN_ID))) == ("InvalidParameter", "InvalidArgument", "GetVM")
    assert kind(console.error(command("Start-VM", Name="x"))) == ("ObjectNotFound", "ObjectNotFound", "StartVM")


def test_errors_do_not_end_a_pipeline_unless_they_are_told_to(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")
    asked = {"Name": ("nope", "web01")}

    going_on = console(command("Get-VM", **asked), command("Select-Object", ExpandProperty="Name"))
    ended = console(command("Get-VM", **asked, ErrorAction="Stop"), command("Select-Object", ExpandProperty="Name"))
    quiet = console(command("Get-VM", **asked, ea="SilentlyContinue"), command("Select-Object", ExpandProperty="Name"))

    assert (going_on.output, len(going_on.errors), going_on.terminated) == (("web01",), 1, False)
    assert (ended.output, len(ended.errors), ended.terminated) == ((), 1, True)
    assert (quiet.output, quiet.errors) == (("web01",), ())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(vm_name=names, checkpoint_name=names)
def test_any_name_is_created_listed_renamed_and_removed_by_id_without_touching_another(
    vm_name: str, checkpoint_name: str
) -> None:
    host = new_host("hv01", clock=ManualClock(), durations=Durations(scale=0))
    console = Console(host)
    bystander = add_vm(host, "web1", past=[Past("1", DAY)])
    vm = add_vm(host, vm_name, past=[Past("other", DAY)])

    (created,) = console.values(
        "Id",
        command("Get-VM", Id=vm.id),
        command("Checkpoint-VM", SnapshotName=checkpoint_name, Passthru=True),
    )
    get = command("Get-VMSnapshot", Id=str(created))
    assert console.values("Name", get) == [checkpoint_name]
    assert console.values("VMName", get) == [vm_name]
    assert console(get, command("Rename-VMSnapshot", NewName=checkpoint_name[::-1])).errors == ()
    assert console.values("Name", get) == [checkpoint_name[::-1]]
    assert console(get, command("Remove-VMSnapshot", Confirm=False)).errors == ()

    assert [one.name for one in vm.ordered()] == ["other"]
    assert [one.name for one in bystander.ordered()] == ["1"]


def test_a_star_as_a_checkpoints_name_hits_all_of_them(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("*", 2 * DAY), Past("b", DAY)])

    console(command("Remove-VMSnapshot", VMName="web01", Name="*"))

    assert vm.checkpoints == {}


def test_checkpoints_come_oldest_first_and_none_is_no_error(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01", past=[Past("old", 9 * DAY), Past("new", DAY)])
    add_vm(host, "web02")

    assert console.values("Name", command("Get-VMSnapshot", VMName="web*")) == ["old", "new"]
    assert console.values("Name", command("Get-VMSnapshot", VMName="web02")) == []


@pytest.mark.parametrize(
    "asked", [{"VMName": "web01", "Name": "nope"}, {"VMName": "web01", "SnapshotType": "Recovery"}, {"Id": UNKNOWN_ID}]
)
def test_a_checkpoint_that_is_asked_for_and_not_there_is_an_error(
    console: Console, host: SimulatedHost, asked: dict[str, str]
) -> None:
    add_vm(host, "web01", past=[Past("a", DAY)])

    error = console.error(command("Get-VMSnapshot", **asked))

    assert kind(error) == ("ObjectNotFound", "ObjectNotFound", "GetVMSnapshot")


def test_checkpoints_are_found_by_type_parent_and_child(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 2 * DAY), Past("b", DAY, type=SnapshotType.RECOVERY)])
    shell = console.shell

    assert console.values("Name", command("Get-VMSnapshot", VMName="web01", SnapshotType="Recovery")) == ["b"]
    assert [one.name for one in vm.children(vm.ordered()[0].id)] == ["b"]
    assert shell.log.seen("Get-VMSnapshot")[0].parameters["VMName"] == ["web01"]


def test_passthru_gives_the_new_checkpoint_and_without_it_there_is_no_output(
    console: Console, host: SimulatedHost
) -> None:
    add_vm(host, "web01")

    silent = console("Get-VM", command("Checkpoint-VM", SnapshotName="a"))
    spoken = console.values("Name", "Get-VM", command("Checkpoint-VM", SnapshotName="b", Passthru=True))

    assert silent.output == ()
    assert spoken == ["b"]
    assert silent.progress[-1] == 100


def test_without_a_name_hyper_v_names_a_checkpoint_after_vm_and_time(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    (name,) = console.values("Name", "Get-VM", command("Checkpoint-VM", Passthru=True))

    assert name == "web01 - (1/15/2027 - 8:00:00 AM)"


def test_a_failed_naming_leaves_a_checkpoint_with_a_name_of_hyper_v(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.NAMING))

    error = console.error("Get-VM", command("Checkpoint-VM", SnapshotName="before", Passthru=True))

    assert kind(error) == ("OperationFailed", "NotSpecified", "CheckpointVM")
    assert [one.name for one in vm.ordered()] == ["web01 - (1/15/2027 - 8:00:00 AM)"]


def test_applying_asks_and_nobody_can_answer(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", DAY)])
    drive = vm.drives[0].path

    result = console("Get-VM", "Get-VMSnapshot", "Restore-VMSnapshot")

    assert result.terminated
    assert kind(result.errors[0]) == ("HostFunctionNotImplemented", "NotImplemented", "RestoreVMSnapshot")
    assert vm.drives[0].path == drive
    assert console("Get-VM", "Get-VMSnapshot", command("Restore-VMSnapshot", Confirm=False)).errors == ()
    assert vm.drives[0].path != drive


def test_what_if_changes_nothing(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", DAY)])

    console("Get-VM", "Get-VMSnapshot", command("Remove-VMSnapshot", WhatIf=True))
    console("Get-VM", "Get-VMSnapshot", command("Restore-VMSnapshot", WhatIf=True))

    assert len(vm.checkpoints) == 1


def test_applying_by_a_name_that_hits_two_is_refused(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01", past=[Past("a1", 2 * DAY), Past("a2", DAY)])

    error = console.error(command("Restore-VMSnapshot", VMName="web01", Name="a*", Confirm=False))

    assert kind(error) == ("InvalidParameter", "InvalidArgument", "RestoreVMSnapshot")


def test_removing_without_a_name_removes_all_of_the_vm(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", past=[Past("a", 2 * DAY), Past("b", DAY)])

    assert console(command("Remove-VMSnapshot", VMName="web01")).errors == ()
    assert vm.checkpoints == {}


@pytest.mark.parametrize(
    ("policy", "case"),
    [(CheckpointType.DISABLED, "disabled"), (CheckpointType.PRODUCTION_ONLY, "Production checkpoints cannot")],
)
def test_a_checkpoint_that_the_policy_forbids_is_a_failed_operation(
    console: Console, host: SimulatedHost, policy: CheckpointType, case: str
) -> None:
    add_vm(host, "dc01", checkpoint_type=policy, vss=Vss.FAILING)

    error = console.error("Get-VM", "Checkpoint-VM")

    assert kind(error) == ("OperationFailed", "NotSpecified", "CheckpointVM")
    assert case in error.message


def test_a_full_disk_says_so_by_its_hresult(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.DISK_FULL))

    assert console.error("Get-VM", "Checkpoint-VM").hresult == 0x80070070


def test_an_armed_error_strikes_its_cmdlet_only(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")
    host.faults.arm(Fault(FaultKind.CMDLET_ERROR, cmdlet="Start-VM", code=0x80070005))

    assert console("Get-VM").errors == ()
    assert kind(console.error("Get-VM", "Start-VM")) == ("AccessDenied", "PermissionDenied", "StartVM")


def test_a_vm_already_in_the_state_is_a_warning(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    result = console("Get-VM", "Start-VM")

    assert (result.errors, len(result.warnings)) == ((), 1)
    assert console("Get-VM", command("Start-VM", WarningAction="SilentlyContinue")).warnings == ()


@pytest.mark.parametrize(
    ("name", "parameters", "before", "after"),
    [
        ("Start-VM", {}, VMState.OFF, VMState.RUNNING),
        ("Start-VM", {}, VMState.SAVED, VMState.RUNNING),
        ("Stop-VM", {}, VMState.RUNNING, VMState.OFF),
        ("Stop-VM", {"TurnOff": True}, VMState.PAUSED, VMState.OFF),
        ("Stop-VM", {"Save": True}, VMState.RUNNING, VMState.SAVED),
        ("Save-VM", {}, VMState.PAUSED, VMState.SAVED),
        ("Suspend-VM", {}, VMState.RUNNING, VMState.PAUSED),
        ("Resume-VM", {}, VMState.PAUSED, VMState.RUNNING),
        ("Remove-VMSavedState", {}, VMState.SAVED, VMState.OFF),
    ],
)
def test_power_goes_the_way_it_is_asked_to(
    console: Console, host: SimulatedHost, name: str, parameters: dict[str, bool], before: VMState, after: VMState
) -> None:
    vm = add_vm(host, "web01", state=before)

    result = console("Get-VM", command(name, **parameters))

    assert (result.errors, vm.state) == ((), after)


@pytest.mark.parametrize(
    ("name", "state"), [("Suspend-VM", VMState.OFF), ("Save-VM", VMState.OFF), ("Start-VM", VMState.PAUSED)]
)
def test_power_that_the_state_does_not_allow_is_refused(
    console: Console, host: SimulatedHost, name: str, state: VMState
) -> None:
    add_vm(host, "web01", state=state)

    error = console.error("Get-VM", name)

    assert (error.error_id, error.category) == ("InvalidState", "InvalidOperation")


def test_settings_change_on_a_running_vm_but_for_its_hardware(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")

    console("Get-VM", command("Set-VM", CheckpointType="ProductionOnly", AutomaticCheckpointsEnabled=True, Notes="n"))
    error = console.error("Get-VM", command("Set-VM", ProcessorCount=8))

    assert (vm.checkpoint_type, vm.automatic_checkpoints, vm.notes) == (CheckpointType.PRODUCTION_ONLY, True, "n")
    assert error.error_id == "InvalidState"
    console("Get-VM", command("Set-VM", AutomaticCheckpointsEnabled=False))
    assert vm.automatic_checkpoints is False


def test_background_jobs_and_other_computers_are_refused(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")

    job = console(command("Checkpoint-VM", Name="web01", AsJob=True))
    elsewhere = console(command("Checkpoint-VM", Name="web01", ComputerName="hv02"))

    assert (job.terminated, elsewhere.terminated, vm.checkpoints) == (True, True, {})
    assert console(command("Get-VM", ComputerName=("localhost", "HV01"))).errors == ()

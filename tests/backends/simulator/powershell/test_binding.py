"""Parameter binding: what a real host takes, what it refuses, and with which error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.simulator.fleets.seed import DAY, Past, add_vm
from backends.simulator.model.errors import ShellError
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.binding.command_line import bind_command_line, choose_set
from backends.simulator.powershell.binding.metadata import catalogue
from backends.simulator.powershell.shell import Parameter
from tests.backends.simulator.host_console import Console, command

UNKNOWN_ID = "11111111-2222-3333-4444-555555555555"


def bound(name: str, *parameters: tuple[str | None, object]) -> dict[str, object]:
    info = catalogue()[name.casefold()]
    binding = bind_command_line(info, [Parameter(*one) for one in parameters])
    choose_set(binding)
    return binding.values


def chosen(name: str, *parameters: tuple[str | None, object]) -> str:
    return choose_set(bind_command_line(catalogue()[name.casefold()], [Parameter(*one) for one in parameters]))


def refusal(name: str, *parameters: tuple[str | None, object]) -> tuple[str, str]:
    with pytest.raises(ShellError) as caught:
        bound(name, *parameters)
    return caught.value.error_id, caught.value.category.name


@pytest.mark.parametrize("name", ["SnapshotName", "snapshotname", "-SnapshotName", "CheckpointName", "Snap", "check"])
def test_a_parameter_is_known_by_name_alias_and_unique_beginning(name: str) -> None:
    assert bound("Checkpoint-VM", ("Name", "web01"), (name, "before"))["SnapshotName"] == "before"


def test_the_exact_name_wins_over_the_beginning_of_another() -> None:
    assert bound("Get-VMReplication", ("Name", "web01"))["VMName"] == ["web01"]


@pytest.mark.parametrize(
    ("parameters", "error_id"),
    [
        ([("Nope", 1)], "NamedParameterNotFound"),
        ([("", 1)], "NamedParameterNotFound"),
        ([("C", "x")], "AmbiguousParameter"),
        ([("Name", "a"), ("VMName", "b")], "ParameterAlreadyBound"),
        ([("Id", UNKNOWN_ID), ("Name", "a")], "AmbiguousParameterSet"),
        ([("Id", "no guid")], "CannotConvertArgumentNoMessage"),
        ([(None, "a"), (None, "b")], "PositionalParameterNotFound"),
    ],
)
def test_what_does_not_bind_is_refused_as_by_a_real_host(
    parameters: list[tuple[str | None, object]], error_id: str
) -> None:
    assert refusal("Get-VM", *parameters) == (error_id, "InvalidArgument")


def test_a_null_id_is_invalid_and_never_means_all() -> None:
    assert refusal("Get-VM", ("Id", None)) == ("ParameterArgumentValidationError", "InvalidData")


@pytest.mark.parametrize("value", ["", None, ["web01", ""]])
def test_a_required_name_may_not_be_empty(value: object) -> None:
    error_id, category = refusal("Checkpoint-VM", ("Name", value))

    assert error_id.startswith("ParameterArgumentValidationError")
    assert category == "InvalidData"


def test_what_is_required_must_be_there() -> None:
    assert refusal("Checkpoint-VM", ("SnapshotName", "x")) == ("MissingMandatoryParameter", "InvalidArgument")
    assert refusal("Rename-VMSnapshot", ("VMName", "a"), ("Name", "b")) == (
        "MissingMandatoryParameter",
        "InvalidArgument",
    )


@pytest.mark.parametrize(
    ("name", "parameters", "parameter_set"),
    [
        ("Get-VM", [], "Name"),
        ("Get-VM", [("Id", UNKNOWN_ID)], "Id"),
        ("Get-VM", [(None, "web01")], "Name"),
        ("Get-VMSnapshot", [("VMName", "a"), ("Name", "b")], "VMName"),
        ("Get-VMSnapshot", [("Id", UNKNOWN_ID)], "Id"),
        ("Get-VMSnapshot", [(None, "vm"), (None, "name")], "VMName"),
        ("Get-VHD", [("Path", ["a", "b"])], "Path"),
        ("Get-VHD", [("VMId", UNKNOWN_ID)], "VMId"),
        ("Restore-VMSnapshot", [(None, "name"), (None, "vm")], "SnapshotName"),
    ],
)
def test_the_parameters_choose_the_set(
    name: str, parameters: list[tuple[str | None, object]], parameter_set: str
) -> None:
    assert chosen(name, *parameters) == parameter_set


@pytest.mark.parametrize(
    ("name", "parameter", "value", "becomes"),
    [
        ("Get-VM", "Name", "web01", ["web01"]),
        ("Get-VM", "Name", 7, ["7"]),
        ("Checkpoint-VM", "SnapshotName", ["a", "b"], "a b"),
        ("Checkpoint-VM", "Passthru", None, True),
        ("Checkpoint-VM", "Passthru", False, False),
        ("Checkpoint-VM", "Passthru", 1, True),
        ("ConvertTo-Json", "Depth", "3", 3),
        ("ConvertTo-Json", "Depth", 2.6, 3),
    ],
)
def test_values_become_what_powershell_makes_of_them(name: str, parameter: str, value: object, becomes: object) -> None:
    assert bind_command_line(catalogue()[name.casefold()], [Parameter(parameter, value)]).values[parameter] == becomes


@pytest.mark.parametrize("value", ["ProductionOnly", "productiononly", 4, "4"])
def test_an_enum_takes_its_name_in_any_case_and_its_number(value: object) -> None:
    values = bound("Set-VM", ("Name", "a"), ("CheckpointType", value))

    assert getattr(values["CheckpointType"], "name", None) == "ProductionOnly"


@pytest.mark.parametrize("value", ["Prod", "Nope", 1, 99, True])
def test_an_enum_takes_neither_an_ambiguous_beginning_nor_an_undefined_number(value: object) -> None:
    assert refusal("Set-VM", ("Name", "a"), ("CheckpointType", value))[0] == "CannotConvertArgumentNoMessage"


def test_a_boolean_takes_no_text() -> None:
    assert refusal("Set-VM", ("Name", "a"), ("AutomaticCheckpointsEnabled", "False"))[0].startswith("CannotConvert")


@pytest.mark.parametrize(("name", "confirms"), [("Restore-VMSnapshot", True), ("Get-VMSnapshot", False)])
def test_confirm_is_a_parameter_only_of_what_changes_something(name: str, confirms: bool) -> None:
    info = catalogue()[name.casefold()]

    assert any(one.name == "Confirm" for one in info.parameters) is confirms
    assert any(one.name == "ErrorAction" for one in info.parameters)


def test_a_snapshot_cmdlet_is_known_as_a_checkpoint_cmdlet_too() -> None:
    assert catalogue()["get-vmcheckpoint"] is catalogue()["get-vmsnapshot"]


@given(st.text(min_size=1, max_size=100))
def test_any_text_stays_the_value_it_is(name: str) -> None:
    assert bound("Checkpoint-VM", ("Name", "web01"), ("SnapshotName", name))["SnapshotName"] == name


def test_a_vm_in_the_pipeline_binds_by_value(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01", past=[Past("a", DAY)])

    assert console.values("Name", "Get-VM", "Get-VMSnapshot") == ["a"]
    assert console.values("Name", "Get-VM", "Get-VMSnapshot", "Get-VMHardDiskDrive")


def test_a_drive_in_the_pipeline_binds_by_its_property_path(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01", disks=[1, 2])

    paths = console.values("Path", "Get-VM", "Get-VMHardDiskDrive", "Get-VHD")

    assert paths == [drive.path for drive in vm.drives]


def test_a_selected_id_finds_its_vm_again(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    assert console.values("Name", "Get-VM", command("Select-Object", Property=("Id",)), "Get-VM") == ["web01"]


def test_an_object_that_binds_to_nothing_is_an_error_of_its_own(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    result = console("Get-VM", command("Get-CimInstance", ClassName="Win32_Volume"))

    assert [(one.error_id, one.category) for one in result.errors] == [("InputObjectNotBound", "InvalidArgument")]
    assert not result.terminated


def test_nothing_in_the_pipeline_runs_nothing(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    result = console("Get-VM", "Get-VMSnapshot", command("Remove-VMSnapshot", Confirm=False))

    assert (result.output, result.errors) == ((), ())


def test_all_commands_bind_before_the_first_one_runs(console: Console, host: SimulatedHost) -> None:
    vm = add_vm(host, "web01")

    result = console("Get-VM", command("Checkpoint-VM", SnapshotName="a"), command("Select-Object", Nope=1))

    assert result.terminated
    assert result.errors[0].error_id == "NamedParameterNotFound"
    assert vm.checkpoints == {}

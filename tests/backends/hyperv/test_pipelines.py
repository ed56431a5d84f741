"""Every pipeline the bot can send binds to the cmdlets' metadata, acts by GUID and carries no script text."""

from __future__ import annotations

import pytest

from backends.base import CheckpointType
from backends.hyperv import properties
from backends.hyperv.pipelines import Endpoint, Pipelines, Plain, samples
from backends.remoting import Argument, Cmdlet, Pipeline
from backends.simulator.powershell.binding.command_line import bind_command_line, choose_set
from backends.simulator.powershell.binding.metadata import catalogue
from backends.simulator.powershell.shell import Parameter

VM = "11111111-1111-1111-1111-111111111111"
CHECKPOINT = "22222222-2222-2222-2222-222222222222"

PLAIN = samples(Plain())
SHAPING = ("Select-Object", "ConvertTo-Json")
CHANGES = ("Checkpoint-VM", "Restore-VMSnapshot", "Remove-VMSnapshot", "Rename-VMSnapshot", "Export-VMSnapshot",
           "Set-VM", "Start-VM", "Save-VM")  # fmt: skip

CHECKPOINT_PROPERTIES = frozenset({
    "SnapshotType", "IsAutomaticCheckpoint", "VMId", "VMName", "State", "ParentSnapshotId", "ParentSnapshotName",
    "CreationTime", "Id", "Name", "Path", "SizeOfSystemFiles", "Notes",
})  # fmt: skip
VM_PROPERTIES = frozenset({
    "Id", "Name", "State", "OperationalStatus", "CheckpointType", "AutomaticCheckpointsEnabled", "Uptime",
    "MemoryAssigned", "ParentSnapshotId", "ProcessorCount", "Path", "ReplicationMode",
})  # fmt: skip
COSTLY = frozenset({
    "ProcessorCount", "MemoryAssigned", "MemoryDemand", "HardDrives", "NetworkAdapters", "IsClustered",
    "SizeOfSystemFiles", "ParentSnapshotId", "ParentSnapshotName",
})  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_a_pipeline_binds_to_the_metadata_of_its_cmdlets(name: str) -> None:
    for place, cmdlet in enumerate(PLAIN[name]):
        info = catalogue()[cmdlet.name.lower()]
        binding = bind_command_line(info, [Parameter(key, _sent(value)) for key, value in cmdlet.parameters.items()])
        chosen = choose_set(binding, piped=place > 0)
        if place:
            assert any((at := one.membership(chosen)) and (at.by_value or at.by_property) for one in info.parameters)


@pytest.mark.parametrize("name", PLAIN)
def test_a_parameter_is_called_by_its_whole_name(name: str) -> None:
    for cmdlet in PLAIN[name]:
        known = {one.name for one in catalogue()[cmdlet.name.lower()].parameters}
        assert set(cmdlet.parameters) <= known


@pytest.mark.parametrize("dialect", [Plain(), Endpoint()])
def test_a_pipeline_carries_no_script_text(dialect: Pipelines) -> None:
    for pipeline in samples(dialect).values():
        for cmdlet in pipeline:
            assert cmdlet.name.replace("-", "").isalnum()
            assert all(not isinstance(value, dict) for value in cmdlet.parameters.values())


@pytest.mark.parametrize("dialect", [Plain(), Endpoint()])
def test_what_a_person_types_stays_one_whole_argument(dialect: Pipelines) -> None:
    typed = "$(Stop-VM *) | Remove-VM 'x\"\n"
    for pipeline in (dialect.create(VM, typed), dialect.rename(CHECKPOINT, typed), dialect.export(CHECKPOINT, typed)):
        arguments = [value for cmdlet in pipeline for value in cmdlet.parameters.values()]
        assert arguments.count(typed) == 1
        assert not any(typed in cmdlet.name for cmdlet in pipeline)


def test_a_change_starts_from_a_guid_and_names_nothing() -> None:
    changes = [p for p in PLAIN.values() if any(cmdlet.name in CHANGES for cmdlet in p)]
    assert len(changes) == 12
    for first, change, *shaping in changes:
        assert first in (Cmdlet("Get-VM", {"Id": VM}), Cmdlet("Get-VMSnapshot", {"Id": CHECKPOINT}))
        assert not {"Name", "VMName", "VM", "VMSnapshot"} & set(change.parameters)
        assert tuple(cmdlet.name for cmdlet in shaping) == SHAPING


def test_a_cmdlet_that_asks_is_told_not_to_and_no_other_is() -> None:
    for pipeline in PLAIN.values():
        for cmdlet in pipeline:
            asks = catalogue()[cmdlet.name.lower()].confirm_impact is not None
            assert ("Confirm" in cmdlet.parameters) == asks
            assert cmdlet.parameters.get("Confirm", False) is False


def test_only_known_properties_are_asked_for() -> None:
    assert set(properties.VM_DETAIL) <= VM_PROPERTIES
    assert set(properties.CHECKPOINT) <= CHECKPOINT_PROPERTIES
    assert set(properties.DRIVE) <= {"Path", "VMId", "VMSnapshotId", "Name", "ControllerType"}
    assert set(properties.FILE) <= {"Path", "VhdType", "FileSize", "Size", "ParentPath"}
    selected = [p for pipeline in PLAIN.values() for p in pipeline if p.name == "Select-Object"]
    lists = {p.parameters["Property"] for p in selected if "ExpandProperty" not in p.parameters}
    known = {properties.VM, properties.VM_DETAIL, properties.CHECKPOINT, properties.DRIVE, properties.FILE}
    known |= {properties.VOLUME, properties.ACKNOWLEDGEMENT, properties.CULTURE}
    known |= {properties.NODE, properties.ROLE, properties.SHARED_VOLUME}
    assert lists == known | {properties.LOG, properties.EVENT, properties.FOLDER_FILE}
    assert "Message" not in properties.EVENT


def test_a_whole_host_is_never_asked_for_what_costs_it_seconds() -> None:
    assert not COSTLY & set(properties.VM)
    assert set(_shape(Plain().vms())) == set(properties.VM)
    assert set(_shape(Plain().vms(VM))) == set(properties.VM_DETAIL)


def test_a_scan_takes_the_same_number_of_pipelines_whatever_the_host_has() -> None:
    for dialect, expected in ((Plain(), 7), (Endpoint(), 5)):
        scan = (dialect.vms(), dialect.checkpoints(), *dialect.drives(), *dialect.files(), dialect.volumes())
        assert len(scan) == expected
        assert all("Id" not in cmdlet.parameters for pipeline in scan for cmdlet in pipeline)


def test_settings_that_are_not_asked_for_are_left_alone() -> None:
    only_type = Plain().configure(VM, CheckpointType.PRODUCTION_ONLY, None)[1].parameters
    assert only_type == {"CheckpointType": "ProductionOnly", "Passthru": True, "Confirm": False}
    only_automatic = Plain().configure(VM, None, False)[1].parameters
    assert only_automatic == {"AutomaticCheckpointsEnabled": False, "Passthru": True, "Confirm": False}


def test_the_endpoint_offers_a_function_for_every_plain_pipeline() -> None:
    """All but that for its language, which it does not tell."""
    endpoint = samples(Endpoint())
    several = ("drives", "files", "events of", "cluster")
    assert {name for name in PLAIN if not any(one in name for one in several)} - {"culture"} <= set(endpoint)
    assert {name.partition(" ")[0] for name in PLAIN} - {"culture"} == {name.partition(" ")[0] for name in endpoint}
    assert all(len(pipeline) == 1 and "CheckpointBot" in pipeline[0].name for pipeline in endpoint.values())


def _sent(value: Argument) -> object:
    return list(value) if isinstance(value, tuple) else value


def _shape(pipeline: Pipeline) -> tuple[str, ...]:
    asked = next(cmdlet for cmdlet in pipeline if cmdlet.name == "Select-Object").parameters["Property"]
    assert isinstance(asked, tuple)
    return asked

"""A host's JSON becomes the same records, whichever PowerShell wrote it."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import CheckpointType, OperationalStatus, SnapshotType, VMState
from backends.hyperv import records

VM = "9c5e2b1a-0f7d-4a3e-8b6c-1d2e3f4a5b6c"
ONE = "11111111-aaaa-bbbb-cccc-111111111111"
TWO = "22222222-aaaa-bbbb-cccc-222222222222"

AS_5_1 = (
    r'[{"Id":"22222222-aaaa-bbbb-cccc-222222222222","Name":"two","VMId":"9c5e2b1a-0f7d-4a3e-8b6c-1d2e3f4a5b6c",'
    r'"CreationTime":"\/Date(1760000060000)\/","ParentSnapshotId":"11111111-aaaa-bbbb-cccc-111111111111",'
    r'"SnapshotType":1,"IsAutomaticCheckpoint":true,"State":6},'
    r'{"Id":"11111111-aaaa-bbbb-cccc-111111111111","Name":"one","VMId":"9c5e2b1a-0f7d-4a3e-8b6c-1d2e3f4a5b6c",'
    r'"CreationTime":"\/Date(1760000000000)\/","ParentSnapshotId":null,"SnapshotType":0,'
    r'"IsAutomaticCheckpoint":false,"State":3}]'
)
AS_7 = [
    '{"Id":"{22222222-AAAA-BBBB-CCCC-222222222222}","Name":"two","VMId":"9C5E2B1A-0F7D-4A3E-8B6C-1D2E3F4A5B6C",'
    '"CreationTime":"2025-10-09T10:54:20.0000000+02:00","ParentSnapshotId":"11111111-AAAA-BBBB-CCCC-111111111111",'
    '"SnapshotType":"Recovery","IsAutomaticCheckpoint":true,"State":"Saved"}',
    '{"Id":"11111111-aaaa-bbbb-cccc-111111111111","Name":"one","VMId":"{9c5e2b1a-0f7d-4a3e-8b6c-1d2e3f4a5b6c}",'
    '"CreationTime":"2025-10-09T08:53:20Z","ParentSnapshotId":"00000000-0000-0000-0000-000000000000",'
    '"SnapshotType":"Standard","IsAutomaticCheckpoint":false,"State":"Off"}',
]


@pytest.mark.parametrize("output", [[AS_5_1], AS_7], ids=["Windows PowerShell 5.1", "PowerShell 7"])
def test_checkpoints_are_read_from_both_powershells_oldest_first(output: list[str]) -> None:
    one, two = records.checkpoints(output)
    assert (one.id, one.name, one.vm_id, one.parent_id, one.has_memory) == (ONE, "one", VM, None, False)
    assert one.created == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    assert (two.id, two.parent_id, two.automatic, two.has_memory) == (TWO, ONE, True, True)
    assert two.snapshot_type is SnapshotType.RECOVERY
    assert two.created - one.created == timedelta(seconds=60)


def test_a_vm_is_read_with_the_numbers_of_5_1() -> None:
    text = json.dumps(
        {
            "Id": VM, "Name": "web01", "State": 2, "OperationalStatus": [2, 32772], "CheckpointType": 4,
            "AutomaticCheckpointsEnabled": True, "ParentSnapshotId": ONE, "MemoryAssigned": 4294967296,
            "Uptime": {"Ticks": 900_000_000_000, "Days": 1, "TotalSeconds": 90000.0},
        }
    )  # fmt: skip
    (vm,) = records.vms([text], "hv01")
    assert (vm.id, vm.name, vm.host, vm.state) == (VM, "web01", "hv01", VMState.RUNNING)
    assert (vm.checkpoint_type, vm.automatic_checkpoints) == (CheckpointType.PRODUCTION_ONLY, True)
    assert vm.merging
    assert (vm.uptime, vm.current_id, vm.memory_assigned) == (90000.0, ONE, 4294967296)


def test_a_vm_is_read_with_the_names_of_an_endpoint_that_writes_enums_as_text() -> None:
    text = json.dumps(
        {
            "Id": VM, "Name": "web01", "State": "PausedCritical", "CheckpointType": "ProductionOnly",
            "OperationalStatus": {"value": ["Ok", "BackingUpVirtualMachine"], "Count": 2},
            "Uptime": "1.02:03:04.5000000",
        }
    )  # fmt: skip
    (vm,) = records.vms([text], "hv01")
    assert (vm.state, vm.checkpoint_type) == (VMState.PAUSED_CRITICAL, CheckpointType.PRODUCTION_ONLY)
    assert vm.operational_status == (OperationalStatus.OK, OperationalStatus.BACKING_UP)
    assert vm.uptime == 86400 + 2 * 3600 + 3 * 60 + 4.5


def test_what_is_missing_has_its_default() -> None:
    (vm,) = records.vms([json.dumps({"Id": VM})], "hv01")
    assert (vm.name, vm.state, vm.checkpoint_type) == ("", VMState.UNKNOWN, CheckpointType.UNKNOWN)
    assert (vm.operational_status, vm.uptime, vm.current_id, vm.memory_assigned) == ((2,), 0.0, None, None)
    (checkpoint,) = records.checkpoints([json.dumps({"Id": ONE, "Name": None, "CreationTime": None})])
    assert (checkpoint.name, checkpoint.created, checkpoint.managed_by) == ("", records.EPOCH, None)


def test_a_type_that_nobody_knows_is_not_taken_for_a_persons_own_checkpoint() -> None:
    for unknown in (99, "Quantum"):
        (checkpoint,) = records.checkpoints([json.dumps({"Id": ONE, "SnapshotType": unknown})])
        assert checkpoint.managed_by == "Hyper-V"


def test_an_object_without_an_id_is_left_out_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert records.checkpoints([json.dumps([{"Name": "nobody"}, {"Id": ONE}])])[0].id == ONE
    assert "nobody" in caplog.text


def test_nothing_is_no_records() -> None:
    assert records.checkpoints([]) == []
    assert records.checkpoints(["[]", "null"]) == []


def test_an_answer_that_is_no_json_is_said_to_be_so() -> None:
    with pytest.raises(records.Malformed, match="Get-VM"):
        records.vms(["Get-VM : The term is not recognized"], "hv01")


def test_a_date_without_a_zone_is_utc() -> None:
    assert _created("2025-10-09T08:53:20.1234567") == datetime(2025, 10, 9, 8, 53, 20, 123456, tzinfo=UTC)


def test_a_date_with_members_of_its_own_is_read() -> None:
    wrapped = {"value": "/Date(1760000000000)/", "DisplayHint": 2, "DateTime": "jeudi 9 octobre 2025 10:53:20"}
    assert _created(wrapped) == datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1601, 1, 1), max_value=datetime(9000, 1, 1)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_moment_is_the_same_in_every_way_of_writing_it(moment: datetime, offset: int) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    ms = (moment - records.EPOCH) // timedelta(milliseconds=1)
    there = moment.astimezone(timezone(timedelta(minutes=offset)))
    assert _created(f"/Date({ms})/") == moment
    assert _created(f"/Date({ms}+0200)/") == moment
    assert _created(there.isoformat()) == moment


@given(st.text())
def test_a_name_stays_what_it_is(name: str) -> None:
    (checkpoint,) = records.checkpoints([json.dumps({"Id": ONE, "Name": name})])
    assert checkpoint.name == name


def test_half_a_surrogate_pair_becomes_a_character_that_can_be_stored() -> None:
    (checkpoint,) = records.checkpoints([json.dumps({"Id": ONE, "Name": "a\ud83d😀"})])
    assert checkpoint.name == "a�😀"
    checkpoint.name.encode()


@given(st.uuids())
def test_a_guid_is_the_same_in_any_case_and_with_braces(identity: uuid.UUID) -> None:
    ways = [str(identity), str(identity).upper(), f"{{{identity}}}", f"({identity})"]
    assert {c.id for c in records.checkpoints([json.dumps([{"Id": way} for way in ways])])} == {str(identity)}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
FIELDS = ("Name", "VMId", "State", "OperationalStatus", "CheckpointType", "AutomaticCheckpointsEnabled", "Uptime",
          "ParentSnapshotId", "MemoryAssigned", "CreationTime", "SnapshotType", "IsAutomaticCheckpoint", "Path",
          "FileSize", "Size", "ParentPath", "Capacity", "FreeSpace", "VMSnapshotId")  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_no_value_of_any_kind_breaks_the_reading(values: dict[str, object]) -> None:
    text = json.dumps({"Id": ONE, **values})
    assert len(records.vms([text], "hv01")) == len(records.checkpoints([text])) == 1
    records.drives([text])
    records.files([text])
    records.volumes([text])


def test_volumes_without_a_mount_point_or_a_size_are_left_out() -> None:
    found = records.volumes(
        [
            json.dumps(
                [
                    {"Name": "C:\\", "Capacity": 100, "FreeSpace": 40},
                    {"Name": "C:\\ClusterStorage\\Volume1\\", "Capacity": 1000, "FreeSpace": 10},
                    {"Name": "\\\\?\\Volume{1d0b}\\", "Capacity": 100, "FreeSpace": 40},
                    {"Name": "D:\\", "Capacity": None, "FreeSpace": None},
                ]
            )
        ]
    )
    assert [(v.path, v.size, v.free) for v in found] == [
        ("C:\\", 100, 40), ("C:\\ClusterStorage\\Volume1\\", 1000, 10)
    ]  # fmt: skip


def _created(value: object) -> datetime:
    return records.checkpoints([json.dumps({"Id": ONE, "CreationTime": value})])[0].created

"""ConvertTo-Json and Select-Object: the forms that hosts answer in."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.simulator.fleets.seed import DAY, Past, add_vm, new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.enums import HYPERV, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import HostSpec
from backends.simulator.model.storage import GB, VolumeSpace
from backends.simulator.powershell.cmdlets.json import UNSAFE_5, UNSAFE_7, Writer, _iso_date, _old_date
from backends.simulator.powershell.shell import Instance
from tests.backends.simulator.host_console import Console, command

NEW_YEAR = datetime(2027, 1, 1, 12, 30, 0, 500_000, tzinfo=UTC)


def windows(value: object, *, depth: int = 2, indent: str = "") -> str:
    return Writer(UNSAFE_5, _old_date, depth, indent, ":  ").write(value, 0)


def core(value: object, *, utc_offset: int = 0) -> str:
    return Writer(UNSAFE_7, _iso_date(utc_offset), 2, "", ": ").write(value, 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (2.0, "2"),
        (0.25, "0.25"),
        ("a", '"a"'),
        ("'<&>\"\\\n\x01", '"\\u0027\\u003c\\u0026\\u003e\\"\\\\\\n\\u0001"'),
        ("テスト🚀", '"テスト🚀"'),
        (NEW_YEAR, '"\\/Date(1798806600500)\\/"'),
        (enum_value(HYPERV + "VMState", 2), "2"),
        (UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ([1, "b"], '[1,"b"]'),
        ([], "[]"),
        (Instance(("X",), {"A": 1, "B": [None]}), '{"A":1,"B":[null]}'),
    ],
)
def test_windows_powershell_writes_values_its_own_way(value: object, text: str) -> None:
    assert windows(value) == text


def test_powershell_7_writes_dates_in_local_time_and_leaves_more_characters_alone() -> None:
    assert core(NEW_YEAR, utc_offset=60) == '"2027-01-01T13:30:00.500000+01:00"'
    assert core("'<&>") == '"\'<&>"'


def test_a_time_span_is_an_object_with_whole_and_total_parts() -> None:
    span = json.loads(windows(timedelta(days=1, hours=2, minutes=3, seconds=4, milliseconds=5)))

    assert list(span) == [
        *("Ticks", "Days", "Hours", "Milliseconds", "Minutes", "Seconds"),
        *("TotalDays", "TotalHours", "TotalMilliseconds", "TotalMinutes", "TotalSeconds"),
    ]
    assert (span["Ticks"], span["Days"], span["Hours"], span["Milliseconds"]) == (937840050000, 1, 2, 5)
    assert span["TotalSeconds"] == 93784.005


def test_what_lies_too_deep_becomes_its_text() -> None:
    nested = Instance(("A",), {"B": Instance(("B",), {"C": Instance(("C",), {}, "the text")})})

    assert windows(nested, depth=1) == '{"B":{"C":"the text"}}'


@given(st.text())
def test_any_text_survives(text: str) -> None:
    for written in (windows(text), core(text)):
        assert json.loads(written) == text


@given(st.dictionaries(st.text(min_size=1), st.integers() | st.text() | st.none(), max_size=5))
def test_indented_and_compressed_say_the_same(properties: dict[str, object]) -> None:
    value = Instance(("X",), {**properties})

    assert json.loads(windows(value, indent="    ")) == json.loads(windows(value)) == properties


def test_one_object_has_no_brackets_several_have_and_none_gives_no_text(console: Console, host: SimulatedHost) -> None:
    name = command("Select-Object", Property="Name")

    assert console.json("Get-VM", name) is None
    add_vm(host, "web01")
    assert console.json("Get-VM", name) == {"Name": "web01"}
    add_vm(host, "web02")
    assert console.json("Get-VM", name) == [{"Name": "web01"}, {"Name": "web02"}]


def test_the_same_checkpoint_in_both_dialects(clock: ManualClock) -> None:
    given = {}
    for version in ("5.1", "7.4"):
        host = new_host("hv01", clock=clock, powershell=version)
        add_vm(host, "web01", past=[Past("a", DAY)])
        created = Console(host).json("Get-VM", "Get-VMSnapshot", command("Select-Object", Property="CreationTime"))
        assert isinstance(created, dict)
        given[version] = created["CreationTime"]

    assert given == {"5.1": "/Date(1799913600000)/", "7.4": "2027-01-14T08:00:00+00:00"}


def test_a_host_writes_iso_dates_in_its_own_zone(clock: ManualClock) -> None:
    spec = HostSpec("hv01", powershell="7.4", utc_offset=540)
    host = SimulatedHost(spec, [VolumeSpace("D:\\", 900 * GB)], clock=clock)
    add_vm(host, "web01", age=0)

    assert Console(host).json("Get-VM", command("Select-Object", Property="CreationTime")) == {
        "CreationTime": "2027-01-15T17:00:00+09:00"
    }


def test_selecting_keeps_the_order_asked_for_in_the_objects_own_spelling(console: Console, host: SimulatedHost) -> None:
    add_vm(host, "web01")

    selected = console.json("Get-VM", command("Select-Object", Property=("name", "Nope", "CheckpointT*")))

    assert list(selected.items()) == [("Name", "web01"), ("Nope", None), ("CheckpointType", 3)]  # type: ignore[union-attr]


def test_first_last_skip_and_exclude(console: Console, host: SimulatedHost) -> None:
    for number in range(5):
        add_vm(host, f"web{number}")

    def chosen(**parameters: int) -> list[object]:
        return console.values("Name", "Get-VM", command("Select-Object", **parameters))

    assert chosen(First=2) == ["web0", "web1"]
    assert chosen(Last=2) == ["web3", "web4"]
    assert chosen(Skip=1, First=1) == ["web1"]
    assert console.json(
        "Get-VMHost", command("Select-Object", Property=("Name", "MemoryCapacity"), ExcludeProperty=("Mem*",))
    ) == {"Name": "HV01"}


def test_expanding_a_property_that_is_not_there_is_an_error(console: Console) -> None:
    assert console.error("Get-VMHost", command("Select-Object", ExpandProperty="Nope")).error_id == (
        "ExpandPropertyNotFound"
    )

"""The PowerShell files of the JEA endpoint parse, agree with each other and with the Python that calls them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable

import pytest
import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from backends.base import EventLog
from backends.hyperv import pipelines, properties
from backends.hyperv.pipelines import logs
from backends.simulator.powershell.binding.metadata import COMMON, CommandInfo, catalogue
from backends.simulator.powershell.bot_endpoint import bot_configuration

FOLDER = resources.files("backends.hyperv") / "endpoint"
MODULE = FOLDER / "CheckpointBot" / "CheckpointBot.psm1"
FILES = {
    "module": MODULE,
    "manifest": FOLDER / "CheckpointBot" / "CheckpointBot.psd1",
    "role": FOLDER / "CheckpointBot" / "RoleCapabilities" / "CheckpointBot.psrc",
    "configuration": FOLDER / "CheckpointBot.pssc",
    "script": FOLDER / "Register-CheckpointBotEndpoint.ps1",
}
PRIVATE = {"Get-Target", "ConvertTo-Answer"}
LISTS = {
    "VMProperties": properties.VM,
    "VMDetailProperties": properties.VM_DETAIL,
    "CheckpointProperties": properties.CHECKPOINT,
    "DriveProperties": properties.DRIVE,
    "FileProperties": properties.FILE,
    "VolumeProperties": properties.VOLUME,
    "LogProperties": properties.LOG,
    "EventProperties": properties.EVENT,
    "FolderFileProperties": properties.FOLDER_FILE,
    "NodeProperties": properties.NODE,
    "RoleProperties": properties.ROLE,
    "SharedVolumeProperties": properties.SHARED_VOLUME,
    "AcknowledgementProperties": properties.ACKNOWLEDGEMENT,
}


def _parse(file: Traversable) -> Node:
    return Parser(Language(tree_sitter_powershell.language())).parse(file.read_bytes()).root_node


def _all(node: Node, kind: str) -> Iterator[Node]:
    if node.type == kind:
        yield node
    for child in node.children:
        yield from _all(child, kind)


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _functions() -> dict[str, Node]:
    return {_text(next(_all(one, "function_name"))): one for one in _all(_parse(MODULE), "function_statement")}


@pytest.mark.parametrize("file", FILES)
def test_a_file_parses(file: str) -> None:
    assert not _parse(FILES[file]).has_error


@pytest.mark.parametrize("file", FILES)
def test_a_file_is_read_the_same_by_windows_powershell(file: str) -> None:
    """Without a byte order mark it takes a file to be in the code page of the host."""
    FILES[file].read_text("utf-8").encode("ascii")


def test_the_property_lists_are_those_of_the_bot() -> None:
    found: dict[str, tuple[str, ...]] = {}
    for name, value in re.findall(r"(?m)^\$(\w+Properties) = ((?:.|\n {4})*)$", MODULE.read_text("utf-8")):
        own = tuple(re.findall(r"'([^']+)'", value))
        base = re.match(r"\$(\w+) \+", value)
        found[name] = found[base[1]] + own if base else own
    assert found == LISTS


def test_the_version_is_the_one_the_bot_asks_for() -> None:
    assert f"$Version = {pipelines.ENDPOINT_VERSION}\n" in MODULE.read_text("utf-8")


def test_every_function_that_the_bot_calls_is_exported_and_visible_and_no_other() -> None:
    called = {pipeline[0].name for pipeline in pipelines.samples(pipelines.Endpoint()).values()}
    called |= {pipelines.Endpoint().version_of()[0].name}
    named = r"'((?:CheckpointBot\\)?\w+-CheckpointBot\w+)'"
    exported = re.findall(named, FILES["manifest"].read_text("utf-8"))
    visible = re.findall(named, FILES["role"].read_text("utf-8"))
    assert set(_functions()) - PRIVATE == called
    assert set(exported) == called
    assert set(visible) == {f"CheckpointBot\\{name}" for name in called}


def test_a_function_takes_the_parameters_that_the_bot_sends_and_the_simulated_one_has() -> None:
    simulated = bot_configuration().commands
    for name, function in _functions().items():
        if name in PRIVATE:
            continue
        declared = {_text(next(_all(one, "variable")))[1:] for one in _all(function, "script_parameter")}
        assert declared == _own(simulated[name.casefold()].info), name
    for pipeline in pipelines.samples(pipelines.Endpoint()).values():
        (call,) = pipeline
        assert set(call.parameters) <= _own(simulated[call.name.casefold()].info)


def test_a_cmdlet_is_named_with_its_module_and_with_parameters_that_it_has() -> None:
    for name, command in _calls():
        module, _, cmdlet = name.partition("\\")
        assert module, name
        info = catalogue()[cmdlet.casefold()]
        given = {_text(one).lstrip("-").partition(":")[0] for one in _all(command, "command_parameter")}
        assert info.module == module
        assert given <= {one.name for one in info.parameters}, name


@pytest.mark.parametrize(("file", "key"), [("role", "ModulesToImport"), ("manifest", "RequiredModules")])
def test_every_module_that_a_function_calls_into_is_imported_and_required(file: str, key: str) -> None:
    """Nothing loads a module by itself on the endpoint, not even a name that says which. The one of clusters is added
    on hosts that have it: required of all, it would keep the endpoint from the others."""
    called = {name.partition("\\")[0] for name, _ in _calls()} - {"FailoverClusters"}
    named = re.search(rf"(?ms)^\s*{key} = @\((.*?)\)", FILES[file].read_text("utf-8"))
    assert named is not None
    assert called <= set(re.findall(r"'([^']+)'", named[1]))


def _calls() -> Iterator[tuple[str, Node]]:
    """Every call of a command that is not the module's own."""
    for function in _functions().values():
        for command in _all(function, "command"):
            name = _text(next(_all(command, "command_name")))
            if name not in PRIVATE:
                yield name, command


def test_a_change_starts_from_an_id_and_does_not_ask() -> None:
    changes = 0
    for name, function in _functions().items():
        if name.split("-")[0] in ("Get", "ConvertTo"):
            continue
        changes += 1
        body = _text(function)
        assert re.search(r"Hyper-V\\Get-VM(Snapshot)? -Id \$(VMId|CheckpointId) \|", body), name
        assert body.count("-Confirm:$false") == 1
        assert "-Name " not in body.replace("-SnapshotName ", "").replace("-NewName ", "")
    assert changes == 7


def test_the_endpoint_is_restricted_and_runs_as_a_virtual_account_of_hyper_v() -> None:
    text = FILES["configuration"].read_text("utf-8")
    for line in (
        "SessionType = 'RestrictedRemoteServer'",
        "RunAsVirtualAccount = $true",
        "RunAsVirtualAccountGroups = '{HyperVAdministrators}', '{EventLogReaders}'\n",
        "TranscriptDirectory = '{TranscriptDirectory}'",
        "'{Account}' = @{ RoleCapabilities = 'CheckpointBot' }",
    ):
        assert line in text
    assert "VisibleCmdlets" not in text + FILES["role"].read_text("utf-8")


def test_the_function_for_events_asks_what_the_bot_asks_a_plain_endpoint() -> None:
    text = MODULE.read_text("utf-8")
    levels = re.search(r"(?m)^\$EventLevels = (.*)$", text)
    tables = re.findall(r"'(Microsoft-Windows-Hyper-V-[A-Za-z-]+)' = ([\d,\s]+)", text)
    query = re.search(r'\$query = "(.*)"', text)
    assert levels is not None
    assert query is not None
    assert tuple(map(int, levels[1].split(","))) == logs.LEVELS
    assert {EventLog(log): tuple(map(int, ids.split(","))) for log, ids in tables} == logs.IDS
    since = datetime(2026, 11, 15, 14, 5, tzinfo=UTC)
    for log, ids in logs.IDS.items():
        terms = " or ".join([*(f"Level={one}" for one in logs.LEVELS), *(f"EventID={one}" for one in ids)])
        made = query[1].replace("$($levels + $ids -join ' or ')", terms).replace("$Since", logs.moment(since))
        assert made == logs.query(log, since)


def test_the_function_for_events_reads_the_logs_of_hyper_v_and_no_other() -> None:
    allowed = re.search(r"\[ValidateSet\((.*)\)\]\n\s*\[string\]\$LogName", MODULE.read_text("utf-8"))
    assert allowed is not None
    assert set(re.findall(r"'([^']+)'", allowed[1])) == set(EventLog)


def test_a_query_has_no_more_conditions_than_windows_takes() -> None:
    assert all(len(logs.LEVELS) + len(ids) < 20 for ids in logs.IDS.values())


def test_the_script_imports_the_module_of_clusters_where_there_is_one() -> None:
    role, script = FILES["role"].read_text("utf-8"), FILES["script"].read_text("utf-8")
    replaced = re.search(r"""\.Replace\("(.+)", "(.+)"\)$""", script, re.MULTILINE)
    assert replaced is not None
    assert role.count(replaced[1]) == 1
    assert "'FailoverClusters', 'CheckpointBot'" in role.replace(*replaced.groups())


def test_the_script_fills_in_every_name_of_the_configuration() -> None:
    braces = set(re.findall(r"'\{(\w+)\}'", FILES["configuration"].read_text("utf-8")))
    names = re.search(r"\$names = @\{(.*)\}", FILES["script"].read_text("utf-8"))
    assert names is not None
    assert set(re.findall(r"(\w+) = ", names[1])) == braces


def _own(info: CommandInfo) -> set[str]:
    common = {one.name for one in COMMON}
    return {one.name for one in info.parameters} - common

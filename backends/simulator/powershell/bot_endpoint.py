"""The bot's JEA endpoint on a simulated host: the functions of its PowerShell module, over the simulated cmdlets.

The module itself is `CheckpointBot.psm1` in `backends/hyperv/endpoint`; the functions here take the same parameters,
refuse the same values and run the same cmdlets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from importlib import resources
from typing import Final

from backends.base import MAX_NAME, CheckpointType, EventLog
from backends.hyperv.pipelines import ENDPOINT_VERSION, Plain
from backends.hyperv.pipelines.endpoint import TELLS_CLUSTERS, TELLS_EVENTS, TELLS_REPLICAS
from backends.remoting import Cmdlet, Pipeline
from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.binding.metadata import Membership, ParameterInfo
from backends.simulator.powershell.cmdlets.registry import Command as Runnable
from backends.simulator.powershell.endpoint import Configuration, function, function_info, restricted_configuration
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Terminated
from backends.simulator.powershell.statements import statement

NAME: Final = "CheckpointBot"
"""Of the module, and of the session configuration unless it is registered under another."""

NEW_PROPERTIES: Final = frozenset({"ReplicationMode"})
"""Of a VM, since version 2."""

OPTIONAL, REQUIRED = Membership(), Membership(required=True)
HOST, VM, CHECKPOINT, PATH = "Host", "VM", "Checkpoint", "Path"

_Parameters = Mapping[str, tuple[str, Mapping[str, Membership]]]
_Ask = Callable[[Call], Iterable[Pipeline]]

_VM_ID: Final[_Parameters] = {"VMId": ("guid", {"*": REQUIRED})}
_CHECKPOINT_ID: Final[_Parameters] = {"CheckpointId": ("guid", {"*": REQUIRED})}
_PERHAPS_VM_ID: Final[_Parameters] = {"VMId": ("guid", {"*": OPTIONAL})}
_EVENTS: Final[_Parameters] = {
    "LogName": ("string", {"*": REQUIRED}),
    "Since": ("string", {"*": REQUIRED}),
    "MaxEvents": ("int", {"*": REQUIRED}),
}
_NAME: Final[_Parameters] = {"Name": ("string", {"*": REQUIRED})}


def bot_configuration(
    name: str = NAME, *, version: int = ENDPOINT_VERSION, modules: Iterable[str] | None = None
) -> Configuration:
    """The endpoint as Register-CheckpointBotEndpoint.ps1 sets it up: the module's functions and nothing else, over the
    modules that its role imports. One of an older `version` shows fewer properties of VMs."""
    loaded = role_modules() if modules is None else modules
    return restricted_configuration(name, tuple(_functions(version)), modules=loaded)


def role_modules() -> tuple[str, ...]:
    """The modules that the role capability of the endpoint imports, and the one that the script adds on hosts that have
    it."""
    file = resources.files("backends.hyperv") / "endpoint" / NAME / "RoleCapabilities" / f"{NAME}.psrc"
    named = re.search(r"(?m)^\s*ModulesToImport = @\((.*)\)", file.read_text("utf-8"))
    return (*re.findall(r"'([^']+)'", named[1]), "FailoverClusters") if named else ()


def _functions(version: int) -> Iterator[Runnable]:
    ask = Plain()
    yield function(function_info("Get-CheckpointBotEndpoint", NAME, ()), lambda _: [json.dumps({"Version": version})])
    yield _over("Get-CheckpointBotVM", _PERHAPS_VM_ID, lambda call: [_shown(ask.vms(_vm(call)), version)])
    yield _over(
        "Get-CheckpointBotCheckpoint",
        {"VMId": ("guid", {VM: REQUIRED}), "CheckpointId": ("guid", {CHECKPOINT: REQUIRED})},
        lambda call: [ask.checkpoint(_id(call)) if call.given("CheckpointId") else ask.checkpoints(_vm(call))],
        default_set=HOST,
    )
    yield _over("Get-CheckpointBotDrive", _PERHAPS_VM_ID, lambda call: ask.drives(_vm(call)))
    yield _over(
        "Get-CheckpointBotFile",
        {"VMId": ("guid", {VM: REQUIRED}), "Path": ("string[]", {PATH: REQUIRED})},
        lambda call: [ask.files_at(_files(call))] if call.given("Path") else ask.files(_vm(call)),
        default_set=HOST,
    )
    yield _over("Get-CheckpointBotVolume", {}, lambda _: [ask.volumes()])
    if version >= TELLS_EVENTS:
        yield _over("Get-CheckpointBotEvent", _EVENTS, lambda call: ask.events(*_which_events(call)) or ())
        folders: _Parameters = {"Path": ("string[]", {"*": REQUIRED})}
        yield _over("Get-CheckpointBotFolder", folders, lambda call: [ask.folder_files(_folders(call)) or ()])
    if version >= TELLS_CLUSTERS:
        yield _over("Get-CheckpointBotCluster", {}, lambda _: ask.cluster() or ())
    yield _over(
        "New-CheckpointBotCheckpoint",
        {**_VM_ID, **_NAME},
        lambda call: [ask.create(_vm(call) or "", _name(call))],
    )
    yield _over("Restore-CheckpointBotCheckpoint", _CHECKPOINT_ID, lambda call: [ask.apply(_id(call))])
    yield _over(
        "Remove-CheckpointBotCheckpoint",
        {**_CHECKPOINT_ID, "Subtree": ("switch", {"*": OPTIONAL})},
        lambda call: [ask.delete(_id(call), subtree=call.flag("Subtree"))],
    )
    yield _over(
        "Rename-CheckpointBotCheckpoint",
        {**_CHECKPOINT_ID, **_NAME},
        lambda call: [ask.rename(_id(call), _name(call))],
    )
    yield _over(
        "Export-CheckpointBotCheckpoint",
        {**_CHECKPOINT_ID, "Path": ("string", {"*": REQUIRED})},
        lambda call: [ask.export(_id(call), _folder(call))],
    )
    yield _over(
        "Set-CheckpointBotVM",
        {
            **_VM_ID,
            "CheckpointType": ("string", {"*": OPTIONAL}),
            "AutomaticCheckpointsEnabled": ("bool", {"*": OPTIONAL}),
        },
        lambda call: [ask.configure(_vm(call) or "", _type(call), _automatic(call))],
    )
    yield _over("Start-CheckpointBotVM", _VM_ID, lambda call: [ask.start(_vm(call) or "")])


def _over(name: str, parameters: _Parameters, ask: _Ask, *, default_set: str = "*") -> Runnable:
    """A function that runs the plain pipelines which `ask` makes of its parameters."""
    infos = [ParameterInfo(key, kind, sets) for key, (kind, sets) in parameters.items()]

    def run(call: Call) -> Iterator[object]:
        for pipeline in ask(call):
            try:
                yield from call.stage.start(statement(pipeline))
            except Terminated as end:  # ends the statement, and not the function
                call.write_error(end.error)

    return function(function_info(name, NAME, infos, default_set=default_set), run)


def _shown(vms: Pipeline, version: int) -> Pipeline:
    """The pipeline with the properties that the endpoint's version shows."""
    if version >= TELLS_REPLICAS:
        return vms
    find, select, write = vms
    names = select.parameters["Property"]
    older = tuple(name for name in names if name not in NEW_PROPERTIES) if isinstance(names, tuple) else names
    return find, Cmdlet(select.name, {"Property": older}), write


def _vm(call: Call) -> str | None:
    return next(iter(call.guids("VMId")), None)


def _id(call: Call) -> str:
    return call.guids("CheckpointId")[0]


def _type(call: Call) -> CheckpointType | None:
    wanted = call.text("CheckpointType")
    if wanted is None:
        return None
    names = {one.name.replace("_", "").casefold(): one for one in CheckpointType if one is not CheckpointType.UNKNOWN}
    _require(wanted.casefold() in names, "CheckpointType", wanted)
    return names[wanted.casefold()]


def _automatic(call: Call) -> bool | None:
    return call.flag("AutomaticCheckpointsEnabled") if call.given("AutomaticCheckpointsEnabled") else None


def _name(call: Call) -> str:
    name = call.text("Name") or ""
    _require(1 <= len(name) <= MAX_NAME, "Name", name)
    return name


def _folder(call: Call) -> str:
    path = call.text("Path") or ""
    _require(re.search(r"^[A-Za-z]:\\", path) is not None, "Path", path)
    return path


def _which_events(call: Call) -> tuple[EventLog, datetime, int]:
    log, since, most = call.text("LogName") or "", call.text("Since") or "", call.number("MaxEvents") or 0
    _require(log in set(EventLog), "LogName", log)
    _require(re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", since) is not None, "Since", since)
    _require(1 <= most <= 5000, "MaxEvents", str(most))
    return EventLog(log), datetime.fromisoformat(since), most


def _folders(call: Call) -> tuple[str, ...]:
    paths = tuple(call.texts("Path"))
    for path in paths:
        _require(re.search(r"^([A-Za-z]:\\|\\\\)[^*?]*$", path) is not None, "Path", path)
    return paths


def _files(call: Call) -> tuple[str, ...]:
    paths = tuple(call.texts("Path"))
    for path in paths:
        _require(re.search(r"\.(a?vhdx?|vhds)$", path, re.IGNORECASE) is not None, "Path", path)
    return paths


def _require(holds: bool, parameter: str, value: str) -> None:
    if not holds:
        raise ShellError(
            "ParameterArgumentValidationError",
            Category.InvalidData,
            "argument-invalid",
            parameter=parameter,
            value=value,
        )

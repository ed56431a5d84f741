"""The bot's own JEA endpoint on a simulated host: the functions of the module CheckpointBot.

Each does on the host what the bot's pipelines for a plain endpoint do from afar, so it runs just those, over all
cmdlets, and checks its parameters as the module does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from backends.base import MAX_NAME, CheckpointType
from backends.hyperv.pipelines import ENDPOINT_VERSION, Plain
from backends.remoting import Pipeline
from backends.simulator.binding.metadata import ALL_SETS, Membership, ParameterInfo
from backends.simulator.cmdlets.registry import Command as Runnable
from backends.simulator.endpoint import Configuration, function, function_info, restricted_configuration
from backends.simulator.errors import Category, ShellError
from backends.simulator.runtime import Call
from backends.simulator.statements import statement

NAME: Final = "CheckpointBot"
"""The session configuration's name, and the module's."""

Answers = Callable[[Call], Iterable[Pipeline]]
"""The pipelines whose answers a function gives, for one call of it."""

_PLAIN = Plain()
_TYPES = {one.label.title().replace(" ", ""): one for one in CheckpointType if one is not CheckpointType.UNKNOWN}
_DISK_FILE = re.compile(r"\.(a?vhdx?|vhds)$", re.IGNORECASE)
_LOCAL_PATH = re.compile(r"^[A-Za-z]:\\")
_REQUIRED = {ALL_SETS: Membership(required=True)}
_OPTIONAL = {ALL_SETS: Membership()}


def bot_configuration(name: str = NAME) -> Configuration:
    """The endpoint as `Register-CheckpointBotEndpoint.ps1` registers it."""
    return restricted_configuration(name, [VERSION, *(_function(*row) for row in FUNCTIONS)])


def _function(name: str, parameters: tuple[ParameterInfo, ...], answers: Answers) -> Runnable:
    def run(call: Call) -> Iterator[object]:
        for pipeline in answers(call):
            yield from call.stage.start(statement(pipeline))

    default_set = "Host" if any(ALL_SETS not in one.sets for one in parameters) else ALL_SETS
    return function(function_info(name, NAME, parameters, default_set=default_set), run)


def _version(_call: Call) -> Iterator[object]:
    yield f'{{"Version":{ENDPOINT_VERSION}}}'


def _vm(call: Call) -> str | None:
    return next(iter(call.guids("VMId")), None)


def _id(call: Call, name: str) -> str:
    return call.guids(name)[0]


def _checkpoints(call: Call) -> list[Pipeline]:
    checkpoint = call.guids("CheckpointId")
    return [_PLAIN.checkpoint(checkpoint[0]) if checkpoint else _PLAIN.checkpoints(_vm(call))]


def _files(call: Call) -> Iterable[Pipeline]:
    paths = call.texts("Path")
    for path in paths:
        _require(_DISK_FILE.search(path) is not None, "Path", path)
    return [_PLAIN.files_at(tuple(paths))] if paths else _PLAIN.files(_vm(call))


def _name(call: Call) -> str:
    name = call.text("Name") or ""
    _require(1 <= len(name) <= MAX_NAME, "Name", name)
    return name


def _export(call: Call) -> list[Pipeline]:
    path = call.text("Path") or ""
    _require(_LOCAL_PATH.search(path) is not None, "Path", path)
    return [_PLAIN.export(_id(call, "CheckpointId"), path)]


def _configure(call: Call) -> list[Pipeline]:
    given = call.text("CheckpointType")
    types = {name.casefold(): one for name, one in _TYPES.items()}
    _require(given is None or given.casefold() in types, "CheckpointType", given or "")
    automatic = call.flag("AutomaticCheckpointsEnabled") if call.given("AutomaticCheckpointsEnabled") else None
    return [_PLAIN.configure(_id(call, "VMId"), types[given.casefold()] if given else None, automatic)]


def _require(holds: bool, parameter: str, value: str) -> None:
    if not holds:
        raise ShellError(
            "ParameterArgumentValidationError",
            Category.InvalidData,
            "argument-invalid",
            parameter=parameter,
            value=value,
        )


def _guid(name: str, sets: dict[str, Membership]) -> ParameterInfo:
    return ParameterInfo(name, "guid", sets)


def _of_set(name: str) -> dict[str, Membership]:
    return {name: Membership(required=True)}


VM_ID = _guid("VMId", _REQUIRED)
ANY_VM_ID = _guid("VMId", _OPTIONAL)
CHECKPOINT_ID = _guid("CheckpointId", _REQUIRED)
CHECKPOINT_NAME = ParameterInfo("Name", "string", _REQUIRED)

FUNCTIONS: tuple[tuple[str, tuple[ParameterInfo, ...], Answers], ...] = (
    ("Get-CheckpointBotVM", (ANY_VM_ID,), lambda call: [_PLAIN.vms(_vm(call))]),
    (
        "Get-CheckpointBotCheckpoint",
        (_guid("VMId", _of_set("VM")), _guid("CheckpointId", _of_set("Checkpoint"))),
        _checkpoints,
    ),
    ("Get-CheckpointBotDrive", (ANY_VM_ID,), lambda call: _PLAIN.drives(_vm(call))),
    (
        "Get-CheckpointBotFile",
        (_guid("VMId", _of_set("VM")), ParameterInfo("Path", "string[]", _of_set("Path"))),
        _files,
    ),
    ("Get-CheckpointBotVolume", (), lambda _: [_PLAIN.volumes()]),
    (
        "New-CheckpointBotCheckpoint",
        (VM_ID, CHECKPOINT_NAME),
        lambda call: [_PLAIN.create(_id(call, "VMId"), _name(call))],
    ),
    (
        "Restore-CheckpointBotCheckpoint",
        (CHECKPOINT_ID,),
        lambda call: [_PLAIN.apply(_id(call, "CheckpointId"))],
    ),
    (
        "Remove-CheckpointBotCheckpoint",
        (CHECKPOINT_ID, ParameterInfo("Subtree", "switch", _OPTIONAL)),
        lambda call: [_PLAIN.delete(_id(call, "CheckpointId"), subtree=call.flag("Subtree"))],
    ),
    (
        "Rename-CheckpointBotCheckpoint",
        (CHECKPOINT_ID, CHECKPOINT_NAME),
        lambda call: [_PLAIN.rename(_id(call, "CheckpointId"), _name(call))],
    ),
    ("Export-CheckpointBotCheckpoint", (CHECKPOINT_ID, ParameterInfo("Path", "string", _REQUIRED)), _export),
    (
        "Set-CheckpointBotVM",
        (
            VM_ID,
            ParameterInfo("CheckpointType", "string", _OPTIONAL),
            ParameterInfo("AutomaticCheckpointsEnabled", "bool", _OPTIONAL),
        ),
        _configure,
    ),
    ("Start-CheckpointBotVM", (VM_ID,), lambda call: [_PLAIN.start(_id(call, "VMId"))]),
    ("Save-CheckpointBotVM", (VM_ID,), lambda call: [_PLAIN.save(_id(call, "VMId"))]),
)

VERSION = function(function_info("Get-CheckpointBotEndpoint", NAME, ()), _version)

"""Get-Command, by which a client finds out what an endpoint offers; and Out-Default, which passes everything on."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.enums import enum_value
from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.binding.metadata import CommandInfo
from backends.simulator.powershell.cmdlets.registry import cmdlet, whole_input
from backends.simulator.powershell.cmdlets.targets import matching
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance
from backends.simulator.powershell.wildcards import has_wildcards

AUTOMATION = "System.Management.Automation."
CMDLET, FUNCTION = 8, 2


@cmdlet("Get-Command")
def get_commands(call: Call) -> Iterator[Instance]:
    """The commands that the endpoint shows. A name without wildcards that hits none is an error."""
    infos = {info.name: info for info in call.stage.visible.values()}.values()
    for name in call.texts("Name") or ["*"]:
        hits = [info for info in infos if matching(name, info.name) and _asked_for(call, info)]
        if not hits and not has_wildcards(name):
            error = ShellError(
                "CommandNotFoundException",
                Category.ObjectNotFound,
                "command-not-found",
                exception_type=AUTOMATION + "CommandNotFoundException",
                name=name,
            )
            call.write_error(error.data(call.host.spec.language, call.name, call.stage.info.class_name))
        yield from (_described(info) for info in hits)


@whole_input("Out-Default")
def out_default(_call: Call, values: Iterator[object]) -> Iterator[object]:
    return values


def _asked_for(call: Call, info: CommandInfo) -> bool:
    verb, _, noun = info.name.partition("-")
    given = ((call.texts("Module"), info.module), (call.texts("Verb"), verb), (call.texts("Noun"), noun))
    kind = call.number("CommandType")
    return all(not patterns or any(matching(one, text) for one in patterns) for patterns, text in given) and kind in (
        None,
        _kind(info),
    )


def _kind(info: CommandInfo) -> int:
    return FUNCTION if info.is_function else CMDLET


def _described(info: CommandInfo) -> Instance:
    kind = "FunctionInfo" if info.is_function else "CmdletInfo"
    properties: dict[str, object] = {
        "Name": info.name,
        "CommandType": enum_value(AUTOMATION + "CommandTypes", _kind(info)),
        "ModuleName": info.module,
        "Source": info.module,
    }
    types = (AUTOMATION + kind, AUTOMATION + "CommandInfo", "System.Object")
    return Instance(types, properties, info.name)

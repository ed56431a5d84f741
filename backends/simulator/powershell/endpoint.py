"""Session configurations of a simulated host: what an endpoint shows, and the functions that it adds.

A plain endpoint shows every cmdlet. A JEA endpoint (Just Enough Administration) of type RestrictedRemoteServer shows a
few commands of its own and those that its role names, takes no script text (NoLanguage), and says of everything else
that there is no such command.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.binding.metadata import (
    ALL_SETS,
    CommandInfo,
    Membership,
    ParameterInfo,
    command_info,
)
from backends.simulator.powershell.cmdlets.commands import get_commands
from backends.simulator.powershell.cmdlets.registry import Command, PerRecord, all_cmdlets
from backends.simulator.powershell.cmdlets.select import select
from backends.simulator.powershell.runtime import Call

PLAIN_NAME = "Microsoft.PowerShell"

SELECTABLE = frozenset(
    (
        "ModuleName",
        "Namespace",
        "OutputType",
        "Count",
        "HelpUri",
        "Name",
        "CommandType",
        "ResolvedCommandName",
        "DefaultParameterSet",
        "CmdletBinding",
        "Parameters",
    )
)
"""The only properties that Select-Object of a restricted endpoint takes: those that implicit remoting asks for."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A session configuration: its name, the commands it shows by name in lower case, and whether script text runs."""

    name: str
    commands: Mapping[str, Command]
    no_language: bool = False
    inside: Mapping[str, Command] = field(default_factory=dict)
    """What the endpoint's own functions can call."""

    def find(self, name: str) -> Command:
        """The command of that name, in any case and with or without its module. Raises `ShellError`."""
        module, _, short = name.rpartition("\\")
        found = self.commands.get(short.casefold())
        if found is None or (module and module.casefold() != found.info.module.casefold()):
            raise ShellError(
                "CommandNotFoundException",
                Category.ObjectNotFound,
                "command-not-found",
                exception_type="System.Management.Automation.CommandNotFoundException",
                name=name,
            )
        return found


def plain_configuration(name: str = PLAIN_NAME, *, without: str = "") -> Configuration:
    """Every cmdlet, as on `Microsoft.PowerShell`, but for those of a module that the host does not have."""
    cmdlets = {key: one for key, one in all_cmdlets().items() if one.info.module != without}
    return Configuration(name, cmdlets, inside=cmdlets)


def restricted_configuration(
    name: str,
    functions: Iterable[Command] = (),
    visible_cmdlets: Iterable[str] = (),
    *,
    modules: Iterable[str] | None = None,
) -> Configuration:
    """A JEA endpoint with these functions and cmdlets, next to what every RestrictedRemoteServer has. Modules are not
    loaded by themselves there: the functions can call into `modules` alone (None: into all)."""
    cmdlets = all_cmdlets()
    shown = [SELECT_PROXY, GET_COMMAND_PROXY, cmdlets["out-default"], *functions]
    shown += [cmdlets[cmdlet.rpartition("\\")[2].casefold()] for cmdlet in visible_cmdlets]
    loaded = None if modules is None else {one.casefold() for one in modules}
    inside = {key: one for key, one in cmdlets.items() if loaded is None or one.info.module.casefold() in loaded}
    return Configuration(name, {one.info.name.casefold(): one for one in shown}, no_language=True, inside=inside)


def function(info: CommandInfo, run: PerRecord) -> Command:
    """A function of an endpoint's module. `run` may start pipelines over all cmdlets with `call.stage.start`."""
    return Command(info, per_record=run)


def function_info(
    name: str, module: str, parameters: Iterable[ParameterInfo], *, default_set: str = ALL_SETS
) -> CommandInfo:
    """What such a function takes. Its error ids end in its name, where a cmdlet's end in its class."""
    return command_info(name, name, module, parameters, default_set=default_set, is_function=True)


def _proxy(name: str, parameters: Mapping[str, tuple[str, Membership]]) -> CommandInfo:
    infos = [ParameterInfo(key, type, {ALL_SETS: at}) for key, (type, at) in parameters.items()]
    return function_info(name, "", infos)


def _restricted_select(call: Call, values: Iterator[object]) -> Iterator[object]:
    for name in call.texts("Property"):
        if name not in SELECTABLE:
            raise ShellError(
                "ParameterArgumentValidationError",
                Category.InvalidData,
                "argument-invalid",
                parameter="Property",
                value=name,
            )
    return select(call, values)


SELECT_PROXY = Command(
    _proxy(
        "Select-Object",
        {"Property": ("string[]", Membership()), "InputObject": ("psobject", Membership(by_value=True))},
    ),
    whole_input=_restricted_select,
)
GET_COMMAND_PROXY = Command(
    _proxy(
        "Get-Command",
        {
            "Name": ("string[]", Membership(position=0, by_property=True)),
            "Module": ("string[]", Membership(by_property=True)),
            "CommandType": ("System.Management.Automation.CommandTypes", Membership()),
        },
    ),
    per_record=get_commands,
)

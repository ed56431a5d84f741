"""What commands take: parameters, their types, aliases and sets, as the modules of Windows declare them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

ALL_SETS = "*"
"""In a parameter's sets: it belongs to every one."""

HIGH = "High"


@dataclass(frozen=True, slots=True)
class Membership:
    """How a parameter stands in one parameter set."""

    required: bool = False
    position: int | None = None
    by_value: bool = False
    by_property: bool = False


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """One parameter. `type` is the .NET type as help writes it: `string[]`, `System.Nullable[guid]`."""

    name: str
    type: str
    sets: Mapping[str, Membership]
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def is_switch(self) -> bool:
        return self.type == "switch"

    def membership(self, parameter_set: str) -> Membership | None:
        return self.sets.get(parameter_set) or self.sets.get(ALL_SETS)

    def within(self, sets: frozenset[str]) -> frozenset[str]:
        """Those of `sets` that it belongs to."""
        return sets if ALL_SETS in self.sets else sets & self.sets.keys()


@dataclass(frozen=True, slots=True)
class CommandInfo:
    """One cmdlet, or function of an endpoint."""

    name: str
    class_name: str
    """What stands behind the comma of its error ids: the .NET class of a cmdlet, the name of a function."""
    module: str
    default_set: str
    parameters: tuple[ParameterInfo, ...]
    confirm_impact: str | None = None
    """None when it does not support -Confirm and -WhatIf."""
    aliases: tuple[str, ...] = ()
    is_function: bool = False
    sets: frozenset[str] = frozenset()
    required: tuple[ParameterInfo, ...] = ()
    """Those that some set requires."""
    piped: tuple[ParameterInfo, ...] = ()
    """Those that some set takes from the pipeline."""


def command_info(
    name: str,
    class_name: str,
    module: str,
    parameters: Iterable[ParameterInfo],
    *,
    default_set: str = ALL_SETS,
    confirm_impact: str | None = None,
    aliases: Iterable[str] = (),
    is_function: bool = False,
) -> CommandInfo:
    """A command with its sets, and the common parameters that it has beside its own."""
    own = tuple(parameters)
    sets = frozenset(name for one in own for name in one.sets if name != ALL_SETS) | {default_set}
    common = COMMON + (CONFIRMING if confirm_impact else ())
    return CommandInfo(
        name=name,
        class_name=class_name,
        module=module,
        default_set=default_set,
        parameters=own + common,
        confirm_impact=confirm_impact,
        aliases=tuple(aliases),
        is_function=is_function,
        sets=sets,
        required=tuple(one for one in own if any(at.required for at in one.sets.values())),
        piped=tuple(one for one in own if any(at.by_value or at.by_property for at in one.sets.values())),
    )


@cache
def catalogue() -> Mapping[str, CommandInfo]:
    """Every cmdlet of the simulated hosts, by name and alias in lower case."""
    text = (resources.files("backends.simulator.powershell") / "cmdlets.json").read_text("utf-8")
    infos = [_read(name, entry) for name, entry in json.loads(text).items()]
    return {key.casefold(): info for info in infos for key in (info.name, *info.aliases)}


def _read(name: str, entry: Mapping[str, object]) -> CommandInfo:
    parameters, aliases = entry["parameters"], entry["aliases"]
    if not isinstance(parameters, dict) or not isinstance(aliases, list):
        raise TypeError(f"{name}: parameters and aliases of cmdlets.json")
    infos = [
        ParameterInfo(
            name=parameter,
            type=details["type"],
            sets={key: _membership(words) for key, words in details["sets"].items()},
            aliases=tuple(details.get("aliases", ())),
        )
        for parameter, details in parameters.items()
    ]
    confirm = entry["confirm"]
    return command_info(
        name,
        str(entry["class"]),
        str(entry["module"]),
        infos,
        default_set=str(entry["default"]),
        confirm_impact=str(confirm) if confirm else None,
        aliases=aliases,
    )


def _membership(text: str) -> Membership:
    words = text.split()
    position = next((int(word[1:]) for word in words if word.startswith("@")), None)
    return Membership("required" in words, position, "value" in words, "property" in words)


def _common(name: str, type: str, alias: str) -> ParameterInfo:
    return ParameterInfo(name, type, {ALL_SETS: Membership()}, (alias,))


ACTION = "System.Management.Automation.ActionPreference"

COMMON = (
    _common("Verbose", "switch", "vb"),
    _common("Debug", "switch", "db"),
    _common("ErrorAction", ACTION, "ea"),
    _common("WarningAction", ACTION, "wa"),
    _common("InformationAction", ACTION, "infa"),
    _common("ErrorVariable", "string", "ev"),
    _common("WarningVariable", "string", "wv"),
    _common("InformationVariable", "string", "iv"),
    _common("OutVariable", "string", "ov"),
    _common("OutBuffer", "int", "ob"),
    _common("PipelineVariable", "string", "pv"),
)
CONFIRMING = (_common("WhatIf", "switch", "wi"), _common("Confirm", "switch", "cf"))
"""Only of commands that support ShouldProcess."""

"""The commands of a pipeline as a client sent them, in the seam's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from psrpcore import Command as PSCommand
from psrpcore import PowerShell
from psrpcore.types import PSChar, PSDictBase, PSGuid, PSObject

from backends.simulator.powershell.shell import Command, Instance, Parameter, Statement


def read_statements(pipeline: PowerShell) -> tuple[Statement, ...]:
    """The statements in their order."""
    return tuple(_statements(pipeline))


def plain(value: object) -> object:
    """A value of psrpcore's as text, number, bool, None, UUID, bytes, list, dict, or an `Instance` of anything that has
    properties. Enums become their numbers; dates, spans and other types without an equal their text."""
    if value is None or isinstance(value, bool):
        return value
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    return _object(value) if isinstance(value, PSObject) else str(value)


def _statements(pipeline: PowerShell) -> Iterator[Statement]:
    commands: list[Command] = []
    for command in pipeline.commands:
        commands.append(_command(command))
        if command.end_of_statement:
            yield tuple(commands)
            commands = []


def _command(command: PSCommand) -> Command:
    parameters = tuple(Parameter(None if name is None else str(name), plain(v)) for name, v in command.parameters)
    return Command(str(plain(command.command_text)), parameters, is_script=bool(command.is_script))


def _list(values: Iterable[object]) -> list[object]:
    return [plain(value) for value in values]


def _dict(values: Mapping[object, object]) -> dict[object, object]:
    return {plain(key): plain(value) for key, value in values.items()}


def _object(value: PSObject) -> object:
    meta = value.PSObject
    properties = {p.name: plain(p.get_value(value)) for p in (*meta.adapted_properties, *meta.extended_properties)}
    if not properties and type(value) is not PSObject:
        return str(value)
    return Instance(tuple(meta.type_names), properties, meta.to_string)


_FORMS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (PSChar, str),
    (str, str.__str__),
    (int, int),
    (float, float),
    (bytes, bytes),
    (PSGuid, lambda value: UUID(str(value))),
    (list, _list),
    ((dict, PSDictBase), _dict),
)

"""The commands of a pipeline as a client sent them, in the seam's form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from psrpcore import Command as PSCommand
from psrpcore import PowerShell
from psrpcore.types import PSDictBase, PSGuid, PSListBase, PSObject

from backends.simulator.shell import Command, Instance, Parameter, Statement


def read_statements(pipeline: PowerShell) -> tuple[Statement, ...]:
    return tuple(_statements(pipeline))


def plain(value: object) -> object:
    """A value of psrpcore's as one of Python's. Objects that have no equal become an `Instance`."""
    if value is None or isinstance(value, bool):
        return value
    for kind, form in _FORMS:
        if isinstance(value, kind):
            return form(value)
    return str(value)


def _statements(pipeline: PowerShell) -> Iterator[Statement]:
    commands: list[Command] = []
    for command in pipeline.commands:
        commands.append(_command(command))
        if command.end_of_statement:
            yield tuple(commands)
            commands = []
    if commands:
        yield tuple(commands)


def _command(command: PSCommand) -> Command:
    parameters = tuple(Parameter(None if name is None else _text(name), plain(v)) for name, v in command.parameters)
    return Command(_text(command.command_text), parameters, is_script=bool(command.is_script))


def _text(value: Iterable[str]) -> str:
    """The characters without psrpcore's wrapping."""
    return "".join(value)


def _list(values: Iterable[object]) -> list[object]:
    return [plain(value) for value in values]


def _dict(values: Mapping[object, object]) -> dict[object, object]:
    return {plain(key): plain(value) for key, value in values.items()}


def _instance(value: PSObject) -> Instance:
    ets = value.PSObject
    properties = (*ets.adapted_properties, *ets.extended_properties)
    return Instance(tuple(ets.type_names), {p.name: plain(p.get_value(value)) for p in properties}, ets.to_string)


_FORMS: tuple[tuple[type | tuple[type, ...], Callable[[Any], object]], ...] = (
    (str, _text),
    (int, int),
    (float, float),
    (bytes, bytes),
    (PSGuid, lambda value: UUID(str(value))),
    (datetime, lambda value: value),
    (timedelta, lambda value: value),
    ((list, PSListBase), _list),
    ((dict, PSDictBase), _dict),
    (PSObject, _instance),
)

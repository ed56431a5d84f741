"""A pipeline as the bot writes it, in the form in which commands reach an interpreter."""

from __future__ import annotations

from backends.remoting import Argument, Cmdlet, Pipeline
from backends.simulator.powershell.shell import Command, Parameter, Statement


def statement(pipeline: Pipeline) -> Statement:
    return tuple(_command(cmdlet) for cmdlet in pipeline)


def _command(cmdlet: Cmdlet) -> Command:
    return Command(cmdlet.name, tuple(Parameter(name, _value(value)) for name, value in cmdlet.parameters.items()))


def _value(value: Argument) -> object:
    return list(value) if isinstance(value, tuple) else value

"""The seam inside the simulator: a PowerShell that runs commands over the model, and whoever carries its streams.

`Interpreter` (over the fleet) stands on one side; on the other the WinRM server, which turns the objects into CLIXML,
and the in-process session, which turns them into plain values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from backends.simulator.model.errors import ErrorData


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument as it came: named, positional (`name` is None) or a switch (`value` is None)."""

    name: str | None
    value: object


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it came from a client, not yet bound to a cmdlet."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    is_script: bool = False


Statement = tuple[Command, ...]
"""Commands joined by the pipe."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A .NET object as it travels: its type names, most derived first, its properties, and its ToString()."""

    type_names: tuple[str, ...]
    properties: dict[str, object] = field(default_factory=dict)
    text: str | None = None


class Sink(Protocol):
    """Where the streams of a running pipeline go."""

    def output(self, value: object) -> None:
        """An `Instance`, `EnumValue`, text, number, bool, None, datetime (UTC), timedelta, UUID, list or dict."""

    def error(self, error: ErrorData) -> None: ...

    def warning(self, text: str) -> None: ...

    def progress(self, activity: str, percent: int) -> None: ...


class Terminated(Exception):
    """An error ended the pipeline: the client sees its state as Failed."""

    def __init__(self, error: ErrorData) -> None:
        super().__init__(error.message)
        self.error = error


class Interpreter(Protocol):
    """The PowerShell of one simulated host."""

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str) -> None:
        """Run the statements one after the other in the session configuration of that name
        (`Microsoft.PowerShell`, or a JEA endpoint's). Raises `Terminated`. `stop` is set when the client asks for an
        end or is gone: what Hyper-V has begun goes on all the same, as on a real host."""

    def has_configuration(self, name: str) -> bool: ...

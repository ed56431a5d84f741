"""A command of a running pipeline, as the code of a cmdlet sees it: its bound parameters and its streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from threading import Event
from typing import TypeVar
from uuid import UUID

from backends.simulator.model.enums import EnumValue
from backends.simulator.model.errors import Category, ErrorData, HostError, ShellError
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import Job
from backends.simulator.model.texts import text
from backends.simulator.powershell.binding.metadata import HIGH, CommandInfo
from backends.simulator.powershell.objects.base import HostObject
from backends.simulator.powershell.shell import Sink, Statement, Terminated

Found = TypeVar("Found", bound=HostObject)

STOP = 1
"""`-ErrorAction Stop`: the error ends the pipeline."""
QUIET = (0, 4)
"""`-ErrorAction SilentlyContinue` and `Ignore`."""


class Stopped(Exception):
    """The client asked for an end, or is gone."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What all calls of one command in one pipeline share."""

    host: SimulatedHost
    info: CommandInfo
    sink: Sink
    stop: Event
    visible: Mapping[str, CommandInfo]
    """The commands of the endpoint, by name in lower case."""
    start: Callable[[Statement], Iterator[object]]
    """Runs a pipeline inside this command, with all cmdlets at hand as in a module of the host."""


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a command: for the command line, or for one object of the pipeline."""

    stage: Stage
    parameter_set: str
    values: Mapping[str, object]

    @property
    def host(self) -> SimulatedHost:
        return self.stage.host

    @property
    def name(self) -> str:
        return self.stage.info.name

    def given(self, name: str) -> bool:
        return name in self.values

    def flag(self, name: str) -> bool:
        return self.values.get(name) is True

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def texts(self, name: str) -> list[str]:
        value = self.values.get(name)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def number(self, name: str) -> int | None:
        value = self.values.get(name)
        if isinstance(value, EnumValue):
            return value.number
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def guids(self, name: str) -> list[str]:
        value = self.values.get(name)
        return [str(item) for item in (value if isinstance(value, list) else [value]) if isinstance(item, UUID)]

    def objects(self, name: str, kind: type[Found]) -> list[Found]:
        value = self.values.get(name)
        return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, kind)]

    def fail(self, error: HostError, target: str | None = None) -> None:
        """Write a non-terminating error, as `-ErrorAction` says. Raises `Terminated` when it says Stop."""
        self.write_error(error.data(self.host.spec.language, self.name, self.stage.info.class_name, target))

    def write_error(self, data: ErrorData) -> None:
        action = self.number("ErrorAction")
        if action == STOP:
            raise Terminated(data)
        if action not in QUIET:
            self.stage.sink.error(data)

    def warn(self, key: str) -> None:
        if self.number("WarningAction") not in QUIET:
            self.stage.sink.warning(text(self.host.spec.language, key))

    def wait(self, job: Job) -> None:
        """Wait for Hyper-V, telling the client how far it is. Raises `Stopped`; Hyper-V goes on then."""
        self.host.wait(job, lambda percent: self.stage.sink.progress(self.name, percent), self.stage.stop)
        if self.stage.stop.is_set():
            raise Stopped

    def should_process(self) -> bool:
        """Whether to go on. Nobody is there to answer a prompt, so where PowerShell would ask, the command fails.
        Raises `ShellError`."""
        if self.flag("WhatIf"):
            return False
        asks = self.flag("Confirm") if self.given("Confirm") else self.stage.info.confirm_impact == HIGH
        if asks:
            raise ShellError(
                "HostFunctionNotImplemented",
                Category.NotImplemented,
                "no-prompt",
                exception_type="System.Management.Automation.Host.HostException",
                name=self.name,
            )
        return True

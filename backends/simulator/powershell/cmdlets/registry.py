"""Which function runs which command."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module

from backends.simulator.powershell.binding.metadata import CommandInfo, catalogue
from backends.simulator.powershell.runtime import Call

PerRecord = Callable[[Call], Iterable[object]]
"""Runs once for the command line, or once for each object of the pipeline."""
WholeInput = Callable[[Call, Iterator[object]], Iterator[object]]
"""Runs once over all that comes down the pipeline."""

MODULES = (
    "checkpoints",
    "cim",
    "clusters",
    "commands",
    "disks",
    "events",
    "folders",
    "hosts",
    "json",
    "power",
    "select",
    "vms",
)


@dataclass(frozen=True, slots=True)
class Command:
    """A command that an endpoint can run: what it takes and what runs it."""

    info: CommandInfo
    per_record: PerRecord | None = None
    whole_input: WholeInput | None = None


_per_record: dict[str, PerRecord] = {}
_whole_input: dict[str, WholeInput] = {}


def cmdlet(name: str) -> Callable[[PerRecord], PerRecord]:
    """The function below runs the cmdlet of that name."""

    def register(function: PerRecord) -> PerRecord:
        _per_record[name] = function
        return function

    return register


def whole_input(name: str) -> Callable[[WholeInput], WholeInput]:
    """The function below runs the cmdlet of that name, over its whole input."""

    def register(function: WholeInput) -> WholeInput:
        _whole_input[name] = function
        return function

    return register


@cache
def all_cmdlets() -> dict[str, Command]:
    """Every cmdlet by name and alias in lower case."""
    for module in MODULES:
        import_module(f"backends.simulator.powershell.cmdlets.{module}")
    return {
        key: Command(info, _per_record.get(info.name), _whole_input.get(info.name)) for key, info in catalogue().items()
    }

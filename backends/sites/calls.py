"""What can be called at a site: the methods of a `Backend`, how long each may take, and how its values are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from backends.base import (
    Backend,
    Checkpoint,
    CheckpointType,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    VMInventory,
    Volume,
)
from backends.base.written import HostError, Kind, Record, Writing

KINDS: Final[Mapping[str, Kind]] = {
    "vm": Record(VMInventory),
    "host": Record(HostInventory),
    "checkpoint": Record(Checkpoint),
    "facts": Record(HostFacts),
    "events": Record(HostEvents),
    "folder files": Record(FolderFiles),
    "volume": Record(Volume),
    "host error": HostError(),
}
"""The names go over the wire between versions, and stay."""

WRITING: Final = Writing(KINDS)


@dataclass(frozen=True, slots=True)
class Method:
    """One of them."""

    seconds: float
    """How long it is waited for once it has begun: more than the worker waits for the host."""
    change: bool = False
    """Done once at the most. The others are looks, and may be made again."""


METHODS: Final[Mapping[str, Method]] = {
    "facts": Method(200.0),
    "inventory": Method(900.0),
    "vm": Method(200.0),
    "volumes_of": Method(200.0),
    "events": Method(900.0),
    "folder_files": Method(400.0),
    "create": Method(700.0, change=True),
    "apply": Method(1900.0, change=True),
    "delete": Method(700.0, change=True),
    "rename": Method(200.0, change=True),
    "export": Method(4 * 3600.0 + 100, change=True),
    "configure": Method(200.0, change=True),
    "start": Method(700.0, change=True),
}
ON_ITS_WAY: Final = 1300.0
"""How much longer a call to a cluster may take: before a change and after it, a VM on its way to another node is waited
for, ten minutes each time."""

PROGRESSING: Final = frozenset({"create", "apply", "delete", "export"})


def carry_out(backend: Backend, method: str, given: Mapping[str, Any], on_progress: Any) -> object:
    """Call it. Raises KeyError for a method that there is not, and what the backend raises."""
    METHODS[method]
    arguments = {name: _argument(name, value) for name, value in given.items()}
    if method in PROGRESSING:
        arguments["on_progress"] = on_progress
    found: object = getattr(backend, method)(**arguments)
    return found


def _argument(name: str, value: Any) -> object:
    """Numbers stand for the types of checkpoint; all else is as it was written."""
    return CheckpointType(value) if name == "checkpoint_type" and value is not None else value

"""What a verdict is made from: everything that was seen of one VM, and how far it could be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backends.base import FolderFile, HostEvent, LogReading, VMInventory


@dataclass(frozen=True, slots=True)
class Watched:
    """What earlier looks at the logs make sure of: a log that wraps takes nothing from it."""

    since: datetime
    """From here on the logs were read without a gap,"""
    until: datetime
    """up to here."""


@dataclass(frozen=True, slots=True)
class Signs:
    """One VM as it was seen at one moment."""

    seen: VMInventory
    """With its disks."""
    at: datetime
    events: tuple[HostEvent, ...] = ()
    """Of every host that was read; those of other VMs are sorted out by the verdict."""
    readings: tuple[LogReading, ...] = ()
    """Of both logs of its host, and of the others that it may have been on."""
    orphans: tuple[FolderFile, ...] = ()
    """Differencing files in its folders that are in no chain of any VM."""
    unseen: tuple[str, ...] = ()
    """What else could not be looked at, a sentence each."""
    watched: Watched | None = None
    forked: datetime | None = None
    """When a fork that was not committed was last seen of it, by an earlier look. The log may have lost it since."""
    acknowledged: datetime | None = None
    """When a person said that what had happened until then is settled."""
    creating_since: datetime | None = None
    """Since when it is seen to be busy taking a checkpoint."""

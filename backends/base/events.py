"""What a host's event logs and folders show, as records: events by id, code and GUID, never by their text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

_GUID: Final = re.compile(r"\{?([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\}?")
_HEX: Final = re.compile(r"\b0x([0-9a-fA-F]{8})\b")
_DECIMAL: Final = re.compile(r"(%%)?(-?\d{9,10})")
_PATH: Final = re.compile(r"(?:[A-Za-z]:|\\\\)[^\"'<>|*?]*?\.(?:avhdx|avhd|vhdx|vhd)(?![0-9A-Za-z])", re.IGNORECASE)
_FAILURE: Final = 0x80000000
"""From here on a code stands for a failure."""


class EventLog(StrEnum):
    """The logs of Hyper-V that tell of checkpoints. Articles print them with a slash; to query them it is a hyphen."""

    VMMS = "Microsoft-Windows-Hyper-V-VMMS-Admin"
    WORKER = "Microsoft-Windows-Hyper-V-Worker-Admin"


@dataclass(frozen=True)
class HostEvent:
    """One event of a log, with its values as they stand in it: the same on hosts of every language."""

    log: EventLog
    id: int
    at: datetime
    values: tuple[str, ...] = ()
    number: int = 0
    """Its place in the log."""

    @cached_property
    def guids(self) -> frozenset[str]:
        """GUIDs that it names as such, in lower case. Those in names of files are part of a path."""
        return frozenset(found[1].lower() for value in self.values if (found := _GUID.fullmatch(value.strip())))

    @cached_property
    def paths(self) -> frozenset[str]:
        """Disk files that it names, in lower case."""
        return frozenset(path.casefold() for value in self.values for path in _PATH.findall(value))

    @cached_property
    def codes(self) -> frozenset[int]:
        """HRESULTs, in whichever form and field they stand: `0x80070020`, `%%2147942432`, `-2147024864`."""
        return frozenset(code for value in self.values for code in _codes(value) if code >= _FAILURE)


def _codes(value: str) -> list[int]:
    whole = _DECIMAL.fullmatch(value.strip())
    return [int(whole[2]) & 0xFFFFFFFF] if whole else [int(code, 16) for code in _HEX.findall(value)]


class LogTrouble(StrEnum):
    """Why a log tells nothing."""

    DISABLED = "it is switched off"
    NO_ACCESS = "the account may not read it"
    NO_LOG = "the host has no such log"
    NOT_OFFERED = "the endpoint is of an older version and does not offer it"
    NO_ANSWER = "the host did not answer"
    GAVE_ERROR = "the host gave an error in its place"


@dataclass(frozen=True, slots=True)
class LogReading:
    """How far one log of one host was read: only from there on does no event mean that nothing happened."""

    host: str
    log: EventLog
    trouble: LogTrouble | None = None
    seen_from: datetime | None = None
    """Everything since then was read; None with a `trouble`."""


@dataclass(frozen=True, slots=True)
class HostEvents:
    """What a host's logs tell since some moment, oldest first."""

    host: str
    events: tuple[HostEvent, ...] = ()
    readings: tuple[LogReading, ...] = ()
    """One of each log."""


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A differencing file in a folder of a VM, whoever uses it or nobody."""

    path: str
    size: int
    created: datetime


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The differencing files of some folders of a host."""

    host: str
    files: tuple[FolderFile, ...] = ()
    unread: tuple[str, ...] = ()
    """Folders that could not be read."""
    not_offered: bool = False
    """The endpoint is too old to tell."""

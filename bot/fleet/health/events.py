"""What an event says of a VM, by its id, its codes and the GUIDs in it; never by its text.

Sources: Microsoft's example code for checkpoint health (NeilBird/Azure-Local, Get-HyperVVMCheckpointHealth), its
support articles on Hyper-V checkpoints, and the manifest of the Worker's provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final

from backends.base import EventLog, HostEvent, HostEvents, VMInventory

COMMIT_FORKS: Final = 0x80048102
"""A checkpoint could not switch the VM to its new files."""

FILE_INVALID: Final = 0x800703EE
"""The file behind an open handle was changed."""

TRACKING_FAILED: Final = frozenset({0x800480BC, 0x800480BD})
"""Hyper-V Replica lost track of changes, which often goes before a fork that fails."""

FORK_SWITCH: Final = 3216
CHECKPOINT_FAILED, CHECKPOINT_CANCELLED, BUG_CHECK_OR_CHECKPOINT = 18012, 18014, 18590
MERGE_STARTED, MERGE_DONE, MERGE_INTERRUPTED, MERGE_FAILED, MERGE_FAILED_TOO = 19070, 19080, 19090, 19100, 32510
CONFIGURATION_LOST: Final = 16300
DISK_MISSING, DISK_UNREADABLE, DISK_ERROR = 12240, 15268, 3280
MIGRATED: Final = frozenset({20415, 20417})

MERGES_AGAIN: Final = timedelta(minutes=30)
"""A merge that succeeds within this time clears one that failed before it."""

_ABOUT_DISKS: Final = frozenset(
    {(EventLog.VMMS, id) for id in (12240, 15268, 16300, 18012, 18014, 18590, 19070, 19080, 19090, 19100, 32510)}
    | {(EventLog.WORKER, id) for id in (3216, 3217, 3280, 3281, *range(3294, 3300))}
)
"""Events about checkpoints and disks."""


class Means(Enum):
    """What an event says."""

    FORK_FAILED = auto()
    CHECKPOINT_FAILED = auto()
    TRACKING_FAILED = auto()
    CONFIGURATION_LOST = auto()
    MERGE_FAILED = auto()
    MERGE_INTERRUPTED = auto()
    MERGE_STARTED = auto()
    MERGE_DONE = auto()
    DISK_TROUBLE = auto()
    CANCELLED = auto()
    MIGRATED = auto()
    NOTHING = auto()


_BY_ID: Final = {
    (EventLog.WORKER, FORK_SWITCH): Means.FORK_FAILED,
    (EventLog.WORKER, DISK_ERROR): Means.DISK_TROUBLE,
    (EventLog.VMMS, DISK_MISSING): Means.DISK_TROUBLE,
    (EventLog.VMMS, DISK_UNREADABLE): Means.DISK_TROUBLE,
    (EventLog.VMMS, CHECKPOINT_FAILED): Means.CHECKPOINT_FAILED,
    (EventLog.VMMS, CHECKPOINT_CANCELLED): Means.CANCELLED,
    (EventLog.VMMS, CONFIGURATION_LOST): Means.CONFIGURATION_LOST,
    (EventLog.VMMS, MERGE_STARTED): Means.MERGE_STARTED,
    (EventLog.VMMS, MERGE_DONE): Means.MERGE_DONE,
    (EventLog.VMMS, MERGE_FAILED): Means.MERGE_FAILED,
    (EventLog.VMMS, MERGE_INTERRUPTED): Means.MERGE_INTERRUPTED,
    (EventLog.VMMS, MERGE_FAILED_TOO): Means.MERGE_INTERRUPTED,
    **{(EventLog.VMMS, id): Means.MIGRATED for id in MIGRATED},
}


def meaning(event: HostEvent) -> Means:
    """What it says, whichever VM it names. In the Worker's log 18590 is a guest that crashed: no sign at all."""
    where = (event.log, event.id)
    if where == (EventLog.WORKER, BUG_CHECK_OR_CHECKPOINT):
        return Means.NOTHING
    if COMMIT_FORKS in event.codes or (FILE_INVALID in event.codes and where in _ABOUT_DISKS):
        return Means.FORK_FAILED
    if event.codes & TRACKING_FAILED:
        return Means.TRACKING_FAILED
    return _BY_ID.get(where, Means.NOTHING)


class Names(Enum):
    """How surely an event is about a VM."""

    SURELY = auto()
    """By its GUID, by a file of its chain, or by its name in a field of its own."""
    PERHAPS = auto()
    """By its name somewhere in a longer text."""
    NOT = auto()


@dataclass(frozen=True, slots=True)
class Sign:
    """An event of one VM."""

    event: HostEvent
    means: Means
    names: Names

    @property
    def told(self) -> str:
        """Where to find it: `event 3216 of the Worker log`."""
        log = "Worker" if self.event.log is EventLog.WORKER else "VMMS"
        codes = ", ".join(f"0x{code:08X}" for code in sorted(self.event.codes))
        return f"event {self.event.id} of the {log} log{f' ({codes})' if codes else ''}"


MERGES: Final = frozenset({Means.MERGE_STARTED, Means.MERGE_DONE, Means.MERGE_FAILED})
"""The last of these says whether a merge is under way: one that was interrupted is begun again by Hyper-V."""

_FAILURES: Final = frozenset({Means.MERGE_FAILED, Means.MERGE_INTERRUPTED})
_USUAL: Final = frozenset({Means.MERGE_STARTED, Means.MERGE_DONE, Means.MIGRATED})


def that_count(told: HostEvents) -> HostEvents:
    """The same without what no verdict rests on. A host on which checkpoints are deleted each night tells of thousands
    of merges in a week: of those that began and went through the last one of a VM is enough, and so is its last move.
    What went through soon after a merge that did not stays, whichever VM that was of."""
    failed = [event.at for event in told.events if meaning(event) in _FAILURES]
    followed: set[tuple[frozenset[str], bool]] = set()
    kept: list[HostEvent] = []
    for event in sorted(told.events, key=lambda one: (one.at, one.number), reverse=True):
        means = meaning(event)
        moved = means is Means.MIGRATED
        clears = means is Means.MERGE_DONE and any(timedelta(0) <= event.at - at <= MERGES_AGAIN for at in failed)
        is_usual = event.guids and means in _USUAL and not clears
        if means is Means.NOTHING or (is_usual and (event.guids, moved) in followed):
            continue
        if means in MERGES or moved:
            followed.add((event.guids, moved))
        kept.append(event)
    return replace(told, events=tuple(reversed(kept)))


def joined(known: HostEvents, further: HostEvents, since: datetime) -> HostEvents | None:
    """What was known of the logs of a host with what was read of them since a moment up to which they were known. None
    where a log is read now that was not known."""
    before = {(one.host, one.log): one for one in known.readings if one.trouble is None}
    if any(one.trouble is None and (one.host, one.log) not in before for one in further.readings):
        return None
    readings = tuple(
        replace(one, seen_from=before[one.host, one.log].seen_from)
        if one.seen_from is not None and one.seen_from <= since
        else one
        for one in further.readings
    )
    events = dict.fromkeys((*known.events, *further.events))
    return HostEvents(further.host, tuple(sorted(events, key=lambda one: (one.at, one.number))), readings)


class Told:
    """The events of a round that mean something, by the VM of whose GUID they speak. Made once for all VMs: a round has
    thousands of both."""

    def __init__(self, told: Iterable[HostEvent]) -> None:
        self._of: dict[str, list[HostEvent]] = {}
        self._others: list[HostEvent] = []
        for event in told:
            if meaning(event) is Means.NOTHING:
                continue
            if not event.guids:
                self._others.append(event)
            for guid in event.guids:
                self._of.setdefault(guid, []).append(event)

    def perhaps_of(self, vm_id: str) -> tuple[HostEvent, ...]:
        """All that can be about a VM: those of its GUID, and those of none."""
        return (*self._of.get(vm_id, ()), *self._others)


def of_vm(events: Iterable[HostEvent], seen: VMInventory) -> tuple[Sign, ...]:
    """The events that say something of this VM, oldest first. One that names another VM says nothing."""
    paths = frozenset(
        path.casefold() for path in (*(d.path for d in seen.disks or ()), *(d.path for d in seen.unread_disks))
    )
    told = [Sign(event, meaning(event), named(event, seen.vm.id, seen.vm.name, paths)) for event in events]
    meant = [sign for sign in told if sign.names is not Names.NOT and sign.means is not Means.NOTHING]
    return tuple(sorted(meant, key=lambda sign: (sign.event.at, sign.event.number)))


def named(event: HostEvent, vm_id: str, vm_name: str, paths: frozenset[str]) -> Names:
    """A GUID decides where there is one; else a file, else the name."""
    if event.guids:
        return Names.SURELY if vm_id in event.guids else Names.NOT
    if event.paths & paths:
        return Names.SURELY
    wanted = vm_name.casefold()
    values = [value.strip().casefold() for value in event.values]
    if not wanted or not any(wanted in value for value in values):
        return Names.NOT
    if wanted in values:
        return Names.SURELY
    word = re.compile(rf"(?<![\w-]){re.escape(wanted)}(?![\w-])")
    return Names.PERHAPS if any(word.search(value) for value in values) else Names.NOT


def is_cleared(failed: Sign, signs: Iterable[Sign]) -> Sign | None:
    """The merge of the same VM that succeeded soon after one failed. An ordinary one that failed long after clears
    nothing."""
    soon = (
        sign
        for sign in signs
        if sign.means is Means.MERGE_DONE and timedelta(0) <= sign.event.at - failed.event.at <= MERGES_AGAIN
        if (sign.event.at, sign.event.number) > (failed.event.at, failed.event.number)
    )
    return next(soon, None)


def same_disk(one: Sign, other: Sign) -> bool:
    """Both name the same file: then it is sure that they are about the same merge."""
    return bool(one.event.paths & other.event.paths)

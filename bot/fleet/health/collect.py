"""From what hosts show to the signs of each VM: whose event, whose file, and what was not seen of it."""

from __future__ import annotations

import ntpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from backends.base import (
    EventLog,
    FolderFile,
    FolderFiles,
    HostEvent,
    HostEvents,
    HostInventory,
    LogReading,
    LogTrouble,
    VMInventory,
)
from bot.fleet.health import chain, events
from bot.fleet.health.events import Means, Names, Sign, Told
from bot.fleet.health.signs import Signs, Watched
from bot.fleet.health.verdict import seen_from
from bot.fleet.inventory import SCAN_DISKS
from bot.ledger.verdicts import Remembered
from commands.kit.words import say_span

YOUNG = timedelta(minutes=10)
"""A file younger than this when the chains were read may belong to one that was read before it was there."""

OLD = 2 * SCAN_DISKS
"""Disks that were read longer ago say nothing of how they are."""

Folders = Mapping[str, frozenset[str]]
"""Files by their folder, all in lower case."""


@dataclass(frozen=True)
class Seen:
    """Everything that one round of looks has shown."""

    at: datetime
    events: Mapping[str, HostEvents] = field(default_factory=dict)
    """By host; one that did not answer is left out."""
    files: Mapping[str, FolderFiles] = field(default_factory=dict)
    inventories: Sequence[HostInventory] = ()
    """With disks."""
    silent: frozenset[str] = frozenset()
    """Hosts that do not answer."""

    @cached_property
    def taken(self) -> Mapping[str, datetime]:
        """When each host was looked at, with its disks where they were read."""
        return {one.host: one.taken_at for one in self.inventories}

    @cached_property
    def known(self) -> Folders:
        """Every file that is in some chain."""
        return in_folders(path for i in self.inventories for one in i.vms for path in paths_of(one))

    def with_chain_of(self, seen: VMInventory) -> Folders:
        """The same, with the disks that a VM has by now."""
        own = in_folders(disk.path.casefold() for disk in seen.disks or ())
        return {**self.known, **{folder: files | self.known.get(folder, frozenset()) for folder, files in own.items()}}

    @cached_property
    def told(self) -> Told:
        """The events of all hosts: one about a VM may stand in the log of the host that it has left."""
        return Told(event for one in self.events.values() for event in one.events)

    @cached_property
    def files_of(self) -> Mapping[str, Mapping[str, Sequence[FolderFile]]]:
        """By host and folder."""
        found: dict[str, dict[str, list[FolderFile]]] = {host: {} for host in self.files}
        for host, listed in self.files.items():
            for file in listed.files:
                found[host].setdefault(ntpath.dirname(file.path.casefold()), []).append(file)
        return found


def in_folders(paths: Iterable[str]) -> Folders:
    found: dict[str, set[str]] = {}
    for path in paths:
        found.setdefault(ntpath.dirname(path), set()).add(path)
    return {folder: frozenset(files) for folder, files in found.items()}


def paths_of(seen: VMInventory) -> frozenset[str]:
    """The files of its chain, in lower case."""
    disks = seen.disks or ()
    named = (*(d.path for d in disks), *(d.parent_path for d in disks), *(d.path for d in seen.unread_disks))
    return frozenset(path.casefold() for path in named if path)


def folders_of(vms: Iterable[VMInventory]) -> tuple[str, ...]:
    """Where their disks lie. Shared folders of VHD sets are not looked into."""
    folders = {ntpath.dirname(path) for one in vms for path in paths_of(one) if not path.endswith(".vhds")}
    return tuple(sorted(folder for folder in folders if folder))


def signs_of(
    seen: VMInventory, looked: Seen, kept: Remembered, known: Folders, *, read_at: datetime | None = None
) -> Signs:
    """The signs of one VM. `known` are the files that are in some chain, and `read_at` says when its disks were read,
    where that was not with those of its host."""
    host = seen.vm.host
    told = looked.told.perhaps_of(seen.vm.id)
    files = looked.files.get(host)
    return Signs(
        seen,
        looked.at,
        told,
        _readings(seen, looked),
        _orphans(seen, looked, known, told, kept),
        tuple(_unseen(seen, looked, files, read_at or looked.taken.get(host, looked.at))),
        Watched(kept.watched_since, kept.watched_until) if kept.watched_since and kept.watched_until else None,
        kept.forked,
        kept.acknowledged,
        (kept.creating_since or looked.at) if chain.is_creating(seen) else None,
    )


def remembered(signs: Signs, before: Remembered) -> Remembered:
    """What the next look has to know."""
    told = events.of_vm(signs.events, signs.seen)
    forks = [sign.event.at for sign in told if _is_fork(sign)]
    since = seen_from(signs)
    return Remembered(
        max((at for at in (before.forked, *forks) if at is not None), default=None),
        since if since is not None else before.watched_since,
        signs.at if since is not None else before.watched_until,
        before.acknowledged,
        signs.creating_since,
    )


def _is_fork(sign: Sign) -> bool:
    return sign.means is Means.FORK_FAILED and sign.names is Names.SURELY


def _readings(seen: VMInventory, looked: Seen) -> tuple[LogReading, ...]:
    """Of its own host; of all where it has come from another, since the failure may stand in that one's log."""
    hosts = {seen.vm.host}
    if any(sign.means is Means.MIGRATED for sign in events.of_vm(looked.told.perhaps_of(seen.vm.id), seen)):
        hosts |= set(looked.events) | looked.silent
    return tuple(reading for host in sorted(hosts) for reading in _of_host(host, looked))


def _of_host(host: str, looked: Seen) -> tuple[LogReading, ...]:
    if host in looked.events:
        return looked.events[host].readings
    return tuple(LogReading(host, log, LogTrouble.NO_ANSWER) for log in EventLog)


def _orphans(
    seen: VMInventory, looked: Seen, known: Folders, told: Sequence[HostEvent], kept: Remembered
) -> tuple[FolderFile, ...]:
    """Files in its folders that are in no chain; young ones only where a checkpoint is known to have failed.

    In a folder that several VMs share, a file goes by the name of the disk that it was made over; one that fits none is
    said of all.
    """
    files = looked.files_of.get(seen.vm.host)
    if files is None:
        return ()
    folders, stems = folders_of((seen,)), {_stem(path) for path in paths_of(seen)}
    forked = kept.forked is not None or any(_is_fork(sign) for sign in events.of_vm(told, seen))
    taken = looked.taken.get(seen.vm.host, looked.at)
    lost = [
        file
        for folder in folders
        for file in files.get(folder, ())
        if file.path.casefold() not in known.get(folder, frozenset()) and (forked or file.created < taken - YOUNG)
    ]
    others = {_stem(path) for folder in folders for path in known.get(folder, ())} - stems
    return tuple(file for file in lost if _stem(file.path.casefold()) in stems or _stem(file.path) not in others)


def _stem(path: str) -> str:
    """`web01`, of `web01.vhdx` and of `web01_1a2b….avhdx`."""
    name, suffix = ntpath.splitext(ntpath.basename(path.casefold()))
    return name.rpartition("_")[0] or name if suffix in (".avhdx", ".avhd") else name


def _unseen(seen: VMInventory, looked: Seen, files: FolderFiles | None, read_at: datetime) -> Iterable[str]:
    host = seen.vm.host
    if looked.at - read_at > OLD:
        yield f"Its disks were last read {say_span(looked.at - read_at)} ago."
    if host in looked.silent:
        yield f"{host} could not be asked: this is what was seen of it last."
    elif files is None:
        yield f"The folders of {host} were not looked into yet."
    elif not files.not_offered:
        own = set(folders_of((seen,)))
        unread = [folder for folder in files.unread if folder.casefold() in own]
        if unread:
            yield f"The folder {unread[0]} could not be looked into: files may be left over there."

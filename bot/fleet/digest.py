"""The digest: what the fleet and the ledger together say needs a look. Functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backends.base import Checkpoint, HostInventory, VMInventory, Volume
from commands.base import (
    Button,
    CheckpointNote,
    Footnote,
    Heading,
    HostStatus,
    Item,
    Paragraph,
    Part,
    Policy,
    Reply,
    name,
)
from commands.kit.kinds import UNKNOWN, Kind, kind_of
from commands.kit.patterns import protects
from commands.kit.telling import age, is_stale, owned
from commands.kit.words import say_count, say_names, say_size, say_time, typed

MOST_ITEMS = 12
"""Checkpoints shown with buttons of their own; the rest are counted."""

LOW_SPACE = 0.1
"""A volume with less than this part of it free is named."""


@dataclass(frozen=True, slots=True)
class Stale:
    """A checkpoint that has been there too long and that nobody keeps."""

    seen: VMInventory
    checkpoint: Checkpoint
    note: CheckpointNote
    grown: int | None
    """Bytes written since; None where the disks could not be read."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What needs a look, and how long it has."""

    at: datetime
    stale: tuple[Stale, ...] = ()
    """Largest first, then oldest."""
    lingering: tuple[tuple[VMInventory, Checkpoint], ...] = ()
    """Recovery points of backups that should have gone long ago."""
    unmerged: tuple[VMInventory, ...] = ()
    """VMs that write to a differencing disk which no checkpoint explains."""
    low: tuple[tuple[str, Volume], ...] = ()
    """Volumes with little room, by host."""
    missing: tuple[tuple[VMInventory, Checkpoint], ...] = ()
    """Checkpoints whose files the host does not find."""
    hosts: tuple[HostStatus, ...] = ()
    unseen: tuple[VMInventory, ...] = ()
    """VMs of which not everything that is looked at here could be seen."""
    fitting: int = 0
    """VMs that the digest is about."""

    @property
    def well(self) -> bool:
        """Everything was seen, and nothing needs a look."""
        silent = [host for host in self.hosts if not host.reachable or host.gaps]
        nothing = not (self.stale or self.lingering or self.missing or self.unmerged or self.low)
        return nothing and not silent and not self.unseen and bool(self.hosts) and self.fitting > 0

    @property
    def size(self) -> int:
        """Bytes written since the stale checkpoints, as far as known: each file counts under what it stands on."""
        return sum(one.grown or 0 for one in self.stale)


def compose(
    inventories: Iterable[HostInventory],
    notes: Mapping[str, CheckpointNote],
    hosts: Iterable[HostStatus],
    *,
    policy: Policy,
    now: datetime,
    patterns: Sequence[str] = ("*",),
) -> Digest:
    """The digest of the VMs whose names fit one of `patterns`, made from what was last seen (with disks, for sizes)."""
    everywhere = tuple(inventories)
    vms = tuple(one for i in everywhere for one in i.vms if protects(patterns, one.vm.name))
    checkpoints = [(one, c) for one in vms for c in one.checkpoints]
    here = {one.vm.host for one in vms}
    stale = [
        Stale(one, c, notes.get(c.id, UNKNOWN), one.growth_since(c.id))
        for one, c in checkpoints
        if is_stale(c, notes.get(c.id, UNKNOWN), policy, now)
    ]
    return Digest(
        at=now,
        stale=tuple(sorted(stale, key=lambda one: (-(one.grown or 0), one.checkpoint.created))),
        lingering=tuple((one, c) for one, c in checkpoints if _lingers(c, policy, now)),
        unmerged=tuple(one for one in vms if _is_unmerged(one)),
        low=tuple(
            (i.host, volume) for i in everywhere if i.host in here for volume in i.volumes or () if _is_low(volume)
        ),
        missing=tuple((one, c) for one, c in checkpoints if kind_of(c) is Kind.MISSING),
        hosts=tuple(hosts),
        unseen=tuple(one for one in vms if one.disks is None or one.unread_disks or not one.checkpoints_known),
        fitting=len(vms),
    )


def as_reply(digest: Digest) -> Reply:
    """The digest as a message, with buttons on its stale checkpoints."""
    parts: list[Part] = [Heading("Checkpoint digest"), Paragraph(_summary(digest))]
    parts += [_item(one, digest.at) for one in digest.stale[:MOST_ITEMS]]
    if len(digest.stale) > MOST_ITEMS:
        parts.append(Paragraph(f"… and {len(digest.stale) - MOST_ITEMS} more: {typed('list', '--stale')}"))
    parts += [Paragraph(line) for line in _further(digest)]
    parts += [Footnote(line) for line in _unseen(digest)]
    return Reply(tuple(parts))


def _lingers(checkpoint: Checkpoint, policy: Policy, now: datetime) -> bool:
    return kind_of(checkpoint) is Kind.BACKUP and now - checkpoint.created > policy.stale_after


def _is_unmerged(seen: VMInventory) -> bool:
    """The VM writes to a file above one that no checkpoint froze: a merge is pending, a backup lingers, or somebody
    made it so."""
    disks = seen.disks or ()
    frozen = {disk.path.casefold() for disk in disks if disk.checkpoint_ids}
    return any(d.attached and d.parent_path is not None and d.parent_path.casefold() not in frozen for d in disks)


def _is_low(volume: Volume) -> bool:
    return volume.free < volume.size * LOW_SPACE


def _summary(digest: Digest) -> str:
    if not digest.hosts:
        return "No host is set up, so nothing was looked at."
    if not digest.fitting:
        return "No VM that this digest is about was seen."
    if not digest.stale:
        return "No stale checkpoints. All is well." if digest.well else "No stale checkpoints were seen."
    size = f", with {say_size(digest.size)} written since" if digest.size else ""
    return f"{say_count(len(digest.stale), 'stale checkpoint')}{size}. Old checkpoints cost space and speed."


def _item(one: Stale, now: datetime) -> Item:
    vm, checkpoint = one.seen.vm, one.checkpoint
    size = "size unknown" if one.grown is None else f"{say_size(one.grown)} written since"
    kind = kind_of(checkpoint, one.note)
    made = "" if kind is Kind.MANUAL else str(kind)
    facts = (f"{age(checkpoint, now)} old", made, size, owned(one.note), f"on {vm.host}", one.note.reason)
    return Item(
        f"{checkpoint.name} of {vm.name}",
        ", ".join(fact for fact in facts if fact),
        (Button("Delete", "delete", checkpoint.id, "danger"), Button("Keep 7 days", "keep", checkpoint.id)),
    )


def _further(digest: Digest) -> Iterator[str]:
    """What needs a look and has no button: a line for each kind of trouble."""
    if digest.lingering:
        points = say_names([f"{name(one.vm.name)} ({age(c, digest.at)})" for one, c in digest.lingering])
        yield f"A backup's recovery point lingers on {points}: that backup may be broken."
    if digest.missing:
        broken = say_names([f"{name(one.vm.name)} ({name(c.name)})" for one, c in digest.missing])
        yield f"A checkpoint is broken, since its files are missing: {broken}."
    merging = [one.vm.name for one in digest.unmerged if one.vm.merging]
    if merging:
        yield f"Disks are being merged: {say_names(merging)}."
    odd = [one.vm.name for one in digest.unmerged if not one.vm.merging]
    if odd:
        yield f"A differencing disk that no checkpoint explains: {say_names(odd)}. A merge pends or a backup lingers."
    if digest.low:
        volumes = [f"{name(volume.path)} on {name(host)} ({say_size(volume.free)} free)" for host, volume in digest.low]
        yield f"Little room: {say_names(volumes)}."


def _unseen(digest: Digest) -> Iterator[str]:
    """What could not be looked at, so that nobody takes silence for good news."""
    for host in digest.hosts:
        if not host.reachable:
            when = f"It is shown as seen at {say_time(host.seen_at)}." if host.seen_at else "Its VMs are missing here."
            yield f"{name(host.name)} could not be asked. {when} {host.problem}".strip()
        yield from (f"{name(host.name)}: {gap}" for gap in host.gaps)
    told = {host.name for host in digest.hosts if host.gaps}
    if unseen := [one.vm.name for one in digest.unseen if one.vm.host not in told]:
        yield f"The disks of these VMs could not all be seen: {say_names(unseen)}."

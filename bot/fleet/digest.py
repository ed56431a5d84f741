"""The digest: what the fleet and the ledger together say needs a look. Functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from backends.base import Checkpoint, HostInventory, VMInventory, Volume
from commands.base import CheckpointNote, Filling, HostStatus, Policy, Rate, name
from commands.base.health import Verdict, VMHealth
from commands.kit.kinds import UNKNOWN, Kind, kind_of
from commands.kit.patterns import protects
from commands.kit.telling import is_kept, is_stale

MOST_LISTED = 250
"""Stale checkpoints that the next digest compares with."""

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
class Listed:
    """A stale checkpoint that an earlier digest named."""

    id: str
    name: str
    vm: str
    host: str
    size: int


@dataclass(frozen=True, slots=True)
class Solved:
    """What became of those that the last digest named, as far as it was seen."""

    since: date
    gone: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    freed: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """What needs a look, and how long it has."""

    at: datetime
    stale: tuple[Stale, ...] = ()
    """Largest first, then oldest."""
    lingering: tuple[tuple[VMInventory, Checkpoint], ...] = ()
    """Recovery points of backups that should have gone long ago."""
    unmerged: tuple[VMInventory, ...] = ()
    """VMs whose disks are being merged, or of which no checkpoint explains a differencing one."""
    low: tuple[tuple[str, Volume], ...] = ()
    """Volumes with little room, by host."""
    missing: tuple[tuple[VMInventory, Checkpoint], ...] = ()
    """Checkpoints whose files the host does not find."""
    hosts: tuple[HostStatus, ...] = ()
    hold: tuple[VMHealth, ...] = ()
    """VMs that nobody may touch or restart, the longest so first."""
    look: tuple[VMHealth, ...] = ()
    """VMs that somebody should look at, the longest so first."""
    unjudged: int = 0
    """VMs of which nobody can tell how sound they are: never the same as well."""
    unseen: tuple[VMInventory, ...] = ()
    """VMs of which not everything that is looked at here could be seen."""
    fitting: int = 0
    """VMs that the digest is about."""
    filling: tuple[Filling, ...] = ()
    """Volumes that will be full within a month, the soonest first."""
    rates: Mapping[str, Rate] = field(default_factory=dict)
    """What VMs write a day, by id, as far as known."""
    held: tuple[tuple[date, int], ...] = ()
    """What all checkpoints held together, by day."""
    solved: Solved | None = None
    keep_longest: timedelta | None = None
    """The longest that anybody may keep one; None is any time."""

    @property
    def well(self) -> bool:
        """Everything was seen, and nothing needs a look."""
        silent = [host for host in self.hosts if not host.reachable or host.gaps]
        troubles = (self.stale, self.lingering, self.missing, self.unmerged, self.low, self.filling)
        nothing = not any((*troubles, self.hold, self.look, self.unjudged))
        return nothing and not silent and not self.unseen and bool(self.hosts) and self.fitting > 0

    @property
    def quiet(self) -> bool:
        """There is nothing that anybody need read."""
        return self.well and not (self.solved and (self.solved.gone or self.solved.kept))

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
    verdicts: Mapping[str, VMHealth],
) -> Digest:
    """The digest of the VMs whose names fit one of `patterns`, made from what was last seen (with disks, for sizes).
    `verdicts` are by id: of a VM that is not among them nobody can tell; one that was not seen may be among them."""
    everywhere = tuple(inventories)
    vms = tuple(one for i in everywhere for one in i.vms if protects(patterns, one.vm.name, one.vm.host))
    checkpoints = [(one, c) for one in vms for c in one.checkpoints]
    here = {one.vm.host for one in vms}
    stale = [
        Stale(one, c, notes.get(c.id, UNKNOWN), one.growth_since(c.id))
        for one, c in checkpoints
        if is_stale(c, notes.get(c.id, UNKNOWN), policy, now)
    ]
    judged = [verdicts[one.vm.id] for one in vms if one.vm.id in verdicts]
    seen = {one.vm.id for i in everywhere for one in i.vms}
    unseen = [one for id, one in verdicts.items() if id not in seen and protects(patterns, one.vm_name, one.host)]
    can_be_told = sum(health.verdict is not Verdict.CANNOT_TELL for health in judged)
    return Digest(
        at=now,
        hold=_judged((*judged, *unseen), Verdict.HOLD),
        look=_judged(judged, Verdict.LOOK),
        unjudged=len(vms) - can_be_told,
        stale=tuple(sorted(stale, key=lambda one: (-(one.grown or 0), one.checkpoint.created))),
        lingering=tuple((one, c) for one, c in checkpoints if _lingers(c, policy, now)),
        unmerged=tuple(one for one in vms if one.merge_pending),
        low=tuple(
            (i.host, volume) for i in everywhere if i.host in here for volume in i.volumes or () if _is_low(volume)
        ),
        missing=tuple((one, c) for one, c in checkpoints if kind_of(c) is Kind.MISSING),
        hosts=tuple(hosts),
        unseen=tuple(one for one in vms if one.disks is None or one.unread_disks or not one.checkpoints_known),
        fitting=len(vms),
        keep_longest=policy.keep_longest,
    )


def _judged(healths: Iterable[VMHealth], verdict: Verdict) -> tuple[VMHealth, ...]:
    """Those with this verdict, the longest so first."""
    long_ago = datetime.min.replace(tzinfo=UTC)
    return tuple(
        sorted(
            (one for one in healths if one.verdict is verdict),
            key=lambda one: (one.since or long_ago, one.vm_name.casefold()),
        )
    )


def _lingers(checkpoint: Checkpoint, policy: Policy, now: datetime) -> bool:
    return kind_of(checkpoint) is Kind.BACKUP and now - checkpoint.created > policy.stale_after


def _is_low(volume: Volume) -> bool:
    return volume.free < volume.size * LOW_SPACE


def listed(digest: Digest) -> tuple[Listed, ...]:
    """What the next digest is to compare with: the worst, of which people may have heard."""
    return tuple(
        Listed(one.checkpoint.id, one.checkpoint.name, one.seen.vm.name, one.seen.vm.host, one.grown or 0)
        for one in digest.stale[:MOST_LISTED]
    )


def solved(
    before: Iterable[Listed],
    since: date,
    *,
    inventories: Iterable[HostInventory],
    notes: Mapping[str, CheckpointNote],
    hosts: Iterable[HostStatus],
    now: datetime,
) -> Solved:
    """What has been solved since. Gone is only what a host that was seen whole has no longer, while no host where it
    may have moved to was out of sight."""
    there = {c.id for i in inventories for one in i.vms for c in one.checkpoints}
    all_seen = all(host.reachable and not host.gaps for host in hosts)
    known = tuple(before)
    gone = [one for one in known if one.id not in there] if all_seen else []
    kept = [one for one in known if one.id in there and is_kept(notes.get(one.id, UNKNOWN), now)]
    return Solved(since, tuple(map(_called, gone)), tuple(map(_called, kept)), sum(one.size for one in gone))


def _called(one: Listed) -> str:
    return f"{name(one.name)} of {name(one.vm)}"

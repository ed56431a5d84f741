"""What the disks and checkpoints of a VM say by themselves, beside any log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from backends.base import Disk, FolderFile, OperationalStatus, SnapshotType, VMInventory, is_differencing
from commands.base.health import Reason, Verdict
from commands.base.names import name
from commands.kit.kinds import lingers
from commands.kit.words import say_count, say_names, say_span

MISSING: Final = frozenset({0x80070002, 0x80070003, 0xC03A000D})
OTHER_PARENT: Final = frozenset({0xC03A000E, 0xC03A000F})
CORRUPT: Final = 0x80070032

MOST_LAYERS: Final = 50
DEEPEST: Final = 256
"""Levels of one chain; beyond them it is taken to go in a circle."""

STUCK: Final = timedelta(minutes=30)
"""A checkpoint that is being taken for longer than this hangs."""


def layers(seen: VMInventory) -> tuple[Disk, ...]:
    """The differencing files of its chain."""
    return tuple(disk for disk in seen.disks or () if disk.parent_path is not None)


def has_layers(seen: VMInventory) -> bool:
    """Whether anything was written since a base disk, as far as can be seen: also what could not be read may be it."""
    return bool(layers(seen) or seen.checkpoints or any(one.differencing for one in seen.unread_disks))


def reasons(
    seen: VMInventory, orphans: Sequence[FolderFile], at: datetime, creating_since: datetime | None
) -> Iterator[Reason]:
    """Everything that disks, files, checkpoints and status say, notes included."""
    yield from _unreadable(seen)
    shape = (*_faults(seen), *_shape(seen))
    yield from shape
    yield from _without_each_other(seen, whole=not shape)
    yield from _checkpoints(seen, at)
    yield from _orphans(orphans)
    if creating_since is not None and at - creating_since > STUCK:
        span = say_span(at - creating_since)
        yield _look("stuck", f"A checkpoint has been in the making for {span}. VSS in the guest or the storage hangs.")


def is_unsound(found: Sequence[Reason]) -> bool:
    """A disk that is missing, does not fit or belongs to nothing: then a smaller sign counts too."""
    return any(one.verdict is Verdict.LOOK and one.key in _UNSOUND for one in found)


_UNSOUND: Final = frozenset(
    {"missing file", "other parent", "corrupt", "circle", "no parent", "orphan", "layer without checkpoint"}
)


def _look(key: str, sentence: str) -> Reason:
    return Reason(key, Verdict.LOOK, sentence)


def _note(key: str, sentence: str) -> Reason:
    return Reason(key, Verdict.FINE, sentence)


def _unread(path: str) -> Reason:
    return Reason("file unread", Verdict.CANNOT_TELL, f"A file of its chain could not be read: {_file(path)}.")


def _unreadable(seen: VMInventory) -> Iterator[Reason]:
    if seen.disks is None:
        yield Reason("disks unseen", Verdict.CANNOT_TELL, "Its disks are not shown to this account or endpoint.")
    if not seen.checkpoints_known:
        yield Reason("checkpoints unseen", Verdict.CANNOT_TELL, "Its host gave an error instead of its checkpoints.")


def _faults(seen: VMInventory) -> Iterator[Reason]:
    """Files that the host gave an error for. One that another host has open is simply not seen from here."""
    told: set[str] = set()
    for fault in seen.faults:
        told.add(fault.path.casefold())
        where = _file(fault.path)
        if fault.code in MISSING:
            yield _look("missing file", f"A file of its chain is missing: {where}. Do not start, apply or delete.")
        elif fault.code in OTHER_PARENT:
            yield _look(
                "other parent",
                f"{where} stands on a disk that was changed or replaced since. Do not start, apply or delete.",
            )
        elif fault.code == CORRUPT:
            yield _look("corrupt", f"The chain of disks is corrupt at {where}.")
        else:
            yield _unread(fault.path)
    for one in seen.unread_disks:
        if one.path.casefold() not in told:
            yield Reason(
                "file unread", Verdict.CANNOT_TELL, f"A file of its chain could not be read: {_file(one.path)}."
            )


def _shape(seen: VMInventory) -> Iterator[Reason]:
    """The chains of the disks that it writes to: whole, not too long, and without a circle."""
    disks = {disk.path.casefold(): disk for disk in seen.disks or ()}
    known = {fault.path.casefold() for fault in seen.faults} | {one.path.casefold() for one in seen.unread_disks}
    for disk in disks.values():
        if disk.parent_path is None and is_differencing(disk.path):
            yield _look("no parent", f"{_file(disk.path)} is a differencing disk that names no parent.")
        elif disk.parent_path is not None and disk.parent_path.casefold() not in disks.keys() | known:
            yield Reason("parent unseen", Verdict.CANNOT_TELL, f"What {_file(disk.path)} stands on could not be read.")
    for disk in disks.values():
        if disk.attached:
            yield from _depth(disk, disks)


def _depth(leaf: Disk, disks: Mapping[str, Disk]) -> Iterator[Reason]:
    depth, visited = 0, set[str]()
    at: Disk | None = leaf
    while at is not None and at.parent_path is not None:
        key = at.path.casefold()
        if key in visited or depth > DEEPEST:
            yield _look("circle", f"The chain of {_file(leaf.path)} leads back to itself.")
            return
        visited.add(key)
        depth += 1
        at = disks.get(at.parent_path.casefold())
    if depth > MOST_LAYERS:
        yield _look(
            "too long",
            f"{_file(leaf.path)} has {depth} layers, and Hyper-V stands by {MOST_LAYERS}. Only a merge with the VM off "
            "is left.",
        )


def _without_each_other(seen: VMInventory, *, whole: bool) -> Iterator[Reason]:
    """Layers without checkpoints, and checkpoints without layers: what is written down and what is there differ. Only
    a chain that is `whole` tells."""
    vm = seen.vm
    attached = [disk for disk in seen.disks or () if disk.attached]
    if whole and seen.merge_pending:
        if vm.merging:
            yield _note("merging", "Its disks are being merged.")
        elif vm.backing_up:
            yield _note("backing up", "A backup is running, and has a layer of its own.")
        else:
            yield _look(
                "layer without checkpoint",
                "One of its differencing disks is explained by no checkpoint: a merge that did not happen, or what a "
                "backup left.",
            )
    if seen.checkpoints and whole and attached and all(disk.parent_path is None for disk in attached):
        yield _look(
            "checkpoint without layer",
            f"It has {say_count(len(seen.checkpoints), 'checkpoint')} and writes to its base disk: what Hyper-V has "
            "written down and the disks disagree. Applying would fail.",
        )


def _checkpoints(seen: VMInventory, at: datetime) -> Iterator[Reason]:
    missing = [one.name for one in seen.checkpoints if one.snapshot_type is SnapshotType.MISSING]
    if missing:
        yield _look("missing checkpoint", f"Hyper-V does not find what {say_names(missing)} is made of.")
    old = [one for one in seen.checkpoints if lingers(one, at)]
    if old and not seen.vm.backing_up:
        span = say_span(at - min(one.created for one in old))
        yield _look("lingering", f"A backup's recovery point has been there for {span}: that backup may be broken.")
    if seen.vm.is_replica:
        yield _note("replica", "It is a copy that Hyper-V Replica keeps, not the VM itself.")


def _orphans(orphans: Sequence[FolderFile]) -> Iterator[Reason]:
    live = [one for one in orphans if one.size == 0 or _is_a_live_mount(one.path)]
    if live:
        yield _note("live mount", f"A backup product's own files lie in its folder: {_files(live)}.")
    left = [one for one in orphans if one not in live]
    if left:
        yield _look(
            "orphan",
            f"{_files(left)} belongs to no chain: what was left over, or the lost half of a checkpoint that failed. "
            "Never delete it before somebody knows which.",
        )


def _is_a_live_mount(path: str) -> bool:
    folded = path.casefold()
    return "rubriklivemount" in folded or "_temp_" in folded


def _files(files: Sequence[FolderFile]) -> str:
    return say_names([_file(one.path) for one in files], most=3)


def _file(path: str) -> str:
    return name(path.rpartition("\\")[2] or path)


def is_creating(seen: VMInventory) -> bool:
    return OperationalStatus.CREATING_SNAPSHOT in seen.vm.operational_status

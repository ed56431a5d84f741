"""Drives and files, as a host lists them, become the disks of each VM with their chain.

A drive says who uses a path: a VM that writes to it, or a checkpoint that froze it. A file says how big it is and what
it stands on. A file that no drive names but that another stands on belongs to the chain all the same: a merge that is
still pending, or a base image.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from backends.base import Checkpoint, Disk, UnreadDisk, Volume

_SUFFIXES = (".vhdx", ".vhd", ".avhdx", ".avhd", ".vhds")


@dataclass(frozen=True, slots=True)
class Drive:
    """What uses a file."""

    vm_id: str
    checkpoint_id: str | None
    """The checkpoint that froze it; None for the VM's present drive."""
    path: str

    @property
    def is_file(self) -> bool:
        """A physical disk that is passed through has a description here instead of a path."""
        return _key(self.path).endswith(_SUFFIXES)


@dataclass(frozen=True, slots=True)
class File:
    """A virtual hard disk file."""

    path: str
    file_size: int
    size: int
    parent_path: str | None


@dataclass(frozen=True, slots=True)
class Chain:
    """The disks of one VM, in order of path."""

    disks: tuple[Disk, ...] = ()
    unread: tuple[UnreadDisk, ...] = ()
    """Those that a drive names and the host did not show."""
    users: frozenset[str | None] = frozenset()
    """The checkpoints whose drives were shown, and None for the VM's own."""

    @property
    def wanting(self) -> tuple[str, ...]:
        """Files that belong to it and were not shown: a drive names them, or another file stands on them."""
        shown = {_key(disk.path) for disk in self.disks}
        parents = [disk.parent_path for disk in self.disks if disk.parent_path]
        return tuple(
            dict.fromkeys(path for path in (*(d.path for d in self.unread), *parents) if _key(path) not in shown)
        )


def missing_parents(files: Iterable[File]) -> tuple[str, ...]:
    """Paths that a file stands on and that are not among `files`."""
    files = list(files)
    known = {_key(file.path) for file in files}
    parents = {_key(file.parent_path): file.parent_path for file in files if file.parent_path}
    return tuple(sorted(path for key, path in parents.items() if key not in known))


def chains_by_vm(checkpoints: Iterable[Checkpoint], drives: Iterable[Drive], files: Iterable[File]) -> dict[str, Chain]:
    """The disks of each VM by its id. Drives that stand for no file (pass-through disks) are left out."""
    by_key = {_key(file.path): file for file in files}
    owner = {checkpoint.id: checkpoint.vm_id for checkpoint in checkpoints}
    used: dict[str, list[Drive]] = {}
    for drive in drives:
        used.setdefault(owner.get(drive.checkpoint_id or "", drive.vm_id), []).append(drive)
    return {vm_id: _chain(own, by_key) for vm_id, own in used.items()}


def volumes_under(paths: Iterable[str], volumes: Iterable[Volume]) -> tuple[Volume, ...] | None:
    """The volumes that these files lie on, by the longest mount point that fits; None when none of them fits any."""
    mounts = sorted(volumes, key=lambda volume: len(volume.path), reverse=True)
    found = {
        volume
        for path in paths
        for volume in [next((v for v in mounts if _key(path).startswith(_key(v.path))), None)]
        if volume is not None
    }
    return tuple(sorted(found, key=lambda volume: volume.path)) or None


def _chain(drives: Sequence[Drive], files: Mapping[str, File]) -> Chain:
    users: dict[str, list[Drive]] = {}
    for drive in drives:
        users.setdefault(_key(drive.path), []).append(drive)
    chain = _with_parents(users, files)
    unread = [own for key, own in sorted(users.items()) if key not in files and own[0].is_file]
    return Chain(
        tuple(_disk(files[key], users.get(key, ())) for key in sorted(chain)),
        tuple(UnreadDisk(own[0].path, _frozen_by(own), _attached(own)) for own in unread),
        frozenset(drive.checkpoint_id for drive in drives),
    )


def _with_parents(keys: Iterable[str], files: Mapping[str, File]) -> set[str]:
    found: set[str] = set()
    for start in keys:
        key: str | None = start
        while key is not None and key in files and key not in found:
            found.add(key)
            parent = files[key].parent_path
            key = _key(parent) if parent else None
    return found


def _disk(file: File, users: Iterable[Drive]) -> Disk:
    users = list(users)
    return Disk(
        path=file.path,
        file_size=file.file_size,
        size=file.size,
        parent_path=file.parent_path,
        checkpoint_ids=_frozen_by(users),
        attached=_attached(users),
    )


def _frozen_by(users: Iterable[Drive]) -> tuple[str, ...]:
    return tuple(sorted({drive.checkpoint_id for drive in users if drive.checkpoint_id}))


def _attached(users: Iterable[Drive]) -> bool:
    return any(drive.checkpoint_id is None for drive in users)


def _key(path: str) -> str:
    """Windows compares paths without regard to case."""
    return path.casefold()

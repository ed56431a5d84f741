"""The disks of a simulated host: volumes with room, and the files on them with their chains."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from dataclasses import dataclass, field

from backends.simulator.model.enums import VhdType

MB = 1 << 20
GB = 1 << 30

NEW_DIFFERENCING = 4 * MB
"""What an empty AVHDX takes."""

CONFIGURATION_FILES = 4 * MB
"""What a VM or a checkpoint reports for its configuration, next to saved memory."""


@dataclass(slots=True)
class VolumeSpace:
    """A volume: its mount point, its size, and what things other than VMs take of it."""

    path: str
    size: int
    other: int = 0
    label: str = ""
    used: int = 0
    drive_type: int = 3
    """Of Win32_Volume: 3 a local disk, 5 a DVD."""
    redirected: bool = False
    """A shared one: its nodes reach it by way of the one that coordinates it."""
    fault: int = 0
    """Of a shared one, as `CLUSTER_CSV_VOLUME_FAULT_STATE` has it: 0 is none, 4 is maintenance."""

    @property
    def free(self) -> int:
        return max(0, self.size - self.other - self.used)


@dataclass(slots=True)
class DiskFile:
    """A VHDX, or an AVHDX over its parent. Sizes in bytes; `size` is what the guest sees."""

    path: str
    size: int
    file_size: int
    owner: str
    """Id of the VM whose chain it is part of."""
    type: VhdType = VhdType.DYNAMIC
    parent: str | None = None
    identifier: str = ""
    created: float = 0.0
    """Seconds since 1970."""
    mismatched: bool = False
    """What it stands on was changed or replaced since."""


@dataclass(slots=True)
class Storage:
    """Volumes and files. Not safe for threads of itself: the host's lock guards it."""

    volumes: list[VolumeSpace]
    _files: dict[str, DiskFile] = field(default_factory=dict)
    _taken: dict[str, tuple[str, int]] = field(default_factory=dict)

    def together_with(self, first: Storage, shared: list[VolumeSpace]) -> Storage:
        """The storage of a further node of a cluster: its own volumes and the shared ones, and the files of the first.
        Files on the nodes' own volumes have to differ in their paths."""
        first._files.update(self._files)
        first._taken.update(self._taken)
        return Storage([*self.volumes, *shared], first._files, first._taken)

    def __iter__(self) -> Iterator[DiskFile]:
        return iter(self._files.values())

    def __len__(self) -> int:
        return len(self._files)

    def find(self, path: str) -> DiskFile | None:
        return self._files.get(path.casefold())

    def add(self, file: DiskFile) -> DiskFile:
        self._files[file.path.casefold()] = file
        self.volume(file.path).used += file.file_size
        return file

    def remove(self, path: str) -> DiskFile | None:
        file = self._files.pop(path.casefold(), None)
        if file:
            self.volume(path).used -= file.file_size
        return file

    def resize(self, file: DiskFile, file_size: int) -> None:
        self.volume(file.path).used += file_size - file.file_size
        file.file_size = file_size

    def children(self, path: str) -> list[DiskFile]:
        """The files right above this one."""
        wanted = path.casefold()
        return [file for file in self._files.values() if file.parent and file.parent.casefold() == wanted]

    def in_folder(self, folder: str) -> list[DiskFile]:
        wanted = folder.rstrip("\\").casefold()
        return [file for key, file in self._files.items() if ntpath.dirname(key) == wanted]

    def differencing(self, parent: DiskFile, identifier: str, created: float = 0.0) -> DiskFile:
        """A new empty AVHDX over `parent`, named like the disk at the bottom of the chain."""
        folder, name = ntpath.split(parent.path)
        stem = ntpath.splitext(name)[0]
        if parent.parent is not None:
            stem = stem.rpartition("_")[0] or stem
        path = ntpath.join(folder, f"{stem}_{identifier.upper()}.avhdx")
        made = DiskFile(
            path, parent.size, NEW_DIFFERENCING, parent.owner, VhdType.DIFFERENCING, parent.path, identifier
        )
        made.created = created
        return self.add(made)

    def take(self, owner: str, folder: str, size: int) -> None:
        """Let something that is no disk (saved memory, an export) take room under `folder`."""
        self.give_back(owner)
        if size:
            self._taken[owner] = (folder, size)
            self.volume(folder).used += size

    def give_back(self, owner: str) -> None:
        folder, size = self._taken.pop(owner, ("", 0))
        if size:
            self.volume(folder).used -= size

    def owned_by(self, vm_id: str) -> list[DiskFile]:
        return [file for file in self._files.values() if file.owner == vm_id]

    def taken(self) -> dict[str, tuple[str, int]]:
        return dict(self._taken)

    def holds_folder(self, folder: str) -> bool:
        return any(place.casefold() == folder.casefold() for place, _ in self._taken.values())

    def volume(self, path: str) -> VolumeSpace:
        """The volume that holds the path: the longest mount point it begins with, or the first volume."""
        wanted = path.casefold()
        hits = [one for one in self.volumes if wanted.startswith(one.path.casefold())]
        return max(hits, key=lambda one: len(one.path)) if hits else self.volumes[0]

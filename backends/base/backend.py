"""What the bot asks of one Hyper-V host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from backends.base.events import FolderFiles, HostEvents
from backends.base.facts import HostFacts
from backends.base.records import Checkpoint, CheckpointType, HostInventory, VMInventory, Volume

Progress = Callable[[int], None]
"""Told a percentage, 0 to 100, while a call runs."""


class Backend(Protocol):
    """What the bot asks of one Hyper-V host. Safe to use from many threads.

    Every method raises `BackendError` in one of its kinds, and nothing else. A method that changes something is sent
    at most once: when its outcome is lost it raises `UnknownOutcome`, and the caller looks by GUID.
    """

    @property
    def host(self) -> str:
        """The configured name of the host."""

    def facts(self) -> HostFacts:
        """What the host says of itself: its endpoint, its versions, its clock, its certificate."""

    def inventory(self, *, disks: bool = False) -> HostInventory:
        """All VMs and checkpoints, in a number of requests that does not depend on how many there are; with `disks`
        also their files and the volumes."""

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        """One VM with its checkpoints, current checkpoint, uptime and memory. Raises `NotFound`."""

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        """The volumes that the VM's disks are on, with their free space now. None where that cannot be seen: disks or
        volumes are not the account's to see, or the disks are on a share. Raises `NotFound`."""

    def events(self, since: datetime) -> HostEvents:
        """What the logs of Hyper-V tell since then, in a number of requests that does not depend on how many VMs there
        are, with how far back each could be read. Raises `Unreachable`."""

    def folder_files(self, folders: Sequence[str]) -> FolderFiles:
        """The differencing files that lie right in these folders, whoever uses them."""

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        """Take a checkpoint. Raises `Disabled`, `ProductionFailed`, `DiskFull`, `Busy`, `NotFound`."""

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        """Put the VM back to it. The VM may be off or saved afterwards: the caller looks, and starts it."""

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        """Remove it, and with `subtree` all under it. Returns before the merge is over: see `VM.merging`."""

    def rename(self, checkpoint_id: str, name: str) -> None: ...

    def export(self, checkpoint_id: str, path: str, *, on_progress: Progress | None = None) -> None:
        """Copy it as a VM of its own to a folder on the host."""

    def configure(
        self, vm_id: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
    ) -> None:
        """Set the VM's checkpoint type, or whether Hyper-V takes automatic ones."""

    def start(self, vm_id: str) -> None: ...

    def end_lost_calls(self) -> None:
        """See to it that nothing begins any more of the changes whose outcome was lost, in this program or in one that
        died before it. What Hyper-V has begun goes on: it shows in the VM's status."""

    def close(self) -> None:
        """End the sessions on the host."""

"""What a host can be asked, whichever endpoint it offers."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from backends.base import CheckpointType, EventLog, Part
from backends.remoting import Pipeline


class Pipelines(Protocol):
    """The questions and changes a host understands. Every answer is JSON: one object or an array of them.

    With a `vm_id` a question is about that VM, without it about all VMs of the host.
    """

    @property
    def lacks(self) -> tuple[Part, ...]:
        """What this endpoint cannot tell, since it is of an older version."""

    def vms(self, vm_id: str | None = None) -> Pipeline:
        """`properties.VM` of all, or `properties.VM_DETAIL` of one."""

    def checkpoints(self, vm_id: str | None = None) -> Pipeline: ...

    def checkpoint(self, checkpoint_id: str) -> Pipeline: ...

    def drives(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        """What the VMs write to, and what their checkpoints froze."""

    def files(self, vm_id: str | None = None) -> tuple[Pipeline, ...]:
        """The files behind `drives`, in the same order."""

    def files_at(self, paths: tuple[str, ...]) -> Pipeline:
        """Files by their paths, which the host itself named."""

    def volumes(self) -> Pipeline: ...

    def culture(self) -> Pipeline | None:
        """The language of the host's messages; None where the endpoint does not tell."""

    def events(self, log: EventLog, since: datetime, most: int) -> tuple[Pipeline, ...] | None:
        """The state of a log, its first event, and those since a moment, newest first and `most` of them. None where
        the endpoint is too old for it."""

    def folder_files(self, folders: tuple[str, ...]) -> Pipeline | None:
        """The differencing files that lie right in these folders, whoever uses them. None as before."""

    def cluster(self) -> tuple[Pipeline, ...] | None:
        """The nodes of the host's cluster, which of them owns each VM, and the shared volumes. None as before."""

    def create(self, vm_id: str, name: str) -> Pipeline:
        """Answers with the new checkpoint."""

    def apply(self, checkpoint_id: str) -> Pipeline: ...

    def delete(self, checkpoint_id: str, *, subtree: bool) -> Pipeline: ...

    def rename(self, checkpoint_id: str, name: str) -> Pipeline: ...

    def export(self, checkpoint_id: str, path: str) -> Pipeline: ...

    def configure(self, vm_id: str, checkpoint_type: CheckpointType | None, automatic: bool | None) -> Pipeline: ...

    def start(self, vm_id: str) -> Pipeline: ...

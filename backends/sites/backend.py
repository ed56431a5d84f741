"""A `Backend` whose calls run in a worker at the host's site."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from backends.base import (
    Checkpoint,
    CheckpointType,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    OperationFailed,
    Progress,
    VMInventory,
    Volume,
    name,
)
from backends.sites.caller import Caller

T = TypeVar("T")


class SiteBackend:
    """One host of a site. It knows its name alone: where it is and how it is reached is the worker's to know."""

    def __init__(self, host: str, site: str, caller: Caller) -> None:
        self._host, self.site, self._caller = host, site, caller

    @property
    def host(self) -> str:
        return self._host

    def facts(self) -> HostFacts:
        return self._asked(HostFacts, "facts")

    def inventory(self, *, disks: bool = False) -> HostInventory:
        return self._asked(HostInventory, "inventory", disks=disks)

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        return self._asked(VMInventory, "vm", vm_id=vm_id, disks=disks)

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        found = self._call("volumes_of", vm_id=vm_id)
        return None if found is None else tuple(self._known(Volume, one) for one in self._known(list, found))

    def events(self, since: datetime) -> HostEvents:
        return self._asked(HostEvents, "events", since=since)

    def folder_files(self, folders: Sequence[str]) -> FolderFiles:
        return self._asked(FolderFiles, "folder_files", folders=list(folders))

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        return self._known(Checkpoint, self._call("create", on_progress, vm_id=vm_id, name=name))

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        self._call("apply", on_progress, checkpoint_id=checkpoint_id)

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        self._call("delete", on_progress, checkpoint_id=checkpoint_id, subtree=subtree)

    def rename(self, checkpoint_id: str, name: str) -> None:
        self._call("rename", checkpoint_id=checkpoint_id, name=name)

    def export(self, checkpoint_id: str, path: str, *, on_progress: Progress | None = None) -> None:
        self._call("export", on_progress, checkpoint_id=checkpoint_id, path=path)

    def configure(
        self, vm_id: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
    ) -> None:
        given = None if checkpoint_type is None else int(checkpoint_type)
        self._call("configure", vm_id=vm_id, checkpoint_type=given, automatic=automatic)

    def start(self, vm_id: str) -> None:
        self._call("start", vm_id=vm_id)

    def end_lost_calls(self) -> None:
        self._caller.end_lost_calls(self.site, self._host)

    def close(self) -> None:
        """The sessions on the host are the worker's, and stay warm. What connects to the database is made anew where a
        host of any site is still asked for something."""
        self._caller.close()

    def _call(self, method: str, on_progress: Progress | None = None, **given: object) -> object:
        return self._caller.call(self.site, self._host, method, given, on_progress=on_progress)

    def _asked(self, kind: type[T], method: str, **given: object) -> T:
        return self._known(kind, self._call(method, None, **given))

    def _known(self, kind: type[T], found: object) -> T:
        if isinstance(found, kind):
            return found
        raise OperationFailed(
            f"The worker of {name(self._host)} gave an answer that this bot does not understand: upgrade the bot.",
            f"{type(found).__name__} in place of {kind.__name__}",
        )

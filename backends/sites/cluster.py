"""A cluster whose nodes a worker at its site reaches: the worker follows its VMs from node to node."""

from __future__ import annotations

from backends.base import HostInventory, OnWait, Progress, VMInventory
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller
from backends.sites.seen import LastSeen


class SiteCluster(SiteBackend):
    """One cluster of a site, by its name alone."""

    def __init__(self, host: str, site: str, caller: Caller) -> None:
        super().__init__(host, site, caller)
        self._on_wait: OnWait = lambda _vm_id, _why: None
        self._seen = LastSeen()

    def tell_waits(self, on_wait: OnWait) -> None:
        self._on_wait = on_wait

    def inventory(self, *, disks: bool = False) -> HostInventory:
        return self._seen.completed(super().inventory(disks=disks))

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        found = super().vm(vm_id, disks=disks)
        self._seen.take(found)
        return found

    def _call(self, method: str, on_progress: Progress | None = None, **given: object) -> object:
        return self._caller.call(self.site, self._host, method, given, on_progress=on_progress, on_wait=self._on_wait)

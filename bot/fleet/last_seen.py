"""The fleet as one person may see it, as last seen: nobody is asked, and nobody waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from backends.base import VM, NotFound, VMInventory, Volume
from bot.fleet import space
from bot.fleet.view import FleetView
from commands.base import Look, name


class LastSeenView(FleetView):
    """Answers at once, for what has to be said before a host could answer."""

    def look(self, vm: VM, *, disks: bool = False) -> VMInventory:
        ((_, seen),) = self.look_each([vm], disks=disks)
        if not isinstance(seen, VMInventory):
            raise seen
        return seen

    def look_each(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[tuple[VM, Look], ...]:
        seen = {one.vm.id: one for one in self._inventory.seen(disks=disks)}
        return tuple((vm, seen.get(vm.id) or _gone(vm)) for vm in vms)

    def volumes_of(self, vm: VM) -> tuple[Volume, ...] | None:
        """None where its disks or the volumes were not seen yet."""
        seen = next((one for one in self._inventory.seen((vm.host,), disks=True) if one.vm.id == vm.id), None)
        hosts = {one.host: one.volumes for one in self._inventory.inventories(disks=True)}
        return space.volumes_of(seen, hosts.get(vm.host)) if seen else None

    def _renew(self, hosts: Iterable[str] | None = None, *, disks: bool = False, afresh: bool = False) -> None:
        """Nobody is asked."""

    def _ask_everywhere(self) -> None:
        """Nor here."""


def _gone(vm: VM) -> NotFound:
    return NotFound(f"{name(vm.name)} was not seen lately.", f"VM {vm.id} is in no inventory")

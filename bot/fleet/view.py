"""The fleet as one person may see it, searched by what people type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from types import MappingProxyType

from backends.base import VM, BackendError, VMInventory, Volume
from bot.fleet.inventory import Inventory
from commands.base import HostStatus, Look, NotKnown, Slip, UsageError, name
from commands.base.context import Health
from commands.base.health import Verdict, VMHealth
from commands.kit import meant, patterns
from commands.kit.finding import fits, is_guid, is_pattern, named, nearest, place_of, plain, tell_apart
from commands.kit.words import say_names, typed


class FleetView:
    """The fleet as one person may see it in one channel: the `Fleet` of their commands."""

    def __init__(
        self,
        inventory: Inventory,
        may: Callable[[VM], bool],
        normalise: Callable[[str], str] = plain,
        at: Callable[[str | None], AbstractContextManager[None]] = lambda _host: nullcontext(),
        sets: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        """What waits for a host is done inside `at` that host; None stands for whichever is to be asked. `sets` are the
        settings' patterns by the set's name."""
        self._inventory = inventory
        self._may = may
        self._at = at
        self._sets = sets
        self._normalise = normalise
        self._known: tuple[int, tuple[VMInventory, ...]] | None = None

    def find(self, text: str, *, afresh: bool = False) -> tuple[VM, ...]:
        if is_pattern(text):
            self._renew(afresh=afresh)
        try:
            return self._find(text)
        except NotKnown:
            self._ask_everywhere()
            return self._find(text)  # also where it was somebody else who asked the hosts in the meantime

    def find_one(self, text: str) -> VM:
        found = self.find(text)
        if len(found) > 1:
            names = say_names([vm.name for vm in found])
            raise UsageError(
                f"{name(text)} names {len(found)} VMs: {names}.", "This is done with one VM at a time: name one."
            )
        return found[0]

    def look(self, vm: VM, *, disks: bool = False) -> VMInventory:
        return self._as_found(vm, self._look(vm.host, vm.id, disks=disks))

    def look_all(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[VMInventory, ...]:
        looks = [look for _, look in self.look_each(vms, disks=disks)]
        for look in looks:
            if not isinstance(look, VMInventory):
                raise look
        return tuple(look for look in looks if isinstance(look, VMInventory))

    def look_each(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[tuple[VM, Look], ...]:
        hosts = list(dict.fromkeys(vm.host for vm in vms))
        seen: dict[str, VMInventory | BackendError] = {}
        if len(hosts) == 1:
            seen = self._look_on(hosts[0], vms, disks=disks)
        elif hosts:  # each by itself: what one host shows does not wait for the turn on another
            with ThreadPoolExecutor(len(hosts), thread_name_prefix="look-hosts") as pool:
                for found in pool.map(lambda host: self._look_on(host, vms, disks=disks), hosts):
                    seen |= found
        return tuple((vm, self._checked(vm, seen[vm.id])) for vm in vms)

    def all(self, *, host: str | None = None, disks: bool = False) -> tuple[VMInventory, ...]:
        hosts = None if host is None else (host,)
        self._renew(hosts, disks=disks)
        return tuple(seen for seen in self._inventory.seen(hosts, disks=disks) if self._may(seen.vm))

    def known(self) -> tuple[VMInventory, ...]:
        edition = self._inventory.edition
        if self._known is None or self._known[0] != edition:
            self._known = edition, tuple(seen for seen in self._inventory.seen() if self._may(seen.vm))
        return self._known[1]

    @property
    def edition(self) -> int:
        return self._inventory.edition

    def volumes_of(self, vm: VM) -> tuple[Volume, ...] | None:
        with self._at(vm.host):
            return self._inventory.volumes_of(vm)

    def hosts(self, *, disks: bool = False) -> tuple[HostStatus, ...]:
        self._renew()
        return self._inventory.hosts(disks=disks)

    def _renew(self, hosts: Iterable[str] | None = None, *, disks: bool = False, afresh: bool = False) -> None:
        with self._at(None):
            if afresh:
                self._inventory.renew_old()
            else:
                self._inventory.catch_up(hosts, disks=disks)

    def _ask_everywhere(self) -> None:
        """What nobody has seen yet may be on any host."""
        with self._at(None):
            self._inventory.renew()

    def _look(self, host: str, vm_id: str, *, disks: bool) -> VMInventory:
        """At one VM: several people who ask about it share a look, and one turn on its host."""

        def look() -> VMInventory:
            with self._at(host):
                return self._inventory.look(vm_id, disks=disks)

        return self._inventory.joint.of((vm_id, disks), look, waiting=lambda: self._at(None))

    def _look_on(self, host: str, vms: Sequence[VM], *, disks: bool) -> dict[str, VMInventory | BackendError]:
        """Those of the VMs that were seen on this host, by id."""
        ids = [vm.id for vm in vms if vm.host == host]
        try:
            if len(ids) == 1:
                return {ids[0]: self._look(host, ids[0], disks=disks)}
            with self._at(host):
                return dict(zip(ids, self._inventory.look_each(ids, disks=disks), strict=True))
        except BackendError as busy:
            return dict.fromkeys(ids, busy)

    def _checked(self, vm: VM, look: VMInventory | BackendError) -> Look:
        try:
            return look if isinstance(look, BackendError) else self._as_found(vm, look)
        except UsageError as error:
            return error

    def _find(self, text: str) -> tuple[VM, ...]:
        """A whole name or id first, so that a name with a comma or a star in it can be typed; then lists, then
        patterns."""
        vms = tuple(seen.vm for seen in self._inventory.seen())
        if found := self._named(text, vms):
            return (found,)
        parts = [part for part in text.split(",") if part.strip()]
        return self._parts(parts, vms) if len(parts) > 1 else self._part(text.strip(" ,"), vms)

    def _parts(self, parts: Sequence[str], vms: tuple[VM, ...]) -> tuple[VM, ...]:
        """The VMs of a list. Raises all that is wrong with its parts at once, with the VMs of the others."""
        found: dict[VM, None] = {}
        wrong: list[UsageError] = []
        for part in parts:
            try:
                found |= dict.fromkeys(self._part(part, vms))
            except UsageError as error:
                wrong.append(error)
        if not wrong:
            return tuple(found)
        sentences = dict.fromkeys(error.sentence for error in wrong)
        hints = dict.fromkeys(error.hint for error in wrong if error.hint)
        hidden = any(isinstance(error, NotKnown) and error.hidden for error in wrong)
        unknown = NotKnown(" ".join(sentences), " ".join(hints), rest=tuple(found), hidden=hidden)
        if all(error.slips for error in wrong):
            unknown.slips = tuple(slip for error in wrong for slip in error.slips)
        raise unknown

    def _part(self, text: str, vms: tuple[VM, ...]) -> tuple[VM, ...]:
        if found := self._named(text, vms):
            return (found,)
        text, vms = self._at_place(text, vms)
        if found := self._named(text, vms):
            return (found,)
        if text.strip().startswith("@"):
            return self._set(text.strip(), vms)
        if is_pattern(text):
            pattern = self._normalise(text)
            matching = (vm for vm in vms if fits(self._normalise(vm.name), pattern) and self._may(vm))
            if chosen := tuple(sorted(matching, key=lambda vm: (vm.name.casefold(), vm.host))):
                return chosen
        told = "That VM is on none of the hosts that answer." if is_guid(text) else f"I know no VM called {name(text)}."
        # One answer for what is not there and for what may not be seen, so that names cannot be probed.
        unknown = NotKnown(told, self._where_it_may_be(text, vms), hidden=bool(named(text, vms, self._normalise)))
        if near := self._nearest(text, vms):
            unknown.slips = (Slip(text.strip(), near),)
        raise unknown

    def _at_place(self, text: str, vms: tuple[VM, ...]) -> tuple[str, tuple[VM, ...]]:
        """Of `prod/web*` what is behind the slash, and the VMs of that host or cluster; else what was given."""
        place, of_name = patterns.parts(text)
        if not of_name.strip():
            return text, vms
        found = place_of(place.strip(), self._inventory.hosts()) if place else None
        if found is None:
            return text, vms
        if found.node:  # what is meant by it later, in a schedule, may be on another node
            raise UsageError(
                f"{name(found.node)} is a node of the cluster {name(found.host)}, which its VMs belong to.",
                f"Type {name(f'{found.host}/{of_name}')}.",
            )
        return of_name.strip(), tuple(vm for vm in vms if vm.host == found.host)

    def _set(self, text: str, vms: tuple[VM, ...]) -> tuple[VM, ...]:
        """The VMs of a named set."""
        found = self._sets.get(text[1:].casefold())
        if found is None:
            near = meant.nearest(text[1:].casefold(), self._sets, most=1)
            known = say_names([f"@{one}" for one in near or self._sets])
            hint = f"Did you mean {known}?" if near else f"There are {known}." if self._sets else ""
            unknown = NotKnown(f"There is no set called {name(text)}.", hint or "The settings name no sets.")
            unknown.slips = (Slip(text, tuple(f"@{one}" for one in near)),) if near else ()
            raise unknown
        chosen = (vm for vm in vms if patterns.grants(found, vm.name, vm.host) and self._may(vm))
        if in_sight := tuple(sorted(chosen, key=lambda vm: (vm.name.casefold(), vm.host))):
            return in_sight
        raise NotKnown(f"No VM in sight is in the set {name(text)}.", self._where_it_may_be("", vms))

    def _named(self, text: str, vms: tuple[VM, ...]) -> VM | None:
        """The one VM of that name or id that may be seen. Asks where there are several: also where names differ only by
        what Slack and phones do to text."""
        found = named(text, vms, self._normalise)
        visible = tuple(vm for vm in found if self._may(vm))
        if len(visible) > 1:
            ids = tell_apart([vm.id for vm in visible])
            listed = ", ".join(
                f"{id} ({name(vm.name)} on {name(vm.host)}, {vm.state.label})"
                for id, vm in zip(ids, visible, strict=True)
            )
            raise UsageError(f"{name(text)} may be {len(visible)} VMs.", f"Type the short id of one instead: {listed}.")
        return visible[0] if visible else None

    def _where_it_may_be(self, text: str, vms: tuple[VM, ...]) -> str:
        hints = []
        if near := self._nearest(text, vms):
            hints.append(f"Did you mean {' or '.join(map(name, near))}?")
        if down := [host.name for host in self._inventory.hosts() if not host.reachable]:
            hints.append(f"{say_names(down)} could not be asked, so it may be there. {typed('hosts')} says why.")
        return " ".join(hints) or f"{typed('list')} shows all VMs in sight."

    def _nearest(self, text: str, vms: tuple[VM, ...]) -> tuple[str, ...]:
        return nearest(text, (vm.name for vm in vms if self._may(vm))) if text else ()

    def _as_found(self, vm: VM, seen: VMInventory) -> VMInventory:
        """The VM as it was looked up, unless it has another name by now: then what was typed may mean another one."""
        if seen.vm.name != vm.name:
            self._inventory.refresh((seen.vm.host,))
            raise UsageError(
                f"{name(vm.name)} is called {name(seen.vm.name)} now.", "Look which one you mean, and type it again."
            )
        return seen


@dataclass(frozen=True, slots=True)
class HealthView:
    """The verdicts for one person: the logs of a host are read when it is their turn there."""

    health: Health
    at: Callable[[str | None], AbstractContextManager[None]]

    def kept(self, vms: Iterable[VM]) -> Mapping[str, VMHealth]:
        return self.health.kept(vms)

    def verdicts(self) -> Mapping[str, Verdict]:
        return self.health.verdicts()

    def judge(self, seen: VMInventory) -> VMHealth:
        with self.at(seen.vm.host):
            return self.health.judge(seen)

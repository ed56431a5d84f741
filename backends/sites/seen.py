"""What the bot last saw of a cluster, whichever worker of its site showed it: one of them may have seen nothing yet of
a node that does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Lock

from backends.base import HostInventory, NodeShown, Part, Unseen, VMInventory


@dataclass(frozen=True, slots=True)
class _Sight:
    one: VMInventory
    at: datetime


class LastSeen:
    """Safe to use from many threads."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._vms: dict[str, _Sight] = {}
        self._nodes: dict[str, datetime] = {}
        """When each node last answered."""
        self._lock = Lock()

    def take(self, one: VMInventory) -> None:
        """A VM as it is now."""
        with self._lock:
            self._vms[one.vm.id] = _Sight(one, self._now())

    def completed(self, shown: HostInventory) -> HostInventory:
        """What a worker shows, with the last that any has seen of VMs that cannot be read now."""
        with self._lock:
            unread = {one.vm_id for one in shown.unreadable if one.part is Part.VMS and one.vm_id}
            silent = {one.name: one.seen_at for one in shown.nodes if not one.answers}
            vms = {one.vm.id: self._newest(one, shown, unread, silent) for one in shown.vms}
            lost = [
                sight.one
                for vm_id, sight in self._vms.items()
                if vm_id not in vms and (vm_id in unread or sight.one.vm.node in silent)
            ]
            vms.update((one.vm.id, _Sight(one, self._vms[one.vm.id].at)) for one in lost)
            self._vms = vms
            self._nodes |= {one.name: one.seen_at for one in shown.nodes if one.seen_at and self._is_later(one)}
            seen = tuple(sight.one for sight in vms.values())
            return replace(
                shown,
                vms=seen,
                unreadable=(*shown.unreadable, *(_unseen(one) for one in lost if one.vm.id not in unread)),
                nodes=tuple(self._counted(node, seen) for node in shown.nodes),
            )

    def _newest(
        self, one: VMInventory, shown: HostInventory, unread: set[str], silent: dict[str, datetime | None]
    ) -> _Sight:
        """A worker shows what it cannot read as it has seen it last itself."""
        if one.vm.id not in unread:
            return _Sight(one, shown.taken_at)
        at, known = silent.get(one.vm.node), self._vms.get(one.vm.id)
        if known is not None and (at is None or known.at >= at):
            return known
        return _Sight(one, at or datetime.min.replace(tzinfo=UTC))

    def _is_later(self, node: NodeShown) -> bool:
        before = self._nodes.get(node.name)
        return node.seen_at is not None and (before is None or before < node.seen_at)

    def _counted(self, node: NodeShown, seen: tuple[VMInventory, ...]) -> NodeShown:
        here = [one for one in seen if one.vm.node == node.name]
        checkpoints = sum(len(one.checkpoints) for one in here)
        return replace(node, seen_at=self._nodes.get(node.name), vms=len(here), checkpoints=checkpoints)


def _unseen(one: VMInventory) -> Unseen:
    return Unseen(Part.VMS, f"{one.vm.node} does not show {one.vm.name}", one.vm.id)

"""`Backend` for a failover cluster: a VM is found by its GUID on whichever node it is, and each call goes there.

Nothing is ever sent twice from here. Where a VM left its node in the middle of a change, the outcome is unknown, and
whoever asked looks at the VM where it is by then, and decides.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from backends.base import (
    BackendError,
    Busy,
    Checkpoint,
    CheckpointType,
    Cluster,
    ClusteredBackend,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    NotFound,
    OnWait,
    Progress,
    Still,
    UnknownOutcome,
    Unreachable,
    VMInventory,
    Volume,
    name,
)
from backends.cluster import whole
from backends.cluster.nodes import Nodes

log = logging.getLogger(__name__)

T = TypeVar("T")

LOGS_MISSED: Final = timedelta(days=7)
"""How long the logs of a node that is down are missed. What stands in them is too old after that to say anything."""


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a VM on its way is waited for, in seconds."""

    arrival: float = 20.0
    """Until the node that owns a VM shows it."""
    migration: float = 600.0
    """Until a live migration is over or a node that drains has let go of a VM, before a change."""
    pause: float = 1.0
    """Between looks."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ClusterBackend:
    """Acts on the VMs of one cluster through its nodes. Safe to use from many threads."""

    def __init__(
        self,
        host: str,
        nodes: Nodes,
        *,
        waits: Waits | None = None,
        now: Callable[[], datetime] = _utc_now,
        steady: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`host` is the configured name of the cluster."""
        self._host = host
        self._nodes = nodes
        self._waits = waits or Waits()
        self._now, self._steady, self._sleep = now, steady, sleep
        self._on_wait: OnWait = lambda _vm_id, _why: None
        self._still: Still = lambda: None
        self._known: dict[str, VMInventory] = {}
        """What was last seen of each VM, and on which node."""
        self._answered: dict[str, datetime] = {}
        """When each node last answered."""
        self._begun = now()
        self._ran: dict[str, datetime] = {}
        """When each node was last seen to run."""

    @property
    def host(self) -> str:
        return self._host

    def tell_waits(self, on_wait: OnWait) -> None:
        self._on_wait = on_wait

    def ask_first(self, still: Still) -> None:
        self._still = still

    # ------------------------------------------------------------ questions

    def facts(self) -> HostFacts:
        """The least of what its nodes show, each of which is asked for the cluster too: another may be down when it
        counts."""
        running = self._running(self._nodes.read())
        answers = self._nodes.ask(running, lambda _, node: node.facts())
        self._any_of([*answers.values()])
        told = self._nodes.ask(running, lambda _, node: node.cluster())
        return whole.of_facts(answers, told)

    def inventory(self, *, disks: bool = False) -> HostInventory:
        """What all nodes show that run, as of when they are asked. VMs of one that does not answer stay as last seen,
        and that is said."""
        now = self._now()
        cluster = self._nodes.read()
        answers = self._nodes.ask(self._running(cluster), lambda _, node: node.inventory(disks=disks))
        if not any(isinstance(one, HostInventory) for one in answers.values()):
            self._any_of([*answers.values()])
        self._answered.update((node, now) for node, one in answers.items() if isinstance(one, HostInventory))
        found = whole.of_nodes(
            self._host,
            cluster,
            answers,
            dict(self._known),
            now,
            disks=disks,
            blind=self._nodes.blind,
            seen_at=dict(self._answered),
        )
        self._known = {one.vm.id: one for one in found.vms}
        return found

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        """One VM, wherever it is by now. Raises `NotFound` only where the cluster does not keep it, every node answers
        and none has it."""
        known = self._known.get(vm_id)
        if known is not None:
            try:
                return self._seen_on(known.vm.node, vm_id, disks)
            except (NotFound, Unreachable) as error:
                log.info("VM %s is not seen on %s: %s", vm_id, known.vm.node, error.cause)
        return self._follow(vm_id, disks)

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        return self._nodes.backend(self.vm(vm_id).vm.node).volumes_of(vm_id)

    def events(self, since: datetime) -> HostEvents:
        """Those of all nodes: what happened to a VM stands in the log of the node that it was on."""
        cluster = self._nodes.read()
        answers = self._nodes.ask(self._running(cluster), lambda _, node: node.events(since))
        if not any(isinstance(one, HostEvents) for one in answers.values()):
            self._any_of([*answers.values()])
        return whole.of_events(self._host, answers, self._down_lately(cluster))

    def folder_files(self, folders: Sequence[str]) -> FolderFiles:
        answers = self._nodes.ask(self._running(self._nodes.read()), lambda _, node: node.folder_files(folders))
        found = [one for one in answers.values() if isinstance(one, FolderFiles)]
        if not found:
            self._any_of([*answers.values()])
        return whole.of_folders(self._host, found)

    # ------------------------------------------------------------ changes

    def create(self, vm_id: str, name: str, *, on_progress: Progress | None = None) -> Checkpoint:
        return self._act(vm_id, lambda node: node.create(vm_id, name, on_progress=on_progress))

    def apply(self, checkpoint_id: str, *, on_progress: Progress | None = None) -> None:
        self._act(self._vm_of(checkpoint_id), lambda node: node.apply(checkpoint_id, on_progress=on_progress))

    def delete(self, checkpoint_id: str, *, subtree: bool = False, on_progress: Progress | None = None) -> None:
        """A node that a VM has left shows no checkpoint of it, as if it were deleted: it has to show the VM still."""
        vm_id = self._vm_of(checkpoint_id)

        def delete(node: ClusteredBackend) -> None:
            node.delete(checkpoint_id, subtree=subtree, on_progress=on_progress)
            try:
                node.vm(vm_id)
            except BackendError as error:
                raise self._left(vm_id, node.host, error) from error

        self._act(vm_id, delete)

    def rename(self, checkpoint_id: str, name: str) -> None:
        self._act(self._vm_of(checkpoint_id), lambda node: node.rename(checkpoint_id, name))

    def export(self, checkpoint_id: str, path: str, *, on_progress: Progress | None = None) -> None:
        self._act(self._vm_of(checkpoint_id), lambda node: node.export(checkpoint_id, path, on_progress=on_progress))

    def configure(
        self, vm_id: str, *, checkpoint_type: CheckpointType | None = None, automatic: bool | None = None
    ) -> None:
        self._act(vm_id, lambda node: node.configure(vm_id, checkpoint_type=checkpoint_type, automatic=automatic))

    def start(self, vm_id: str) -> None:
        self._act(vm_id, lambda node: node.start(vm_id))

    def end_lost_calls(self) -> None:
        self._nodes.end_lost_calls()

    def close(self) -> None:
        self._nodes.close()

    # ------------------------------------------------------------ where a VM is

    def _act(self, vm_id: str, act: Callable[[ClusteredBackend], T]) -> T:
        """Send a change to the node that the VM is on and stays on. One that the VM left, or was leaving, says nothing
        of what was done before."""
        node = self._settled(vm_id)
        self._still()
        try:
            return act(self._nodes.backend(node))
        except (NotFound, Unreachable, Busy) as error:
            try:
                stayed = self._stayed(vm_id, node)
            except BackendError:
                stayed = error.unchanged  # else what was done is not known
            if stayed:
                raise
            raise self._left(vm_id, node, error) from error

    def _left(self, vm_id: str, node: str, error: BackendError) -> UnknownOutcome:
        return UnknownOutcome(
            f"{name(node)} does not show any more what it did, since the VM left it.",
            f"{error.cause}; VM {vm_id} has left {node}",
        )

    def _stayed(self, vm_id: str, node: str) -> bool:
        """Whether the VM is on that node still, and nothing moves it. A migration under way is waited for."""
        now = self._follow(vm_id, disks=False).vm
        if now.node == node and not now.migrating:
            return True
        with suppress(Busy):
            self._settled(vm_id)
        return False

    def _settled(self, vm_id: str) -> str:
        """The node of the VM, once nothing moves it, which is told meanwhile. Raises `Busy` where that does not end."""
        told = ""
        until = self._steady() + self._waits.migration
        try:
            while True:
                vm = self.vm(vm_id).vm
                cluster = self._nodes.read()
                node = cluster.node(vm.node)
                moves = vm.migrating or cluster.owners.get(vm_id, vm.node) != vm.node
                leaves = node is not None and not node.takes_changes
                if not moves and not leaves:
                    return vm.node
                stays = leaves and not moves and node is not None and not node.drains
                remark = node.remark if node else ""
                if stays or self._steady() >= until:
                    raise self._on_its_way(vm.name, vm.node, remark)
                if told != (told := self._why_not_yet(vm.name, vm.node, remark)):
                    self._on_wait(vm_id, told)
                self._sleep(self._waits.pause)
        finally:
            if told:
                self._on_wait(vm_id, "")

    def _why_not_yet(self, vm_name: str, node: str, remark: str) -> str:
        """No surer than the last look: it may have arrived since."""
        why = f"{name(node)} {remark}, and it was on it" if remark else "it was on its way to another node"
        return f"{name(vm_name)} waits: {why} when I last looked. This goes on when it has settled."

    def _on_its_way(self, vm_name: str, node: str, remark: str) -> Busy:
        why = f"{name(node)} {remark}" if remark else f"{name(vm_name)} is being moved to another node"
        return Busy(
            f"{why}, so nothing begins on {name(vm_name)} there. Try again when it has settled.",
            f"{vm_name} on {node}: {remark or 'migrating'}",
            unchanged=True,
        )

    def _follow(self, vm_id: str, disks: bool) -> VMInventory:
        """The VM on the node that owns it now. Between two nodes it may be on none for a while."""
        until = self._steady() + self._waits.arrival
        while True:
            cluster = self._nodes.read()
            owner = cluster.owners.get(vm_id)
            if owner is None:
                return self._search(vm_id, disks, cluster)
            try:
                return self._seen_on(owner, vm_id, disks)
            except (NotFound, Unreachable) as error:
                if self._steady() >= until:
                    raise self._not_shown(vm_id, owner, error) from error
            self._sleep(self._waits.pause)

    def _search(self, vm_id: str, disks: bool, cluster: Cluster) -> VMInventory:
        """A VM that the cluster does not keep, or does not tell of: on whichever node. They are asked twice, since one
        that moves meanwhile may pass between two questions."""
        for again in (False, True):
            if again:
                cluster = self._nodes.read()
                if vm_id in cluster.owners:  # it was not told of, while it was on its way too
                    return self._follow(vm_id, disks)
            running = self._running(cluster)
            answers = self._nodes.ask(running, lambda _, node: node.vm(vm_id, disks=disks))
            for node, found in answers.items():
                if isinstance(found, VMInventory):
                    return self._taken(found, node)
            for found in answers.values():
                if isinstance(found, BackendError) and not isinstance(found, NotFound):
                    raise found
        if down := [one.name for one in cluster.nodes if one.is_down]:
            raise Unreachable(
                f"{name(down[0])} is down, and no other node of {name(self._host)} has that VM.",
                f"{self._host}: no VM {vm_id} on the nodes that run",
            )
        self._known.pop(vm_id, None)
        raise NotFound(f"{name(self._host)} does not have that VM any more.", f"{self._host}: no VM {vm_id}")

    def _not_shown(self, vm_id: str, owner: str, error: BackendError) -> Unreachable:
        if isinstance(error, Unreachable):
            return error
        known = self._known.get(vm_id)
        called = name(known.vm.name) if known else "That VM"
        return Unreachable(
            f"{called} is on its way to {name(owner)}, which does not show it yet. Try again in a minute.", error.cause
        )

    def _seen_on(self, node: str, vm_id: str, disks: bool) -> VMInventory:
        return self._taken(self._nodes.backend(node).vm(vm_id, disks=disks), node)

    def _taken(self, found: VMInventory, node: str) -> VMInventory:
        seen = self._known[found.vm.id] = whole.belonging(found, self._host, node)
        return seen

    def _vm_of(self, checkpoint_id: str) -> str:
        """The VM of a checkpoint that was seen. Raises `NotFound` where every node shows all it has."""
        found = self._known_vm_of(checkpoint_id)
        if found is None:
            seen = self.inventory()
            found = self._known_vm_of(checkpoint_id)
            if found is None and seen.unreadable:
                raise Unreachable(
                    f"Not all of {name(self._host)} could be seen, and the rest does not have that checkpoint.",
                    seen.unreadable[0].cause,
                )
        if found is None:
            raise NotFound(
                f"{name(self._host)} does not have that checkpoint any more.",
                f"{self._host}: no checkpoint {checkpoint_id}",
            )
        return found

    def _known_vm_of(self, checkpoint_id: str) -> str | None:
        return next((id for id, one in list(self._known.items()) if one.checkpoint(checkpoint_id)), None)

    def _running(self, cluster: Cluster) -> list[str]:
        running = [one.name for one in cluster.nodes if not one.is_down]
        self._ran |= dict.fromkeys(running, self._now())
        return running

    def _down_lately(self, cluster: Cluster) -> list[str]:
        """Nodes that are down, and whose logs may tell of something. One that was down at the start may have gone down
        right before it."""
        down = [one.name for one in cluster.nodes if one.is_down]
        return [node for node in down if self._now() - self._ran.get(node, self._begun) < LOGS_MISSED]

    def _any_of(self, answers: Sequence[T | BackendError]) -> T:
        """The first that is an answer. Raises the first error where none is."""
        for one in answers:
            if not isinstance(one, BackendError):
                return one
        first = next((one for one in answers if isinstance(one, BackendError)), None)
        raise first or Unreachable(f"No node of {name(self._host)} runs.", f"{self._host}: no node runs")

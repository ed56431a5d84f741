"""A simulated host that writes down what takes effect on it, and whether a hand on the host did it or a session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local
from typing import Literal

from backends.base import CheckpointType
from backends.simulator.fleets.seed import TB
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations, HostSpec
from backends.simulator.model.machines import Job, JobKind, SimulatedVM
from backends.simulator.model.storage import VolumeSpace

What = Literal["create", "apply", "remove", "export", "start", "stop", "save", "rename", "type"]

QUICK = Durations(
    create=0.02, apply=0.02, remove=0.02, start=0.02, stop=0.02, merge=0.05, memory_rate=1e13, merge_rate=1e13
)
"""Long enough for two things to get in each other's way."""


@dataclass(frozen=True)
class Effect:
    """Something that was done to a VM."""

    what: What
    vm_id: str
    about: str = ""
    """The checkpoint's id; for the type its number."""
    name: str = ""
    """What a renamed checkpoint is called from now on."""


class WatchedHost(SimulatedHost):
    """What has begun takes effect, so it is written down at its beginning."""

    def __init__(self, name: str, durations: Durations = QUICK) -> None:
        self.effects: list[Effect] = []
        """Of sessions."""
        self.by_hand: list[Effect] = []
        self.taken: dict[str, str] = {}
        """What each checkpoint was called when it was taken, by its id."""
        self._here = local()
        self._revision = 0
        self._names: dict[str, str] = {}
        self._types: dict[str, CheckpointType] = {}
        super().__init__(HostSpec(name), [VolumeSpace("D:\\", 8 * TB)], durations=durations)

    def watch(self) -> None:
        """Take what is there for what was there from the start."""
        self._types = {vm.id: vm.checkpoint_type for vm in self.all()}
        self._names = {one.id: one.name for vm in self.all() for one in vm.checkpoints.values()}

    def name_of(self, checkpoint_id: str) -> str:
        """What it was called when it was taken, or at the start; empty for one that was never there."""
        return self.taken.get(checkpoint_id) or self._names.get(checkpoint_id, "")

    @contextmanager
    def hand(self) -> Iterator[None]:
        """What this thread does meanwhile is done by hand."""
        self._here.by_hand = True
        try:
            yield
        finally:
            self._here.by_hand = False

    def begin(self, vm: SimulatedVM, job: Job) -> Job:
        self._add(Effect(JobKind(job.kind).value, vm.id, job.checkpoint_id))
        if job.kind is JobKind.CREATE:
            self.taken[job.checkpoint_id] = job.name
        return super().begin(vm, job)

    @property
    def revision(self) -> int:
        return self._revision

    @revision.setter
    def revision(self, number: int) -> None:
        """Whatever changes a host counts this up, so what is changed at once is seen here."""
        self._revision = number
        for vm in getattr(self, "vms", {}).values():
            if self._types.setdefault(vm.id, vm.checkpoint_type) != vm.checkpoint_type:
                self._types[vm.id] = vm.checkpoint_type
                self._add(Effect("type", vm.id, str(int(vm.checkpoint_type))))
            for one in vm.checkpoints.values():
                if self._names.setdefault(one.id, one.name) != one.name:
                    self._names[one.id] = one.name
                    self._add(Effect("rename", vm.id, one.id, one.name))

    def _add(self, effect: Effect) -> None:
        (self.by_hand if getattr(self._here, "by_hand", False) else self.effects).append(effect)

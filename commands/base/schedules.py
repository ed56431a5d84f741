"""Schedules: what is taken by the clock, of which VMs, for whom, and how long it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal, Protocol

from backends.base import VM


@dataclass(frozen=True, slots=True)
class Schedule:
    """A recurring checkpoint with its retention."""

    id: str
    name: str
    vms: tuple[str, ...]
    """Names, patterns and sets."""
    owner: str
    """The user id of whose rights it runs with."""
    owner_name: str
    channel: str
    """Where its runs are told, and where the owner's grants must hold."""
    excluded: tuple[str, ...] = ()
    at: time | None = None
    every: float | None = None
    """Seconds, counted from midnight; whole days above one. None is daily at `at`."""
    weekdays: bool = False
    """Only from Monday to Friday."""
    keep: float | None = None
    """Seconds after which its checkpoints go."""
    keep_last: int | None = None
    """How many of its checkpoints stay on a VM."""
    kind: Literal["production", "standard"] = "production"
    label: str = ""
    """What its checkpoints are called, in place of its name."""
    from_settings: bool = False
    made_at: datetime | None = None
    paused_by: str = ""
    """Whose doing it is: a person's name, or `the bot`. Empty while it is not paused."""
    paused_why: str = ""

    @property
    def paused(self) -> bool:
        return bool(self.paused_by)

    @property
    def retains(self) -> bool:
        """It deletes what it made."""
        return self.keep is not None or self.keep_last is not None

    @property
    def actions(self) -> tuple[str, ...]:
        """The rights that it needs on each of its VMs."""
        return ("create", "delete") if self.retains else ("create",)

    @property
    def spacing(self) -> timedelta:
        return timedelta(seconds=self.every or 86400.0)


@dataclass(frozen=True, slots=True)
class SchedulePlan:
    """What a command wants of a schedule. It changes no VM by itself, and is carried out at once."""

    what: Literal["add", "pause", "resume", "run", "remove"]
    schedule: Schedule
    only: tuple[str, ...] | None = None
    """Of a run: the ids of the VMs that it is about; None is all."""


@dataclass(frozen=True, slots=True)
class Left:
    """A VM or a checkpoint that a run leaves alone."""

    vm_id: str
    vm_name: str
    key: str
    """The reason in a word: it is told once."""
    why: str
    """The reason as a clause: `a backup is running`."""
    checkpoint_id: str = ""
    checkpoint_name: str = ""


@dataclass(frozen=True, slots=True)
class Going:
    """A checkpoint that a run would delete."""

    vm_name: str
    checkpoint_name: str
    taken_at: datetime
    why: str
    """`older than 7 days`, `beyond the last 5`."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a run would do now."""

    taken: tuple[str, ...] = ()
    """The names of VMs."""
    name: str = ""
    """What the checkpoints would be called."""
    going: tuple[Going, ...] = ()
    left: tuple[Left, ...] = ()
    unseen: tuple[str, ...] = ()
    """Hosts that do not answer."""
    refused: str = ""
    """Why it would not run at all, in a sentence."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """How a schedule's last run went."""

    at: datetime
    outcome: str
    """`12 taken`, `10 of 12 taken`, `under way`."""
    failed: tuple[str, ...] = ()
    """The ids of the VMs that it did not take and should have."""


class Schedules(Protocol):
    """The schedules, to read."""

    def all(self) -> tuple[Schedule, ...]:
        """By name."""

    def next_run(self, schedule: Schedule) -> datetime: ...

    def last_run(self, schedule: Schedule) -> LastRun | None: ...

    def covers(self, schedule: Schedule, vms: Sequence[VM]) -> tuple[VM, ...]:
        """Those of the VMs that it names."""

    def rehearse(self, schedule: Schedule) -> Rehearsal: ...


class NoSchedules:
    """Where none are kept."""

    def all(self) -> tuple[Schedule, ...]:
        return ()

    def next_run(self, schedule: Schedule) -> datetime:
        raise LookupError(schedule.name)

    def last_run(self, schedule: Schedule) -> LastRun | None:  # noqa: ARG002
        return None

    def covers(self, schedule: Schedule, vms: Sequence[VM]) -> tuple[VM, ...]:  # noqa: ARG002
        return ()

    def rehearse(self, schedule: Schedule) -> Rehearsal:  # noqa: ARG002
        return Rehearsal()

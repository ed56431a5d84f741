"""How fast VMs and volumes grow, as far as that can be told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """Bytes a day, and between which bounds they may lie."""

    per_day: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Filling:
    """A volume that fills: in how many days at today's rate, at the soonest and at the latest."""

    host: str
    path: str
    free: int
    days: float
    soonest: float
    latest: float
    age: timedelta = timedelta()
    """How long ago so much was free."""


class Growth(Protocol):
    """What is told is told with reason: what was seen for less than three days, or jumps, is left out."""

    def of_vms(self, vm_ids: Iterable[str]) -> Mapping[str, Rate]:
        """What each VM writes to the disks of its checkpoints."""

    def of_volumes(self, hosts: Iterable[str]) -> tuple[Filling, ...]:
        """The volumes of these hosts that will be full within a month, the soonest first."""


class NothingKnown:
    """The `Growth` of who has no samples."""

    def of_vms(self, vm_ids: Iterable[str]) -> Mapping[str, Rate]:  # noqa: ARG002
        return {}

    def of_volumes(self, hosts: Iterable[str]) -> tuple[Filling, ...]:  # noqa: ARG002
        return ()

"""What follows a delete on the host: the disks are merged in the background, for minutes or hours.

Hyper-V's cmdlet is done in a second; the space comes back when the merge is over, which is when MergingDisks is gone
from the VM's status.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from backends.base import BackendError
from bot.verbs import bytes_on_disk
from bot.work import Journal, Looks, Outcome
from commands.words import say_size

PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0, *(60.0,) * 60, *(300.0,) * 500)
"""Seconds between looks: most merges are short, and some take a day."""

MERGED, STALLS = "merged", "merge stalled"
"""The ledger's events."""

STALLED = timedelta(minutes=30)
"""A merge whose files have not changed for this long is said to have stalled."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a merge is going."""

    state: Literal["merging", "over", "unseen"]
    size: int | None
    """Bytes that the VM's files take."""
    at: datetime


class Teller(Protocol):
    """Adds a line to a result that stands already."""

    def __call__(self, event: str, sentence: str) -> None: ...


def follow(
    journal: Journal, fleet: Looks, clock: Callable[[], datetime], merging: Iterable[Outcome], tell: Teller
) -> None:
    """Look at the VMs after a delete until the merge of each is over; tell that, and when one stalls."""
    left = {outcome.vm_id: _Follower(journal, fleet, clock, outcome, tell) for outcome in merging}
    for pause in PAUSES:
        left = {vm_id: one for vm_id, one in left.items() if one.goes_on()}
        if not left:
            return
        journal.sleep(pause)


@dataclass(slots=True)
class _Follower:
    """One VM's merge. What it remembers comes from durable steps alone, so it is the same after a crash."""

    journal: Journal
    fleet: Looks
    clock: Callable[[], datetime]
    outcome: Outcome
    tell: Teller
    moved: Look | None = None
    """The last look at which its files had changed."""
    told: bool = False

    def goes_on(self) -> bool:
        now = self.journal.step("look at the merge", lambda: look(self.fleet, self.outcome, self.clock()))
        if now.state == "over":
            self.journal.step("say it is over", lambda: self.tell(MERGED, tell_end(self.outcome, now)))
            return False
        if now.state == "merging" and (self.moved is None or now.size != self.moved.size):
            self.moved = now
        elif self.moved is not None and not self.told and has_stalled(self.moved, now):
            since = self.moved.at
            self.journal.step("say it stalls", lambda: self.tell(STALLS, tell_stall(self.outcome, since)))
            self.told = True
        return True


def look(fleet: Looks, outcome: Outcome, at: datetime) -> Look:
    """The VM as it is now. A host that does not answer is no news."""
    try:
        seen = fleet.look(outcome.vm_id, disks=True)
    except BackendError:
        return Look("unseen", None, at)
    return Look("merging" if seen.vm.merging else "over", bytes_on_disk(seen), at)


def tell_end(outcome: Outcome, end: Look) -> str:
    """What to say of a merge that is over, with the space that came back."""
    if outcome.bytes_before is None or end.size is None:
        return f"The disks of {outcome.vm_name} are merged."
    back = outcome.bytes_before - end.size
    return f"The disks of {outcome.vm_name} are merged" + (f": {say_size(back)} came back." if back > 0 else ".")


def tell_stall(outcome: Outcome, since: datetime) -> str:
    return (
        f"The merge of the disks of {outcome.vm_name} has not moved since {since:%H:%M} UTC. "
        "Look at the free space of its volume and at the host's events."
    )


def has_stalled(earlier: Look, now: Look) -> bool:
    """Nothing has moved between two looks that lie far enough apart."""
    return now.state == "merging" and now.size == earlier.size and now.at - earlier.at >= STALLED

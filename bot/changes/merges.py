"""What follows a delete on the host: the disks are merged in the background, for minutes or hours.

Hyper-V's cmdlet is done in a second; the space comes back when the merge is over, which is when the disks show it: a
merge that failed, or that is switched off, leaves the VM's status as if there were none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from backends.base import BackendError
from bot.changes.execution import Looks
from bot.changes.outcome import Outcome, Said
from bot.changes.verbs.delete import bytes_on_disk
from commands.base import name
from commands.kit.words import say_size

PAUSES = (0.0, 2.0, 5.0, 10.0, 20.0, 60.0, 60.0, 60.0, 300.0)
"""Seconds before each look; the last one from then on. Most merges are short, and some take a day."""

MOST_LOOKS = 600
"""Two days of looks."""

Line = tuple[str, Said]
"""A ledger event, and what the people are told."""

MERGED, STALLS = "merged", "merge stalled"
"""The ledger's events."""

STALLED = timedelta(minutes=30)
"""A merge whose files have not changed for this long is said to have stalled."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a merge is going."""

    state: Literal["merging", "over", "untold", "unseen"]
    """`untold` where the VM's status says nothing of a merge, and the disks that tell are not the account's to see."""
    size: int | None
    """Bytes that the VM's files take."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Watch:
    """One VM's merge, between two looks."""

    outcome: Outcome
    looks: int = 0
    moved: Look | None = None
    """The last look at which its files had changed."""
    told: bool = False
    """That it stalls was said."""

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return PAUSES[min(self.looks, len(PAUSES) - 1)]


def judge(watch: Watch, now: Look) -> tuple[Line | None, Watch | None]:
    """What to say after a look, and how to watch on; None where there is nothing to say, or nothing more to watch."""
    if now.state in ("over", "untold"):
        line = (MERGED, tell_end(watch.outcome, now)) if now.state == "over" else (STALLS, tell_unseen(watch.outcome))
        return line, None
    if watch.looks >= MOST_LOOKS:
        return None, None
    further = replace(watch, looks=watch.looks + 1)
    if now.state == "unseen":
        return None, further
    if watch.moved is None or now.size != watch.moved.size:
        return None, replace(further, moved=now)
    if not watch.told and now.at - watch.moved.at >= STALLED:
        return (STALLS, tell_stall(watch.outcome, watch.moved.at)), replace(further, told=True)
    return None, further


def look(fleet: Looks, outcome: Outcome, at: datetime) -> Look:
    """The VM as it is now. A host that does not answer is no news."""
    try:
        seen = fleet.look(outcome.vm_id, disks=True)
    except BackendError:
        return Look("unseen", None, at)
    match seen.merge_pending:
        case True:
            return Look("merging", bytes_on_disk(seen), at)
        case False:
            return Look("over", bytes_on_disk(seen), at)
        case None:
            return Look("untold", None, at)


def tell_end(outcome: Outcome, end: Look) -> Said:
    """What to say of a merge that is over, with the space that came back."""
    values = {"vm": outcome.vm_name}
    if outcome.bytes_before is None or end.size is None:
        return Said("merged", f"The disks of {name(outcome.vm_name)} are merged.", values)
    back = outcome.bytes_before - end.size
    came_back = f": {say_size(back)} came back." if back > 0 else "."
    return Said(
        "merged", f"The disks of {name(outcome.vm_name)} are merged{came_back}", {**values, "bytes": max(0, back)}
    )


def tell_unseen(outcome: Outcome) -> Said:
    sentence = (
        f"The host says no more of a merge of {name(outcome.vm_name)}. Its disks are not mine to see, so I cannot "
        "say whether they are merged."
    )
    return Said("merge not seen", sentence, {"vm": outcome.vm_name})


def tell_stall(outcome: Outcome, since: datetime) -> Said:
    sentence = (
        f"The merge of the disks of {name(outcome.vm_name)} has not moved since {since:%H:%M} UTC. "
        "Look at the free space of its volume and at the host's events."
    )
    return Said("merge stalled", sentence, {"vm": outcome.vm_name, "since": since.isoformat()})

"""What follows a delete on the host: the disks are merged in the background, for minutes or hours.

Hyper-V's cmdlet is done in a second; the space comes back when the merge is over, which is when the disks show it: a
merge that failed, or that is switched off, leaves the VM's status as if there were none. What became of it is in the
host's log then, if anywhere. Of what is told of a VM's merge, the last line is how it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal

from backends.base import Backend, BackendError, VMInventory
from bot.changes.execution import Looks
from bot.changes.outcome import Outcome, Said
from bot.changes.verbs.delete import bytes_on_disk
from bot.fleet.health import events
from bot.fleet.health.events import Means, Names, Sign
from bot.ledger import Event
from commands.base import name
from commands.kit.soundness import how_to_see
from commands.kit.words import say_size

PAUSES = (0.0, 2.0, 5.0, 10.0, 20.0, 60.0, 60.0, 60.0, 300.0)
"""Seconds before each look; the last one from then on. Most merges are short, and some take a day."""

MOST_LOOKS = 600
"""Two days of looks."""

Line = tuple[str, Said]
"""A ledger event, and what the people are told."""

MERGED, STALLS, FAILED = "merged", "merge stalled", "merge failed"
INTERRUPTED, IDLE, AGAIN, GIVEN_UP = (
    "merge interrupted",
    "merge not begun",
    "merge goes on",
    "merge not seen to its end",
)
LINES = (MERGED, STALLS, FAILED, INTERRUPTED, IDLE, AGAIN, GIVEN_UP)
"""The ledger's events."""

STALLED = timedelta(minutes=30)
"""A merge whose files have not changed for this long is said to have stalled, and one that has not begun by then is
said to be switched off, or to wait."""

BEFORE = timedelta(minutes=1)
"""The host's clock and the bot's may differ by that."""


def vm_of(event: Event) -> str:
    """The VM that a line is about. Older versions noted none: their lines stand each by itself."""
    values = event.detail.get("values")
    return str(values.get("vm_id") or event.why) if isinstance(values, dict) else event.why


State = Literal["merging", "failed", "interrupted", "idle", "over", "untold", "unseen"]


@dataclass(frozen=True, slots=True)
class Look:
    """How a merge is going."""

    state: State
    """`idle` where disks are still to be merged, and neither status nor log tell of a merge; `untold` where the VM's
    status says nothing of one, and the disks that tell are not the account's to see."""
    size: int | None
    """Bytes that the VM's files take."""
    at: datetime
    frozen: int | None = None
    """The same of those that the VM does not write to."""
    told: str = ""
    """The event of the host's log that says so."""
    log_read: bool = False
    """The host's log was read, and tells of no merge that is to come."""

    @property
    def measure(self) -> int | None:
        """What changes as the merge gets on, and not because the VM writes."""
        return self.size if self.frozen is None else self.frozen


@dataclass(frozen=True, slots=True)
class Watch:
    """One VM's merge, between two looks."""

    outcome: Outcome
    looks: int = 0
    moved: Look | None = None
    """The last look at which something had changed."""
    said: str = ""
    """The ledger's event of what was told last."""
    begun: datetime | None = None
    """The first look."""

    @property
    def pause(self) -> float:
        """Seconds until the next look."""
        return PAUSES[min(self.looks, len(PAUSES) - 1)]


def judge(watch: Watch, now: Look) -> tuple[Line | None, Watch | None]:
    """What to say after a look, and how to watch on; None where there is nothing to say, or nothing more to watch."""
    outcome = watch.outcome
    if now.state == "over":
        return (MERGED, tell_end(outcome, now)), None
    if now.state == "untold":
        return (GIVEN_UP, tell_unseen(outcome)), None
    if watch.looks >= MOST_LOOKS:
        return (GIVEN_UP, tell_given_up(outcome, seen=now.state != "unseen")), None
    further = replace(watch, looks=watch.looks + 1, begun=watch.begun or now.at)
    if now.state == "unseen":
        return None, further
    before = watch.moved
    if before is None or before.state != now.state or (now.state == "merging" and before.measure != now.measure):
        further = replace(further, moved=now)
    since = (further.moved or now).at
    event = _event(watch.said, now, since)
    if event == watch.said:
        return None, further
    return (event, _tell(event, outcome, now, since)), replace(further, said=event)


def _event(said: str, now: Look, since: datetime) -> str:
    """How it stands, as what is told; what was told last where there is nothing new to tell."""
    long = now.at - since >= STALLED
    match now.state:
        case "failed":
            return FAILED
        case "interrupted":
            return INTERRUPTED
        case "idle":
            return IDLE if long else said
        case _:
            if long:
                return STALLS
            return AGAIN if said else said


def look(
    fleet: Looks,
    outcome: Outcome,
    at: datetime,
    begun: datetime | None = None,
    hosts: Mapping[str, Backend] = MappingProxyType({}),
) -> Look:
    """The VM as it is now. A host that does not answer is no news."""
    try:
        seen = fleet.look(outcome.vm_id, disks=True)
        pending = seen.merge_pending
        if pending is None:
            return Look("untold", None, at)
        state, told, read = _state(seen, begun, hosts.get(seen.vm.host)) if pending else ("over", "", False)
    except BackendError:
        return Look("unseen", None, at)
    return Look(state, bytes_on_disk(seen), at, _frozen(seen), told, read)


def _frozen(seen: VMInventory) -> int:
    return sum(disk.file_size for disk in seen.disks or () if not disk.attached)


def _state(seen: VMInventory, begun: datetime | None, host: Backend | None) -> tuple[State, str, bool]:
    """What becomes of disks that are still to be merged: by the status, and by the last that the log says; and whether
    that was read and says nothing. At the first look it says nothing yet."""
    plain: State = "merging" if seen.vm.merging else "idle"
    if begun is None or host is None:
        return plain, "", False
    told = host.events(begun - BEFORE)
    found = events.of_vm(events.Told(told.events).perhaps_of(seen.vm.id), seen)
    last = next((sign for sign in reversed(found) if sign.means in _STATES and sign.names is Names.SURELY), None)
    if last is None or (seen.vm.merging and last.means is not Means.MERGE_INTERRUPTED):
        return plain, "", last is None and all(one.trouble is None for one in told.readings)
    return _STATES[last.means], _when(last), False


_STATES: Mapping[Means, State] = {
    Means.MERGE_STARTED: "merging",
    Means.MERGE_DONE: "idle",
    Means.MERGE_FAILED: "failed",
    Means.MERGE_INTERRUPTED: "interrupted",
}
"""After one that is done the next is to begin."""


def _when(sign: Sign) -> str:
    return f"at {sign.event.at:%H:%M:%S} UTC, {sign.told}"


def _tell(event: str, outcome: Outcome, now: Look, since: datetime) -> Said:
    match event:
        case "merge failed":
            return tell_failed(outcome, now.told)
        case "merge interrupted":
            return tell_interrupted(outcome, now.told)
        case "merge not begun":
            return tell_idle(outcome, since, log_read=now.log_read)
        case "merge stalled":
            return tell_stall(outcome, since)
        case _:
            return tell_again(outcome, now.at)


def _said(key: str, outcome: Outcome, sentence: str, **more: str | int | None) -> Said:
    return Said(key, sentence, {"vm": outcome.vm_name, "vm_id": outcome.vm_id, **more})


def tell_end(outcome: Outcome, end: Look) -> Said:
    """What to say of a merge that is over, with the space that came back."""
    if outcome.bytes_before is None or end.size is None:
        return _said(MERGED, outcome, f"The disks of {name(outcome.vm_name)} are merged.")
    back = outcome.bytes_before - end.size
    came_back = f": {say_size(back)} came back." if back > 0 else "."
    return _said(MERGED, outcome, f"The disks of {name(outcome.vm_name)} are merged{came_back}", bytes=max(0, back))


def tell_unseen(outcome: Outcome) -> Said:
    sentence = (
        f"The host says no more of a merge of {name(outcome.vm_name)}. Its disks are not mine to see, so I cannot "
        "say whether they are merged."
    )
    return _said("merge not seen", outcome, sentence)


def tell_given_up(outcome: Outcome, *, seen: bool) -> Said:
    vm = name(outcome.vm_name)
    known = f"The disks of {vm} are not merged after two days"
    unknown = f"I could not see for two days whether the disks of {vm} are merged"
    sentence = f"{known if seen else unknown}, and I look no more. {how_to_see(outcome.vm_name)}"
    return _said("merge given up", outcome, f"{sentence} says how they are.")


def tell_failed(outcome: Outcome, told: str) -> Said:
    sentence = (
        f"The merge of the disks of {name(outcome.vm_name)} failed ({told}): its files stay as they are. Something may "
        f"hold them, such as a backup. {how_to_see(outcome.vm_name)} says more."
    )
    return _said(FAILED, outcome, sentence, event=told)


def tell_interrupted(outcome: Outcome, told: str) -> Said:
    sentence = (
        f"The merge of the disks of {name(outcome.vm_name)} was interrupted ({told}): Hyper-V tries again by itself."
    )
    return _said(INTERRUPTED, outcome, sentence, event=told)


def tell_idle(outcome: Outcome, since: datetime, *, log_read: bool) -> Said:
    log = ", and the host's log tells of none" * log_read
    sentence = (
        f"No merge of the disks of {name(outcome.vm_name)} has begun since {since:%H:%M} UTC{log}: merges may be "
        "switched off, or wait until the VM is off. Its files stay as they are."
    )
    return _said(IDLE, outcome, sentence, since=since.isoformat())


def tell_again(outcome: Outcome, at: datetime) -> Said:
    sentence = f"The disks of {name(outcome.vm_name)} are being merged again at {at:%H:%M:%S} UTC."
    return _said(AGAIN, outcome, sentence)


def tell_stall(outcome: Outcome, since: datetime) -> Said:
    sentence = (
        f"The merge of the disks of {name(outcome.vm_name)} has not moved since {since:%H:%M} UTC. "
        "Look at the free space of its volume and at the host's events."
    )
    return _said(STALLS, outcome, sentence, since=since.isoformat())

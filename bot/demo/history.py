"""The past of a demo that begins anew: what a bot at work for weeks would have in its ledger of these hosts.

It is told to the ledger's own parts, on a clock that goes through those weeks, so that all of it is as the bot writes
it. What it says of checkpoints that are there is taken from the hosts.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path

from backends.base import Checkpoint, CheckpointType, Disk, HostInventory, VMInventory, VMState, Volume
from backends.simulator.fleets.demo import MISSED, NIGHTLY, NIGHTS, nightly, nights_before
from bot.changes.outcome import OUTCOME, Outcome
from bot.ledger import ChangeState, Ledger, RunNotes
from bot.messages import Origin
from commands.base import Create, Delete, Person, Plan, Schedule, SchedulePlan, Target, name
from commands.kit.words import say_names

OPS = "C0OPS0001"
ADA, DEVIKA = Person("U0ADA0001", "ada"), Person("U0DEV0001", "dev")
OSKAR, FAY = Person("U0ONCALL1", "oncall"), Person("U0FORMER1", "former")

TAKEN = (
    ("web03", "before-tls-change", ADA, "new certificates", timedelta(days=14)),
    ("web01", "nginx-1.27", DEVIKA, "", None),
    ("sql01", "before-cu14", OSKAR, "cumulative update", None),
    ("app01", "release 4.2", OSKAR, "", timedelta(days=14)),
    ("app01", "release 4.1", FAY, "", None),
)
"""Which of the checkpoints the bot took, for whom, why, and how long they are kept. The time of the first is nearly
over, the last one's owner has left, and all the others are of nobody."""

GONE = 3
"""How many nights of the schedule its retention has deleted again."""

SAMPLED = (*range(30, 14, -2), *range(14, 0, -1))
"""How many days ago there are sizes of: each day that a forecast looks at, and each other one of the chart's."""

AFTER = timedelta(minutes=5)
"""How long after a run it was deleted."""

NAMESPACE = uuid.UUID("5f0f4d0e-6f0a-4a55-9a3c-6f3f8a1f2b6d")
"""Of the ids of what happened then."""

Act = tuple[datetime, Callable[[], None]]
"""When something was done, and how it is told."""


def write(path: Path, inventories: Sequence[HostInventory], now: datetime) -> None:
    """Make a ledger with that past: whole, or not at all."""
    draft = path.with_name(f"new-{path.name}")
    for one in path.parent.glob(f"{draft.name}*"):
        one.unlink()  # of a start that was cut off
    history = _History(draft, tuple(one for host in inventories for one in host.vms), now)
    try:
        history.tell_sizes(inventories)
        history.tell_what_was_done()
        history.tell_digest()
    finally:
        history.ledger.close()
    draft.replace(path)


class _History:
    """One past, told to a ledger."""

    def __init__(self, path: Path, vms: Sequence[VMInventory], now: datetime) -> None:
        self._vms = vms
        self._now = self._at = now
        self.ledger = Ledger(path, clock=lambda: self._at, draft=True)

    # ------------------------------------------------------------ sizes

    def tell_sizes(self, inventories: Sequence[HostInventory]) -> None:
        for back in SAMPLED:
            self._at = self._now - timedelta(days=back)
            for one in inventories:
                self.ledger.samples.add(_as_of(one, self._at, self._now))

    # ------------------------------------------------------------ what was done

    def tell_what_was_done(self) -> None:
        """In the order of its time, as the ledger counts it."""
        for at, act in sorted([*self._by_people(), *self._by_schedule()], key=lambda one: one[0]):
            self._at = at
            act()

    def _by_people(self) -> Iterator[Act]:
        for seen, one, person, why, keep in self._taken():
            until = one.created + keep if keep else None
            yield one.created, partial(self._take, seen, one, person, why, until)

    def _take(self, seen: VMInventory, one: Checkpoint, person: Person, why: str, until: datetime | None) -> None:
        said = f"take {name(one.name)} of {name(seen.vm.name)}"
        plan = Plan(Create(one.name, note=why), (Target.of(seen),), said)
        change_id = self._change(f"take {one.id}", plan, person, (_taken(seen, one),))
        self._remember(seen, one, person, change_id, why=why, until=until)

    def _taken(self) -> Iterator[tuple[VMInventory, Checkpoint, Person, str, timedelta | None]]:
        for vm_name, checkpoint, person, why, keep in TAKEN:
            seen = next(seen for seen in self._vms if seen.vm.name == vm_name)
            yield seen, next(one for one in seen.checkpoints if one.name == checkpoint), person, why, keep

    def _remember(
        self,
        seen: VMInventory,
        one: Checkpoint,
        person: Person,
        change_id: str,
        *,
        why: str = "",
        until: datetime | None = None,
    ) -> None:
        vm = seen.vm
        self.ledger.checkpoints.remember(
            one,
            host=vm.host,
            vm_name=vm.name,
            owner=person.id,
            reason=why,
            kind="standard" if one.has_memory else "production",
            state_before=VMState.RUNNING,
            keep_until=until,
            change_id=change_id,
        )

    # ------------------------------------------------------------ a schedule

    def _by_schedule(self) -> Iterator[Act]:
        vms = [seen for seen in self._vms if seen.vm.name.startswith("crm")]
        nights = list(nights_before(self._now, GONE + NIGHTS))
        schedule = Schedule(
            f"{ADA.id}-{NIGHTLY}", NIGHTLY, ("crm*",), ADA.id, ADA.name, OPS, at=time(2), keep=NIGHTS * 86400.0
        )
        yield nights[0] - timedelta(hours=9), partial(self._add, schedule)
        for number, night in enumerate(nights):
            missed = vms[1:] if number == len(nights) - MISSED else []
            yield night, partial(self._run, schedule, night, vms, [one for one in vms if one not in missed])
            if number >= NIGHTS:
                yield night + AFTER, partial(self._retain, schedule, nights[number - NIGHTS], vms)

    def _add(self, schedule: Schedule) -> None:
        change_id, origin = str(uuid.uuid5(NAMESPACE, "add")), Origin(OPS, ADA.id)
        self.ledger.schedules.carry_out(change_id, SchedulePlan("add", schedule), ADA, origin, ())

    def _run(
        self, schedule: Schedule, night: datetime, vms: Sequence[VMInventory], good: Sequence[VMInventory]
    ) -> None:
        occurrence, called = f"{schedule.id} {night:%Y-%m-%dT%H:%MZ}", nightly(night)
        change_id = str(uuid.uuid5(NAMESPACE, f"take {occurrence}"))
        self.ledger.schedules.claim(occurrence, schedule.id, night, "demo")
        notes = RunNotes(called, {change_id: tuple(seen.vm.id for seen in vms)}, asked=True)
        self.ledger.schedules.note(occurrence, notes)
        taken = {seen.vm.id: _of_night(seen, night) for seen in good}
        self._change(
            f"take {occurrence}",
            Plan(
                Create(called, CheckpointType.PRODUCTION),
                tuple(map(Target.of, vms)),
                f"take {name(called)} of {say_names([seen.vm.name for seen in vms])}",
                clock=f"schedule {schedule.name}",
            ),
            ADA,
            [_taken(one, taken[one.vm.id]) if one.vm.id in taken else _failed(one) for one in vms],
        )
        for seen in good:
            self._remember(seen, taken[seen.vm.id], ADA, change_id)
        of = f" of {len(vms)}" if len(good) < len(vms) else ""
        self.ledger.schedules.told(
            occurrence, None, f"{len(good)}{of} taken", [one.vm.id for one in vms if one not in good]
        )

    def _retain(self, schedule: Schedule, night: datetime, vms: Sequence[VMInventory]) -> None:
        """What that run deleted: what was taken so many nights before."""
        for seen in vms:
            one = _of_night(seen, night)
            said = f"delete {name(one.name)} of {name(seen.vm.name)}"
            target = Target.of(replace(seen, checkpoints=(one,)), one)
            plan = Plan(Delete(), (target,), said, clock=f"schedule {schedule.name}")
            done = Outcome(
                seen.vm.id, seen.vm.name, ChangeState.SUCCEEDED, f"Deleted {name(one.name)} of {name(seen.vm.name)}."
            )
            self._change(f"delete {one.id}", plan, ADA, (done,))

    # ------------------------------------------------------------ the digest of the day before

    def tell_digest(self) -> None:
        """It named one that is gone today."""
        self._at = self._now - timedelta(days=1)
        occurrence = f"{OPS} {self._at:%Y-%m-%d}T09:00Z"
        vm = next(seen.vm for seen in self._vms if seen.vm.name == "file01")
        gone = {
            "id": str(uuid.uuid5(NAMESPACE, "gone")).upper(),
            "name": "before-share-move",
            "vm": vm.name,
            "host": vm.host,
            "size": 38 * 1024**3,
        }
        self.ledger.digests.claim(occurrence, OPS)
        self.ledger.digests.posted(occurrence, None, "", [gone])

    # ------------------------------------------------------------ a change

    def _change(self, called: str, plan: Plan, person: Person, outcomes: Sequence[Outcome]) -> str:
        """One that was asked for at that time, with what became of it."""
        id, changes = str(uuid.uuid5(NAMESPACE, called)), self.ledger.changes
        changes.request(id, plan, person, Origin(OPS, person.id))
        changes.move(id, ChangeState.QUEUED, by="bot", why="needs no confirmation")
        changes.move(id, ChangeState.RUNNING, by="bot")
        for one in outcomes:
            changes.note(id, OUTCOME, by="bot", why=one.sentence, detail=asdict(one))
        failed = any(one.state is ChangeState.FAILED for one in outcomes)
        state = ChangeState.FAILED if failed else ChangeState.SUCCEEDED
        changes.move(id, state, by="bot", result="\n".join(one.sentence for one in outcomes))
        return id


def _of_night(seen: VMInventory, night: datetime) -> Checkpoint:
    """What the schedule took of a VM that night, as it is there, or as it was."""
    called = nightly(night)
    there = next((one for one in seen.checkpoints if one.name == called), None)
    id = str(uuid.uuid5(NAMESPACE, f"{seen.vm.id} {called}")).upper()
    return there or Checkpoint(id, called, seen.vm.id, night)


def _taken(seen: VMInventory, one: Checkpoint) -> Outcome:
    said = f"Took {name(one.name)} of {name(seen.vm.name)}."
    return Outcome(seen.vm.id, seen.vm.name, ChangeState.SUCCEEDED, said, checkpoint_id=one.id)


def _failed(seen: VMInventory) -> Outcome:
    said = f"{name(seen.vm.name)} took no production checkpoint: its guest did not get ready in time."
    return Outcome(seen.vm.id, seen.vm.name, ChangeState.FAILED, said, unchanged=True)


# ---------------------------------------------------------------- sizes of the past


def _as_of(host: HostInventory, at: datetime, now: datetime) -> HostInventory:
    """The sizes of that moment: each differencing disk has grown evenly while it was written to."""
    vms = tuple(_vm_as_of(one, at, now) for one in host.vms)
    volumes = tuple(_volume_as_of(one, host.vms, vms) for one in host.volumes or ())
    return replace(host, taken_at=at, vms=vms, volumes=volumes)


def _vm_as_of(seen: VMInventory, at: datetime, now: datetime) -> VMInventory:
    taken = {one.id: one.created for one in seen.checkpoints}
    disks = seen.disks or ()
    froze = {disk.path: min((taken[id] for id in disk.checkpoint_ids), default=now) for disk in disks}
    sized = (_disk_as_of(one, froze.get(one.parent_path or ""), froze[one.path], at) for one in disks)
    return replace(seen, disks=tuple(sized))


def _disk_as_of(disk: Disk, begun: datetime | None, ended: datetime, at: datetime) -> Disk:
    if begun is None or at >= ended:
        return disk
    part = max(at - begun, timedelta()) / max(ended - begun, timedelta(seconds=1))
    return replace(disk, file_size=int(disk.file_size * part))


def _volume_as_of(volume: Volume, today: Sequence[VMInventory], then: Sequence[VMInventory]) -> Volume:
    written = _on(volume, today) - _on(volume, then)
    return replace(volume, free=min(volume.size, volume.free + written))


def _on(volume: Volume, vms: Sequence[VMInventory]) -> int:
    disks = [disk for seen in vms for disk in seen.disks or ()]
    return sum(disk.file_size for disk in disks if disk.path.startswith(volume.path))

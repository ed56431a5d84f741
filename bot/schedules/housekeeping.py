"""Deletes by the clock: one after another on a host, in the hours that the settings give, each until it is merged.

Hyper-V merges disks after a delete, for minutes or hours, and several at once slow all VMs of the host. Who wants
something deleted (`Asker`: a schedule's retention, an expiry) queues it. When its turn comes it is looked at once more,
and becomes an ordinary change, by the rights that its owner has then.
"""

from __future__ import annotations

import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from backends.base import VM, BackendError, NotFound, VMInventory, Volume
from bot.changes.execution import Looks
from bot.changes.workflow import CANCELLED_BY_FREEZE
from bot.ledger import ChangeRow, ChangeState, Ledger, Stage, Wanted
from bot.messages import Origin
from bot.people.identity import Refusal
from bot.settings import HousekeepingSettings
from commands.base import Delete, Person, Plan, Target, name
from commands.kit import room

log = logging.getLogger(__name__)
T = TypeVar("T")

AGAIN = timedelta(minutes=10)
"""Until a host is tried again that does not answer, or that is busy with something else."""

PENDING = (Stage.WAITING, Stage.DELETING, Stage.MERGING)

GONE = "it is not there any more"
LATER = "it is tried again later"

NAMESPACE = uuid.UUID("5b1f6f0e-7c0d-4f5e-9a55-3f6b2c8f1d24")


class Later(Protocol):
    """What begins things by the clock (`Durable`)."""

    def workflow(self, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]: ...

    def apart(self, act: Callable[[], T]) -> T: ...

    def step(self, name: str, act: Callable[[], T]) -> T: ...

    def sleep(self, seconds: float) -> None: ...

    def start_apart(self, workflow_id: str, workflow: Callable[..., None], *args: object) -> None: ...

    def start_later(self, seconds: float, workflow_id: str, workflow: Callable[..., None], *args: object) -> None: ...


class Submits(Protocol):
    """`Changes.submit`."""

    def submit(self, change_id: str, plan: Plan, person: Person, origin: Origin) -> bool: ...


class Fleet(Looks, Protocol):
    """VMs as they are now, and as they were seen last."""

    def seen(self, hosts: Iterable[str] | None = None, *, disks: bool = False) -> tuple[VMInventory, ...]: ...

    def volumes_of(self, vm: VM) -> tuple[Volume, ...] | None: ...


class Asker(Protocol):
    """Who asks for deletes. Its `word` is the first of each `Wanted.clock`."""

    @property
    def word(self) -> str: ...

    def still(self, wanted: Wanted, seen: VMInventory) -> str:
        """Why the checkpoint is to stay after all, now that its turn has come; empty where it is to go."""

    def no_room(self, wanted: Wanted, why: str) -> None:
        """It is to go, and stays for want of room for the merge."""

    def over(self, wanted: Wanted) -> None:
        """It is deleted (`Stage.MERGING`, and `Stage.DONE` when it is merged too), stays, or could not be deleted.
        After a crash it may be told again."""


@dataclass(slots=True)
class Housekeeping:
    """Hears of its changes as `ByTheClock`. Safe to use from many threads."""

    settings: HousekeepingSettings
    zone: ZoneInfo
    ledger: Ledger
    fleet: Fleet
    changes: Submits
    durable: Later
    clock: Callable[[], datetime]
    _askers: dict[str, Asker] = field(default_factory=dict)
    _locks: defaultdict[str, RLock] = field(default_factory=lambda: defaultdict(RLock))
    _workflow: Callable[..., None] = field(init=False)

    def declare(self) -> None:
        """Declare the workflow, before DBOS is launched."""

        @self.durable.workflow("housekeeping")
        def housekeeping(host: str) -> None:
            self.durable.step("go on", lambda: self.durable.apart(lambda: self.go_on(host)))

        self._workflow = housekeeping

    def register(self, asker: Asker) -> None:
        """Before anything is queued."""
        self._askers[asker.word] = asker

    def start(self) -> None:
        """Take up what waited when the bot last stopped."""
        for host in self.ledger.housekeeping.hosts():
            for one in self.ledger.housekeeping.under_way(host):
                change = self.ledger.changes.get(one.id)
                if change is None:
                    continue
                if self._was_frozen(change):
                    self._queue_again(one)
                elif change.state is ChangeState.DENIED:
                    self._end(one, Stage.STAYS, change.reason)
            self.go_on(host)

    def queue(self, *wanted: Wanted) -> None:
        """Let these be deleted, each once for its id. It may be called from a step of a workflow."""
        self.ledger.housekeeping.queue(*wanted)
        for host in dict.fromkeys(one.host for one in wanted):
            self.go_on(host)

    # ------------------------------------------------------------ what becomes of them

    def concluded(self, change: ChangeRow) -> None:
        """A change by the clock is over. It may be somebody else's."""
        one = self.ledger.housekeeping.get(change.id)
        if one is not None and self._was_frozen(change):
            self._queue_again(one)
            self.go_on(one.host)
            return
        deleted = change.state is ChangeState.SUCCEEDED
        stage = Stage.MERGING if deleted else Stage.FAILED
        self.ledger.housekeeping.move(change.id, stage, of=PENDING[:2], why="" if deleted else _why(change))
        self._told_and_on(change.id)

    def merged(self, change: ChangeRow, vm_id: str) -> None:  # noqa: ARG002 - there is one VM
        self.ledger.housekeeping.move(change.id, Stage.DONE, of=PENDING[1:])
        self._told_and_on(change.id)

    def _told_and_on(self, change_id: str) -> None:
        """Also where it had moved already: the bot may have died before it was told."""
        one = self.ledger.housekeeping.get(change_id)
        if one is not None:
            self._tell(change_id)
            self.go_on(one.host)

    def _was_frozen(self, change: ChangeRow) -> bool:
        """Whether a freeze stopped it. What was denied for one, or while it holds, is decided anew after it."""
        if change.state is ChangeState.CANCELLED:
            return self.ledger.events.has(change.id, ChangeState.CANCELLED, key=CANCELLED_BY_FREEZE)
        freezes = self.ledger.freezes
        return change.state is ChangeState.DENIED and bool(freezes.current() or freezes.since_queued(change.id))

    def _queue_again(self, one: Wanted) -> None:
        """As another change, since this one is over. Nobody is told, and it may be called again."""
        self.ledger.housekeeping.move(one.id, Stage.STAYS, of=PENDING[:2], why=LATER)
        again = str(uuid.uuid5(NAMESPACE, f"{one.id} again"))
        self.ledger.housekeeping.queue(replace(one, id=again, stage=Stage.WAITING, why=""))

    # ------------------------------------------------------------ whose turn it is

    def go_on(self, host: str) -> None:
        """Begin as many as the host may be at. What cannot begin now is tried again by itself."""
        if self.ledger.freezes.current() is not None:
            return  # who lifts it lets it go on
        now = self.clock()
        opens = self.opens(now)
        if opens > now:
            if self.ledger.housekeeping.waiting(host):
                self._come_back(host, opens)
            return
        with self._locks[host]:  # of two who look at once one begins it
            self._take_back(host)
            for one in self._cheapest_first(host):
                if len(self.ledger.housekeeping.under_way(host)) >= self.settings.merges_per_host:
                    return
                if not self._begin(one):
                    self._come_back(host, now + AGAIN)

    def _take_back(self, host: str) -> None:
        """Let wait again what was to begin and was not asked for: the bot died, or the ledger was full, right then."""
        for one in self.ledger.housekeeping.under_way(host):
            if one.stage is Stage.DELETING and self.ledger.changes.get(one.id) is None:
                self.ledger.housekeeping.move(one.id, Stage.WAITING, of=(Stage.DELETING,))

    def _cheapest_first(self, host: str) -> Sequence[Wanted]:
        """What waits: of each VM the oldest first, and of several VMs the one whose first merge is the smallest."""
        waiting = self.ledger.housekeeping.waiting(host)
        seen = {one.vm.id: one for one in self.fleet.seen((host,), disks=True)} if len(waiting) > 1 else {}
        first: dict[str, float] = {}
        for one in waiting:
            known = seen.get(one.vm_id)
            first.setdefault(one.vm_id, room.cost(known, [one.checkpoint_id]) if known else float("inf"))
        return sorted(waiting, key=lambda one: first[one.vm_id])

    def go_on_everywhere(self) -> None:
        """Begin what could not while everything was frozen."""
        for host in self.ledger.housekeeping.hosts():
            self.go_on(host)

    def opens(self, now: datetime) -> datetime:
        """When deletes may begin: now, or at the beginning of the next hours that the settings give."""
        hours = self.settings.between
        here = now.astimezone(self.zone)
        if hours is None or here.time() in hours:
            return now
        today = datetime.combine(here.date(), hours.begin, self.zone)
        return today if today > here else datetime.combine(here.date() + timedelta(days=1), hours.begin, self.zone)

    def _come_back(self, host: str, at: datetime) -> None:
        """Once for all who ask until then."""
        slot = at.timestamp() // AGAIN.total_seconds()
        seconds = (at - self.clock()).total_seconds()
        self.durable.start_later(seconds, f"housekeeping-{host}-{slot:.0f}", self._workflow, host)

    def _begin(self, one: Wanted) -> bool:
        """Whether there is nothing more to wait for: it has begun, or it stays."""
        try:
            seen = self.fleet.look(one.vm_id, disks=True)
            volumes = self.fleet.volumes_of(seen.vm)
        except NotFound:
            return self._end(one, Stage.STAYS, GONE)
        except BackendError as error:
            log.info("the delete of %s of %s waits: %s", one.checkpoint_name, one.vm_name, error.cause)
            return False
        checkpoint, asker = seen.checkpoint(one.checkpoint_id), self._askers[one.clock.split()[0]]
        if why := asker.still(one, seen) if checkpoint else GONE:
            return self._end(one, Stage.STAYS, why)
        if checkpoint is None or seen.merge_pending or seen.vm.backing_up:
            return False
        if tight := room.too_little(room.of(seen, [checkpoint.id], volumes)):
            asker.no_room(one, tight)
            return self._end(one, Stage.STAYS, tight)
        summary = f"delete {name(checkpoint.name)} of {name(seen.vm.name)}"
        plan = Plan(Delete(), (Target.of(seen, checkpoint),), summary, clock=one.clock)
        return self._submit(one, plan)

    def _submit(self, one: Wanted, plan: Plan) -> bool:
        if self.ledger.freezes.current() is not None:
            return False
        self.ledger.housekeeping.move(one.id, Stage.DELETING, of=(Stage.WAITING,))
        try:
            self.changes.submit(one.id, plan, Person(one.owner, one.owner_name), Origin(one.channel, one.owner))
        except Refusal as refusal:
            if refusal.passing or self.ledger.freezes.current() is not None:
                self._queue_again(one)
                return False
            return self._end(one, Stage.STAYS, refusal.cause)
        return True

    def _end(self, one: Wanted, stage: Stage, why: str) -> bool:
        if self.ledger.housekeeping.move(one.id, stage, of=PENDING, why=why):
            self._tell(one.id)
        return True

    def _tell(self, id: str) -> None:
        one = self.ledger.housekeeping.get(id)
        if one is not None:
            self._askers[one.clock.split()[0]].over(one)


def _why(change: ChangeRow) -> str:
    return change.result or change.reason

"""Looks at the health of all VMs now and then, and at one right before it is touched."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Lock

from backends.base import VM, Backend, BackendError, FolderFiles, HostEvent, HostEvents, VMInventory
from bot.fleet.health import events
from bot.fleet.health.collect import Seen, folders_of, remembered, signs_of
from bot.fleet.health.events import Means, Names
from bot.fleet.health.verdict import BEFORE, WINDOW, judge
from bot.fleet.inventory import FEW, Inventory, what_is_there
from bot.ledger import Ledger, LedgerError
from bot.ledger.verdicts import Remembered
from commands.base.health import Verdict, VMHealth, unjudged

FOLDERS_EVERY = timedelta(hours=1)
"""Listing folders costs a host more than its logs."""

FRESH = timedelta(seconds=10)
"""Before a change the logs are read anew, for several VMs of a host once."""

OVERLAP = timedelta(hours=1)
"""Between two rounds logs are read from so long before what is known of them: a host's clock may be set meanwhile."""

SELDOM = 4
"""Rounds between two looks at the logs of a host of a large fleet that has nothing to tell."""

AT_ONCE = 8
"""Hosts that are asked at the same time."""

NEVER = datetime.fromtimestamp(0, UTC)
"""When the last event was, where there is none."""

FARTHEST = timedelta(days=400)
"""No log is asked for more than that."""

_NEVER_LOOKED = "It was not looked at yet."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """How the logs of a host were, when they were last read."""

    at: datetime
    pause: timedelta
    """After which they are read again where nothing happens there."""
    heard: object
    """What was the last that they told."""
    shown: int
    """What the host showed beside them."""
    busy: bool
    """They told something new, or something is going on there, or it did not answer."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the logs of a host told, when they were last read."""

    at: datetime
    until: datetime
    """The time of the last event, by the clock of the host, or that of the bot where it is behind."""
    told: HostEvents
    """What counts of it."""

    @property
    def whole(self) -> bool:
        """Every log was read."""
        return bool(self.told.readings) and all(one.trouble is None for one in self.told.readings)


@dataclass(slots=True)
class Health:
    """The verdicts on VMs: judged, kept in the ledger, and asked for. Safe to use from many threads.

    Of a few hosts all logs are read in each round. Of more, those of a host on which nothing happens are read in every
    fourth: to read them is most of what a large fleet costs at rest.
    """

    inventory: Inventory
    backends: Mapping[str, Backend]
    ledger: Ledger
    clock: Callable[[], datetime]
    every: timedelta = timedelta(minutes=15)
    _looked: datetime | None = None
    _files: Mapping[str, FolderFiles] = field(default_factory=dict)
    _files_at: dict[str, datetime] = field(default_factory=dict)
    _asked: dict[str, _Asked] = field(default_factory=dict)
    _recent: dict[str, _Heard] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    # ------------------------------------------------------------ asked for

    def kept(self, vms: Iterable[VM]) -> Mapping[str, VMHealth]:
        """The verdicts as last judged, by id. A VM that was never looked at has one too: nobody can tell."""
        wanted = {vm.id: vm for vm in vms}
        known = self.ledger.verdicts.of(wanted)
        return {id: known.get(id) or unjudged(vm.id, vm.name, vm.host, _NEVER_LOOKED) for id, vm in wanted.items()}

    def verdicts(self) -> Mapping[str, Verdict]:
        """The same without what they rest on, of all VMs that were judged: the same mapping until others are."""
        return self.ledger.verdicts.bare()

    def of(self, vm_ids: Iterable[str]) -> Mapping[str, VMHealth]:
        """The verdicts by ids, without those never looked at."""
        return self.ledger.verdicts.of(vm_ids)

    def on_hold(self, vm_id: str) -> VMHealth | None:
        """The verdict on a VM that nobody may touch, as last judged; None for any other."""
        health = self.ledger.verdicts.of([vm_id]).get(vm_id)
        return health if health and health.verdict is Verdict.HOLD else None

    def judge(self, seen: VMInventory) -> VMHealth:
        """The verdict on a VM that was looked at a moment ago, with its disks."""
        return self._judge_now(seen, self._events_of(seen.vm.host))

    def before_touching(self, vm: VM) -> VMHealth:
        """Right before a change: the logs of its host are read anew, and where they or what is known say that a
        checkpoint failed half-way, its disks too. Logs that cannot be read leave the verdict as it was."""
        kept = self.kept([vm])[vm.id]
        told = self._events_of(vm.host)
        if kept.verdict is not Verdict.HOLD and not (told and self._has_forked(vm, told, kept)):
            return kept
        try:
            return self._judge_now(self.inventory.look(vm.id, disks=True), told)
        except BackendError as error:
            log.warning("%s could not be judged anew: %s", vm.name, error.cause)
            return kept if kept.verdict is Verdict.HOLD else replace(kept, verdict=Verdict.CANNOT_TELL)

    # ------------------------------------------------------------ all of them

    def look_if_due(self) -> bool:
        """A round of looks, where the last one is long enough ago. Whether there was one."""
        now = self.clock()
        if self._looked is not None and abs(now - self._looked) < self.every:
            return False
        self._looked = now
        self._look_at(self._due(now))
        return True

    def look_around(self) -> None:
        """Judge every VM that was seen, and keep the verdicts."""
        self._look_at(tuple(self.backends))

    def _due(self, now: datetime) -> Sequence[str]:
        """The hosts whose logs are to be read in this round."""
        every = tuple(self.backends)
        if len(every) <= FEW:
            return every
        by_host = _by_host(self.inventory.seen(disks=True), every)
        return tuple(host for host in every if self._is_due(host, by_host[host], now))

    def _is_due(self, host: str, vms: Sequence[VMInventory], now: datetime) -> bool:
        asked = self._asked.get(host)
        if asked is None or asked.busy or asked.shown != what_is_there(vms):
            return True
        return abs(now - asked.at) >= asked.pause - self.every / 2  # no round comes to the second

    def _look_at(self, hosts: Sequence[str]) -> None:
        by_host = _by_host(self.inventory.seen(disks=True), hosts)
        vms = [seen for some in by_host.values() for seen in some]
        kept = self.ledger.verdicts.remembered([seen.vm.id for seen in vms])
        looked = self._round(by_host, kept)
        known = looked.known
        judged: list[tuple[VMHealth, Remembered]] = []
        for seen in vms:
            before = kept.get(seen.vm.id, Remembered())
            now = self._as_it_is(seen, looked, before)
            signs = signs_of(now, looked, before, known, read_at=None if now is seen else looked.at)
            judged.append((judge(signs), remembered(signs, before)))
        try:
            self.ledger.verdicts.keep(judged)
        except LedgerError as error:
            log.error("verdicts could not be kept: %s", error.cause)
        restless = {health.host for health, now in judged if now.forked or now.creating_since}
        for number, host in enumerate(hosts):
            self._note(host, number, by_host[host], looked, restless=host in restless)

    def _note(self, host: str, number: int, vms: Sequence[VMInventory], looked: Seen, *, restless: bool) -> None:
        """When its logs are to be read next. The first time that is spread over the rounds."""
        before, told = self._asked.get(host), looked.events.get(host)
        heard = _last_of(told) if told else None
        busy = restless or told is None or (before is not None and before.heard != heard)
        rounds = SELDOM if before else 1 + number % SELDOM
        self._asked[host] = _Asked(looked.at, rounds * self.every, heard, what_is_there(vms), busy)

    def _round(self, by_host: Mapping[str, Sequence[VMInventory]], kept: Mapping[str, Remembered]) -> Seen:
        """What these hosts tell by now; of the others what they told last."""
        at = self.clock()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="health") as pool:
            told = pool.map(lambda host: self._ask(host, _since(by_host[host], kept, at)), by_host)
            found = {host: one for host, one in zip(by_host, told, strict=True) if one is not None}
            old = [h for h in found if h not in self._files_at or abs(at - self._files_at[h]) >= FOLDERS_EVERY]
            listed = dict(
                zip(old, pool.map(lambda host: self._list(host, folders_of(by_host[host])), old), strict=True)
            )
        self._files_at |= dict.fromkeys(old, at)
        files = {**self._files, **listed}
        self._files = {host: one for host, one in files.items() if one is not None}
        with self._lock:
            others = {host: one.told for host, one in self._recent.items() if host not in by_host}
        silent = frozenset(by_host) - frozenset(found)
        return Seen(at, {**others, **found}, self._files, self.inventory.inventories(disks=True), silent)

    def _as_it_is(self, seen: VMInventory, looked: Seen, before: Remembered) -> VMInventory:
        """A VM of which a fork is known is looked at as it is now: the disks of the last scan may be older than it."""
        if before.forked is None and not _forks(seen, looked.told.perhaps_of(seen.vm.id)):
            return seen
        try:
            return self.inventory.look(seen.vm.id, disks=True)
        except BackendError as error:
            log.warning("%s could not be looked at: %s", seen.vm.name, error.cause)
            return seen

    # ------------------------------------------------------------ one of them

    def _judge_now(self, seen: VMInventory, told: HostEvents | None) -> VMHealth:
        vm_id = seen.vm.id
        before = self.ledger.verdicts.remembered([vm_id]).get(vm_id, Remembered())
        host = seen.vm.host
        with self._lock:
            recent = {name: one.told for name, one in self._recent.items() if name != host}
        found = {**recent, **({host: told} if told else {})}
        inventories = self.inventory.inventories(disks=True)
        files = self._files
        if told and (before.forked or _forks(seen, told.events)):
            listed = self._list(host, folders_of((seen,)))
            files = {**files, host: listed} if listed else files
        silent = frozenset() if told else frozenset({host})
        looked = Seen(self.clock(), found, files, inventories, silent)
        signs = signs_of(seen, looked, before, looked.with_chain_of(seen), read_at=looked.at)
        health = judge(signs)
        self.ledger.verdicts.keep([(health, remembered(signs, before))])
        return self.ledger.verdicts.of([vm_id]).get(vm_id, health)

    def _has_forked(self, vm: VM, told: HostEvents, kept: VMHealth) -> bool:
        settled = kept.acknowledged.at if kept.acknowledged else None
        forks = _forks(VMInventory(vm), told.events)
        return any(settled is None or at > settled for at in forks)

    def _events_of(self, host: str) -> HostEvents | None:
        """What the logs of a host tell, some seconds old at the most. None where it does not answer."""
        now = self.clock()
        with self._lock:
            known = self._recent.get(host)
        if known and abs(now - known.at) < FRESH:
            return known.told
        if known and known.whole and (since := min(known.until, now) - OVERLAP) > now - WINDOW:
            further = self._read(host, since)
            if further is None:
                return None
            if told := events.joined(known.told, further, since):
                return self._note_heard(host, told, further)
        return self._ask(host, now - WINDOW)

    def _ask(self, host: str, since: datetime) -> HostEvents | None:
        """All that its logs tell since then. None where it does not answer."""
        told = self._read(host, since)
        return told and self._note_heard(host, told, told)

    def _note_heard(self, host: str, told: HostEvents, read: HostEvents) -> HostEvents:
        """What counts of all that its logs tell, by what was read of them now."""
        at = self.clock()
        until = min(at, max((event.at for event in read.events), default=NEVER))
        heard = _Heard(at, until, events.that_count(told))
        with self._lock:
            self._recent[host] = heard
        return heard.told

    def _read(self, host: str, since: datetime) -> HostEvents | None:
        try:
            return self.backends[host].events(since)
        except BackendError as error:
            log.warning("the logs of %s were not read: %s", host, error.cause)
            return None

    def _list(self, host: str, folders: tuple[str, ...]) -> FolderFiles | None:
        try:
            return self.backends[host].folder_files(folders)
        except BackendError as error:
            log.warning("the folders of %s were not looked into: %s", host, error.cause)
            return None


def _forks(seen: VMInventory, told: Iterable[HostEvent]) -> tuple[datetime, ...]:
    """When checkpoints of the VM failed half-way."""
    signs = events.of_vm(told, seen)
    return tuple(s.event.at for s in signs if s.means is Means.FORK_FAILED and s.names is Names.SURELY)


def _since(vms: Iterable[VMInventory], kept: Mapping[str, Remembered], at: datetime) -> datetime:
    """From when on the logs of a host are asked for: since before the oldest checkpoint that no look has covered."""
    oldest = at - WINDOW
    for seen in vms:
        before = kept.get(seen.vm.id, Remembered())
        needed = min((one.created for one in seen.checkpoints), default=at) - BEFORE
        covered = before.watched_since and before.watched_until and before.watched_since <= needed
        if not covered or (before.watched_until and before.watched_until < oldest):
            oldest = min(oldest, needed)
    return max(oldest, at - FARTHEST)


def _by_host(vms: Iterable[VMInventory], hosts: Iterable[str]) -> Mapping[str, Sequence[VMInventory]]:
    """Those on these hosts."""
    found: dict[str, list[VMInventory]] = {host: [] for host in hosts}
    for seen in vms:
        if seen.vm.host in found:
            found[seen.vm.host].append(seen)
    return found


def _last_of(told: HostEvents) -> object:
    """The number of the last event of each log, and how far it can be read."""
    last = {event.log: event.number for event in told.events}
    return last, tuple((reading.log, reading.trouble) for reading in told.readings)

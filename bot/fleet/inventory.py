"""The fleet as last seen: asked in parallel, and kept when a host is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from backends.base import (
    VM,
    Backend,
    BackendError,
    Checkpoint,
    HostInventory,
    NotFound,
    Unreachable,
    VMInventory,
    VMState,
    Volume,
    unmarked,
)
from bot.fleet.elapsed import NEVER, Elapsed
from bot.fleet.joint import Joint
from commands.base import HostStatus, name
from commands.base.context import SCANNED_EVERY
from commands.kit.words import say_names

log = logging.getLogger(__name__)

UNASKED = "It was not asked yet."

NOT_RUNNING = frozenset({VMState.OFF, VMState.OFF_CRITICAL})

MOST_LOOKS = 8
"""VMs looked up at the same time for one request."""

SCAN, SCAN_DISKS = SCANNED_EVERY, timedelta(hours=1)
"""How old what was seen of a host may be, without and with disks, before an answer about a large fleet asks anew."""

FEW = 16
"""Hosts: so many are asked for each answer. Of more, what was seen lately is answered with, and its age."""

FEW_DISKS = 4
"""Hosts of a large fleet whose disks are asked for by one answer: to read what 16 say takes longer than to wait for it.
The scanner asks for those of every host."""

AT_MOST = timedelta(seconds=0.4)
"""How long an answer about a large fleet waits for hosts."""


class Inventory:
    """What the hosts have shown. Safe to use from many threads.

    A host is asked once at a time, however many wait for the answer. Nobody waits longer than `timeout`, which is a
    person's; a scan with disks takes minutes on a large host, so who can wait says so. A host that hangs or is down
    keeps what was last seen of it, and `hosts` says so.
    """

    def __init__(
        self,
        backends: Mapping[str, Backend],
        clock: Callable[[], datetime],
        *,
        fresh_for: timedelta = timedelta(seconds=5),
        timeout: timedelta = timedelta(seconds=15),
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        """`steady` counts the seconds that a host takes to answer. A machine that slept or whose clock was set has not
        been kept waiting by any host."""
        self._watches = {host: _Watch(backend) for host, backend in backends.items()}
        self._clock = clock
        self._now = Elapsed(clock)
        self._steady = steady
        self.joint: Joint[VMInventory] = Joint()
        """Looks at one VM for people: several of them share one."""
        self._remarks: dict[str, tuple[str, ...]] = {}
        self._fresh_for = fresh_for
        self._timeout = timeout
        self._caught_up = {False: NEVER, True: NEVER}
        self._lock = Lock()
        self._edition = 0
        self._merged: dict[bool, tuple[int, tuple[VMInventory, ...]]] = {}
        # Two a host, one with disks and one without: a host that hangs takes no thread from another.
        self._pool = ThreadPoolExecutor(max(1, 2 * len(backends)), thread_name_prefix="inventory")

    def refresh(
        self, hosts: Iterable[str] | None = None, *, disks: bool = False, timeout: timedelta | None = None
    ) -> None:
        """Ask these hosts, or all, at the same time, and wait until they have answered or that time is over."""
        self._ask_since(NEVER, self._chosen(hosts), disks, timeout or self._timeout)

    def renew(
        self, hosts: Iterable[str] | None = None, *, disks: bool = False, timeout: timedelta | None = None
    ) -> bool:
        """The same for those of them that were not asked just now. False when all were."""
        before = self._now() - self._fresh_for.total_seconds()
        old = [watch for watch in self._chosen(hosts) if watch.is_older(before, disks)]
        if old:
            self._ask_since(before, old, disks, timeout or self._timeout)
        return bool(old)

    def begin(self, host: str, *, disks: bool = False) -> Future[None]:
        """Ask this host unless it was asked just now, and wait for nothing: its answer is there when this has ended."""
        watch = self._watches[host]
        with self._lock:
            under_way = watch.question(disks)
            if under_way or watch.is_older(self._now() - self._fresh_for.total_seconds(), disks):
                return (under_way or self._put(watch, disks)).answer
        asked: Future[None] = Future()
        asked.set_result(None)
        return asked

    def catch_up(self, hosts: Iterable[str] | None = None, *, disks: bool = False, wait: bool = True) -> None:
        """For an answer: `renew` for a few hosts. Of a large fleet those that were not seen since a scan ago, and those
        on which something changed, are asked, some at a time; the answer does not wait for them for long, and has to
        say how old it is. Without `wait` they are asked, for an answer that comes later."""
        chosen = self._chosen(hosts)
        if len(chosen) <= FEW:
            self.renew(hosts, disks=disks, timeout=None if wait else timedelta(0))
            return
        now = self._now()
        with self._lock:
            if now - self._caught_up[disks] < self._fresh_for.total_seconds():
                return
            if wait:
                self._caught_up[disks] = now
        before, failed_before = now - (SCAN_DISKS if disks else SCAN).total_seconds(), now - SCAN.total_seconds()
        most = FEW_DISKS if disks else FEW
        old = [one for one in chosen if one.is_older(failed_before if one.problem(disks) else before, disks)]
        old = sorted(old, key=lambda one: one.urgency(disks))[:most]
        if old:
            self._ask_since(before, old, disks, AT_MOST if wait else timedelta(0))

    def renew_old(self) -> None:
        """For a change of whatever a pattern means by now: `renew`, of a large fleet only of those hosts that were not
        seen since a scan ago."""
        if len(self._watches) <= FEW:
            self.renew()
            return
        before = self._now() - SCAN.total_seconds()
        if old := [watch for watch in self._watches.values() if watch.is_older(before, disks=False)]:
            self._ask_since(before, old, False, self._timeout)

    def renew_changed(self) -> None:
        """Ask those on which something was changed since they were asked, and wait for them as `renew` does."""
        changed = [one for one in self._watches.values() if one.changed > NEVER and one.is_older(NEVER, disks=False)]
        if changed:
            self._ask_since(NEVER, changed, False, self._timeout)

    def forget(self, host: str) -> None:
        """Something changed on this host: what was seen of it is shown while it is down, but is fresh no longer."""
        self._watches[host].changed = self._now()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all hosts."""
        return tuple(self._watches)

    def changed(self, host: str) -> float:
        """When something last changed on this host by the bot: differs from before where something did since."""
        return self._watches[host].changed

    def answers(self, host: str, *, disks: bool = False) -> bool:
        """Whether it answered when it was last asked, or last asked for disks."""
        return not self._watches[host].problem(disks)

    def of_host(self, host: str, *, disks: bool = False) -> HostInventory | None:
        """What was last seen of this host."""
        return self._watches[host].sight(disks).inventory

    def look(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        """The VM as it is now, asked from its host, wherever in the fleet it lives by now.

        Raises `BackendError`: `NotFound` when no host that answers has it. One that was not seen yet may be on a host
        that is down: then that is what is raised.
        """
        before = self._host_of(vm_id)
        problem: BackendError | None = None
        if before is not None:
            try:
                return self._watches[before].backend.vm(vm_id, disks=disks)
            except (NotFound, Unreachable) as error:
                problem = error
        self.refresh()
        now = self._host_of(vm_id)
        if before is not None and now == before and isinstance(problem, Unreachable):
            raise self._lives_there(vm_id, before, problem)
        if now is None or now == before:
            raise problem or self._nowhere(vm_id)
        log.info("VM %s is on %s now; it was on %s", vm_id, now, before)
        return self._watches[now].backend.vm(vm_id, disks=disks)

    def _lives_there(self, vm_id: str, host: str, problem: Unreachable) -> Unreachable:
        """Its host does not answer, and another that does has no more than a copy of it: nobody meant that one."""
        copies = [h for h, w in self._watches.items() if h != host and not w.problem() and vm_id in w.sight().vms]
        if not copies:
            return problem
        vm = self._watches[host].sight().vms[vm_id].vm
        has = "has" if len(copies) == 1 else "have"
        return type(problem)(
            f"{name(vm.name)} lives on {name(host)}, and {say_names(copies)} {has} only a replica of it, which is left "
            f"alone. {problem.sentence}",
            problem.cause,
        )

    def _nowhere(self, vm_id: str) -> BackendError:
        if down := [host.name for host in self.hosts() if not host.reachable]:
            return Unreachable(
                f"{say_names(down)} could not be asked, and no other host has that VM.",
                f"VM {vm_id} was not seen yet, and {', '.join(down)} did not answer",
            )
        return NotFound("That VM is on none of the hosts.", f"no host has VM {vm_id}")

    def look_all(self, vm_ids: Sequence[str], *, disks: bool = False) -> tuple[VMInventory, ...]:
        """The same for several at the same time, in their order. Raises what the first that failed raised.

        They are asked for one by one: an inventory of the whole host is quicker, and says neither how long a VM has run
        nor which checkpoint it descends from.
        """
        return tuple(map(_seen, self.look_each(vm_ids, disks=disks)))

    def look_each(self, vm_ids: Sequence[str], *, disks: bool = False) -> tuple[VMInventory | BackendError, ...]:
        """The same, with what the look at each raised in its place."""

        def look(vm_id: str) -> VMInventory | BackendError:
            try:
                return self.look(vm_id, disks=disks)
            except BackendError as error:
                return error

        if len(vm_ids) == 1:
            return (look(vm_ids[0]),)
        with ThreadPoolExecutor(max(1, min(MOST_LOOKS, len(vm_ids))), thread_name_prefix="look") as pool:
            return tuple(pool.map(look, vm_ids))

    def volumes_of(self, vm: VM) -> tuple[Volume, ...] | None:
        """The volumes that its disks are on, as they are now. Raises `BackendError`."""
        return self._watches[vm.host].backend.volumes_of(vm.id)

    @property
    def edition(self) -> int:
        """Another one after every answer of a host: what is made of what was seen stays right while it is the same."""
        return self._edition

    def seen(self, hosts: Iterable[str] | None = None, *, disks: bool = False) -> tuple[VMInventory, ...]:
        """Every VM on these hosts, or on all, as last seen. One that several hosts show (it moved, or Hyper-V Replica
        copies it under the same GUID) is given once, from where it lives."""
        if hosts is not None:
            return self._merge(hosts, disks)
        edition, merged = self._edition, self._merged.get(disks)
        if merged is None or merged[0] != edition:
            merged = self._merged[disks] = edition, self._merge(None, disks)
        return merged[1]

    def _merge(self, hosts: Iterable[str] | None, disks: bool) -> tuple[VMInventory, ...]:
        best: dict[str, VMInventory] = {}
        where: dict[str, _Watch] = {}
        for watch in self._chosen(hosts):
            vms = watch.sight(disks).vms
            for vm_id in best.keys() & vms.keys():
                if where[vm_id].rank(best[vm_id]) >= watch.rank(vms[vm_id]):
                    vms = {id: one for id, one in vms.items() if id != vm_id}
            best |= vms
            where |= dict.fromkeys(vms, watch)
        return tuple(best.values())

    def inventories(self, *, disks: bool = False) -> tuple[HostInventory, ...]:
        """What was last seen of each host, without the hosts that were never seen."""
        sights = (watch.sight(disks).inventory for watch in self._watches.values())
        return tuple(inventory for inventory in sights if inventory)

    def disks_read(self) -> Mapping[str, datetime]:
        """When each host last answered with its disks, without those that never did."""
        deep = {host: watch.deep.inventory for host, watch in self._watches.items()}
        return {host: one.taken_at for host, one in deep.items() if one}

    def find_checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        """The checkpoint with this GUID. Hosts are asked when none was seen."""
        found = self._checkpoint(checkpoint_id)
        return self._checkpoint(checkpoint_id) if found is None and self.renew() else found

    def remark(self, host: str, sentences: Iterable[str]) -> None:
        """Say this of a host from now on, in place of what was said before: what it does not show by itself."""
        self._remarks[host] = tuple(sentences)

    def hosts(self, *, disks: bool = False) -> tuple[HostStatus, ...]:
        """How each host is, as last seen, or as last seen with disks."""
        now = self._now()
        return tuple(self._status(host, watch, now, disks) for host, watch in self._watches.items())

    def _status(self, host: str, watch: _Watch, now: float, disks: bool) -> HostStatus:
        sight, problem = watch.sight(disks), watch.problem(disks)
        inventory = sight.inventory
        silent = watch.question(disks)
        if silent and self._is_late(silent, self._timeout):
            problem = f"It has not answered since {silent.put_at:%H:%M:%S} UTC."
        vms = inventory.vms if inventory else ()
        return HostStatus(
            host,
            reachable=not problem,
            seen_at=inventory.taken_at if inventory else None,
            age=timedelta(seconds=now - sight.begun) if inventory else None,
            problem=problem,
            gaps=gaps_of(inventory) if inventory else (),
            remarks=(*(_remarks_of(inventory) if inventory else ()), *self._remarks.get(host, ())),
            vms=len(vms),
            checkpoints=sum(len(one.checkpoints) for one in vms),
            nodes=inventory.nodes if inventory else (),
        )

    def close(self) -> None:
        """Ask nothing any more. Questions under way end with their own deadlines."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask_since(self, moment: float, watches: Sequence[_Watch], disks: bool, timeout: timedelta) -> None:
        """Once more, where the question that was under way had been put before that moment, or before a change. What
        somebody else has put since is waited for."""
        self._ask(watches, disks, timeout)
        if overtaken := [watch for watch in watches if watch.is_older(moment, disks)]:
            self._ask(overtaken, disks, timeout)

    def _ask(self, watches: Iterable[_Watch], disks: bool, timeout: timedelta) -> None:
        """Wait for the questions under way, asking where there is none; one that is late already is not waited for."""
        with self._lock:
            questions = [watch.question(disks) or self._put(watch, disks) for watch in watches]
        awaited = [one.answer for one in questions if not self._is_late(one, timeout)]
        for answer in wait(awaited, timeout.total_seconds()).done:
            answer.result()

    def _is_late(self, question: _Question, timeout: timedelta) -> bool:
        return self._steady() - question.put >= timeout.total_seconds()

    def _put(self, watch: _Watch, disks: bool) -> _Question:
        question = _Question(disks, self._now(), self._steady(), self._clock(), Future())
        watch.questions.append(question)
        self._pool.submit(self._carry, watch, question)
        return question

    def _carry(self, watch: _Watch, question: _Question) -> None:
        """Ask the host, on a thread of the pool. What is no `BackendError` is a defect, and raised to who waits."""
        inventory, problem, defect = None, "", None
        try:
            inventory = watch.backend.inventory(disks=question.disks)
        except BackendError as error:
            log.warning("%s: %s", watch.backend.host, error.cause)
            problem = error.sentence
        except Exception as error:
            log.exception("%s: its answer could not be understood", watch.backend.host)
            defect, problem = error, f"Its answer could not be understood ({type(error).__name__})."
        with self._lock:
            watch.answered(question, inventory, problem)
            self._edition += 1
        if defect:
            question.answer.set_exception(defect)
        else:
            question.answer.set_result(None)

    def _chosen(self, hosts: Iterable[str] | None) -> tuple[_Watch, ...]:
        return tuple(self._watches.values() if hosts is None else (self._watches[host] for host in hosts))

    def _host_of(self, vm_id: str) -> str | None:
        shown = ((w.rank(w.sight().vms[vm_id]), h) for h, w in self._watches.items() if vm_id in w.sight().vms)
        return max(shown, default=(None, None))[1]

    def _checkpoint(self, checkpoint_id: str) -> Checkpoint | None:
        return next((c for one in self.seen() for c in one.checkpoints if c.id == checkpoint_id), None)


def _seen(look: VMInventory | BackendError) -> VMInventory:
    if isinstance(look, BackendError):
        raise look
    return look


def _remarks_of(inventory: HostInventory) -> Iterator[str]:
    """What it shows of itself, and which of its nodes do not answer."""
    yield from inventory.remarks
    yield from (f"{one.name} does not answer: {unmarked(one.problem)}" for one in inventory.nodes if one.problem)


def gaps_of(inventory: HostInventory) -> tuple[str, ...]:
    """A sentence for what the host did not show: part of something, or nothing of it at all."""
    names = {one.vm.id: one.vm.name for one in inventory.vms} if inventory.unreadable else {}
    sentences = []
    for part in dict.fromkeys(one.part for one in inventory.unreadable):
        missing = (names.get(one.vm_id or "") for one in inventory.unreadable if one.part is part)
        of = sorted({name for name in missing if name})
        sentences.append(f"Part of its {part} could not be read{f' ({say_names(of)})' if of else ''}.")
    if hidden := list(dict.fromkeys(str(one.part) for one in inventory.cannot_show)):
        sentences.append(f"It does not show {' and '.join(hidden)} to this account or endpoint.")
    return tuple(sentences)


_Rank = tuple[bool, bool, bool, bool, float]


@dataclass(frozen=True, slots=True)
class _Sight:
    """One answer of a host."""

    begun: float = NEVER
    """When it was asked for: what changed later is not in it."""
    inventory: HostInventory | None = None
    vms: Mapping[str, VMInventory] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Question:
    """An inventory under way."""

    disks: bool
    begun: float
    """On the clock of what is fresh."""
    put: float
    """The same on the clock of who waits."""
    put_at: datetime
    """The same for people."""
    answer: Future[None]


def what_is_there(vms: Iterable[VMInventory]) -> int:
    """Another where something happened on a host: what is there, how it is called, and whether it runs. Sizes always
    change."""
    return hash(
        frozenset(
            (one.vm.id, one.vm.name, one.vm.state, one.vm.merging, frozenset((c.id, c.name) for c in one.checkpoints))
            for one in vms
        )
    )


@dataclass(slots=True)
class _Watch:
    """One host, and what it has shown. Written with the inventory's lock held; each field is replaced as a whole."""

    backend: Backend
    shallow: _Sight = _Sight()
    deep: _Sight = _Sight()
    """The last one with disks."""
    asked: Mapping[bool, float] = field(default_factory=lambda: {False: NEVER, True: NEVER})
    """When the last question that has ended was put, without and with disks."""
    changed: float = NEVER
    problems: Mapping[bool, str] = field(default_factory=lambda: {False: UNASKED, True: UNASKED})
    """What kept the last question from an answer, without and with disks; empty when it was answered."""
    questions: list[_Question] = field(default_factory=list)

    def sight(self, disks: bool = False) -> _Sight:
        """The newest, or the newest with disks where there is one."""
        if disks and self.deep.inventory:
            return self.deep
        return max(self.shallow, self.deep, key=lambda sight: sight.begun)

    def question(self, disks: bool) -> _Question | None:
        """The one under way. Who wants no disks does not wait for a look at each disk file, which takes minutes."""
        return next((one for one in self.questions if one.disks is disks), None)

    def answered(self, question: _Question, inventory: HostInventory | None, problem: str) -> None:
        self.questions.remove(question)
        newest = question.begun >= max(self.asked.values())
        self.asked = {**self.asked, question.disks: question.begun}
        self.problems = {
            False: problem if newest else self.problems[False],
            True: problem if question.disks else self.problems[True],
        }
        if inventory is None:
            return
        sight = _Sight(question.begun, inventory, {one.vm.id: one for one in inventory.vms})
        if question.disks:
            self.deep = sight
        else:
            self.shallow = sight

    def problem(self, disks: bool = False) -> str:
        """Why the host is not shown as it is now; empty when it is."""
        return self.problems[disks]

    def is_older(self, moment: float, disks: bool) -> bool:
        last = self.asked[True] if disks else max(self.asked.values())
        return last <= moment or last <= self.changed

    def urgency(self, disks: bool) -> tuple[bool, float]:
        """Sorts those first that changed, then those that were not asked for longest."""
        last = self.asked[True] if disks else max(self.asked.values())
        return last > self.changed, last

    def rank(self, one: VMInventory) -> _Rank:
        """Of several hosts that show a VM, the one with the highest rank is where it lives. A copy that does not run is
        never taken for the VM itself, whose host may be down; one that runs was failed over to."""
        copied = one.vm.is_replica or any(checkpoint.managed_by == "Hyper-V Replica" for checkpoint in one.checkpoints)
        runs = one.vm.state not in NOT_RUNNING
        return runs or not copied, not self.problem(), runs, not copied, self.sight().begun

"""A small fleet in memory, and one person who types."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self, cast

import pytest

import commands
from backends.base import (
    VM,
    Checkpoint,
    CheckpointType,
    Disk,
    HostInventory,
    NotFound,
    Unreachable,
    Unseen,
    VMInventory,
    VMState,
    Volume,
)
from bot.changes.quota import Holdings
from bot.fleet.inventory import Inventory
from bot.fleet.ownership import Ownership
from bot.fleet.view import FleetView
from bot.ledger import ChangeRow, Event, Ledger
from bot.settings.sets import expanded
from commands.base import (
    CheckpointNote,
    Context,
    Filling,
    FreezePlan,
    Grant,
    HistoryEntry,
    LastRun,
    Person,
    Plan,
    Policy,
    Rate,
    Rehearsal,
    Reply,
    Schedule,
    SchedulePlan,
    VMEntry,
    actions,
    say,
    unmarked,
)
from commands.base.context import Health, NobodyLooks
from commands.base.health import Reason, Verdict, VMHealth
from commands.kit import patterns

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
EVERYTHING = ("view", *sorted({action.right for action in actions().values()}))
ROLES = {"viewer": ("view",), "operator": ("view", "create", "keep"), "owner": EVERYTHING}
SETS = {"shop": ("web*",)}
ADA = Person("U024BE7LH", "ada", frozenset({"S0615G0KT"}))


class MemoryHost:
    """A host that shows what it was told to hold."""

    def __init__(self, host: str) -> None:
        self.host = host
        self.vms: dict[str, VMInventory] = {}
        self.down = False
        self.unreadable: tuple[Unseen, ...] = ()
        self.volumes: tuple[Volume, ...] | None = None

    def inventory(self, *, disks: bool = False) -> HostInventory:
        self._answer()
        unasked = [self._shown(replace(one, vm=replace(one.vm, current_id=None)), disks) for one in self.vms.values()]
        return HostInventory(self.host, NOW, tuple(unasked), unreadable=self.unreadable)

    def vm(self, vm_id: str, *, disks: bool = False) -> VMInventory:
        self._answer()
        if vm_id not in self.vms:
            raise NotFound(f"There is no such VM on {self.host}.")
        return self._shown(self.vms[vm_id], disks)

    def volumes_of(self, vm_id: str) -> tuple[Volume, ...] | None:
        return self.volumes

    def _answer(self) -> None:
        if self.down:
            raise Unreachable(f"{self.host} does not answer.")

    def _shown(self, one: VMInventory, disks: bool) -> VMInventory:
        return one if disks else replace(one, disks=None)


@dataclass
class Book:
    """A ledger that says what it was told to say, and remembers what it was asked."""

    known: dict[str, CheckpointNote] = field(default_factory=dict)
    entries: tuple[HistoryEntry, ...] = ()
    each_vm: tuple[VMEntry, ...] = ()
    asked: dict[str, object] = field(default_factory=dict)
    pending: list[ChangeRow] = field(default_factory=list)

    @property
    def checkpoints(self) -> Self:
        return self

    @property
    def changes(self) -> Self:
        return self

    @property
    def events(self) -> Self:
        return self

    def of(self, _change_id: str, _kinds: Iterable[str]) -> tuple[Event, ...]:
        """None of the changes that are pending has come to anything yet."""
        return ()

    def unfinished(self) -> Sequence[ChangeRow]:
        return self.pending

    def owners(self, checkpoint_ids: Iterable[str] | None = None) -> Mapping[str, str]:
        chosen = self.known if checkpoint_ids is None else self.notes(checkpoint_ids)
        return {id: note.owner_name or note.owner for id, note in chosen.items() if note.owner}

    @property
    def history(self) -> Self:
        return self

    def notes(self, checkpoint_ids: Iterable[str], *, owner: str | None = None) -> Mapping[str, CheckpointNote]:
        known = {id: self.known[id] for id in checkpoint_ids if id in self.known}
        return {id: note for id, note in known.items() if owner is None or note.owner == owner}

    def each(self, _change: str) -> tuple[VMEntry, ...]:
        return self.each_vm

    def find(self, **asked: object) -> tuple[HistoryEntry, ...]:
        self.asked = asked
        offset, limit = int(str(asked["offset"])), int(str(asked["limit"]))
        return self.entries[offset : offset + limit]


@dataclass
class Foretold:
    """A `Growth` that says what it was told to say."""

    rates: dict[str, Rate] = field(default_factory=dict)
    volumes: list[Filling] = field(default_factory=list)

    def of_vms(self, vm_ids: Iterable[str]) -> Mapping[str, Rate]:
        return {id: self.rates[id] for id in vm_ids if id in self.rates}

    def of_volumes(self, hosts: Iterable[str]) -> tuple[Filling, ...]:
        wanted = set(hosts)
        return tuple(one for one in self.volumes if one.host in wanted)


@dataclass
class Known:
    """The schedules that there are."""

    schedules: list[Schedule] = field(default_factory=list)
    last: LastRun | None = None
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    asked: list[Schedule] = field(default_factory=list)

    def all(self) -> tuple[Schedule, ...]:
        return tuple(self.schedules)

    def next_run(self, schedule: Schedule) -> datetime:
        return NOW + timedelta(hours=12)

    def last_run(self, schedule: Schedule) -> LastRun | None:
        return self.last

    def covers(self, schedule: Schedule, vms: Sequence[VM]) -> tuple[VM, ...]:
        wanted = expanded(schedule.vms, SETS)
        return tuple(
            vm
            for vm in vms
            if patterns.grants(wanted, vm.name, vm.host) and not patterns.grants(schedule.excluded, vm.name, vm.host)
        )

    def rehearse(self, schedule: Schedule) -> Rehearsal:
        self.asked.append(schedule)
        return self.rehearsal


class ToBeLookedAt:
    """The `Health` of a fleet in which somebody should look at every VM."""

    def kept(self, vms: Iterable[VM]) -> Mapping[str, VMHealth]:
        why = (Reason("orphan", Verdict.LOOK, "A file belongs to no chain."),)
        return {vm.id: VMHealth(vm.id, vm.name, vm.host, Verdict.LOOK, why, NOW, NOW) for vm in vms}

    def verdicts(self) -> Mapping[str, Verdict]:
        return defaultdict(lambda: Verdict.LOOK)

    def judge(self, seen: VMInventory) -> VMHealth:
        return self.kept([seen.vm])[seen.vm.id]


class World:
    """Hosts, VMs and checkpoints to set up, and a person who types at them."""

    def __init__(self) -> None:
        self.hosts = {name: MemoryHost(name) for name in ("hv01", "hv02")}
        self.book = Book()
        self.growth = Foretold()
        self.health: Health = NobodyLooks()
        self.schedules = Known()
        self.policy = Policy()
        self.hidden: set[str] = set()
        self.gone: set[str] = set()
        """User ids of people who have left."""
        self.denied: set[str] = set()
        """VMs that no grant lets them change."""
        self.grants: tuple[Grant, ...] = (Grant("owner", EVERYTHING, ("*",), number=1, to="S0615G0KT"),)
        self.ask: tuple[str, ...] = ()
        self.zone = ""
        self.now = NOW
        self.inventory = Inventory(self.hosts, lambda: self.now, fresh_for=timedelta(0))

    def vm(self, name: str, *, host: str = "hv01", state: VMState = VMState.RUNNING, **more: object) -> VM:
        vm = VM(str(uuid.uuid4()), name, host, state, **{"checkpoint_type": CheckpointType.PRODUCTION, **more})
        self.hosts[host].vms[vm.id] = VMInventory(vm)
        return vm

    def checkpoint(self, vm: VM, name: str, *, days: float = 1, **more: object) -> Checkpoint:
        """A checkpoint that old; the newest one becomes where the VM is now."""
        host = self.hosts[vm.host]
        seen = host.vms[vm.id]
        parent = {"parent_id": seen.vm.current_id, **more}
        one = Checkpoint(str(uuid.uuid4()), name, vm.id, NOW - timedelta(days=days), **parent)
        host.vms[vm.id] = replace(seen, vm=replace(seen.vm, current_id=one.id), checkpoints=(*seen.checkpoints, one))
        return one

    def seen(self, vm: VM) -> VMInventory:
        """The VM as its host has it."""
        return self.hosts[vm.host].vms[vm.id]

    def grown(self, vm: VM, since: Checkpoint, size: int) -> None:
        """So many bytes were written since the checkpoint."""
        base = Disk("C:\\a.vhdx", 10, 1024**4, checkpoint_ids=(since.id,))
        leaf = Disk("C:\\a_1.avhdx", size, 10, parent_path="c:\\A.vhdx", attached=True)
        self.hosts[vm.host].vms[vm.id] = replace(self.seen(vm), disks=(base, leaf))

    def change(self, vm: VM, **more: object) -> None:
        """Let the host show something else of the VM."""
        seen = self.hosts[vm.host].vms[vm.id]
        self.hosts[vm.host].vms[vm.id] = replace(seen, vm=replace(seen.vm, **more))

    def run(self, *words: str) -> Reply | Plan | SchedulePlan | FreezePlan:
        """The answer; a plan with its sentences as plain text."""
        answer = commands.run(words, self.context)
        if not isinstance(answer, Plan):
            return answer
        told = {
            field: tuple(map(unmarked, getattr(answer, field)))
            for field in ("consequences", "cautions", "each", "outlook")
        }
        return replace(answer, summary=unmarked(answer.summary), **told)

    def offers(self, *words: str) -> list[str]:
        """The commands that are offered for what was refused."""
        with pytest.raises(commands.base.UsageError) as refused:
            self.run(*words)
        return [" ".join(command) for command in refused.value.corrected]

    def refuse(self, *words: str) -> str:
        """What the person is told when the words are refused."""
        with pytest.raises(commands.base.UsageError) as refused:
            self.run(*words)
        return unmarked(f"{refused.value.sentence} {refused.value.hint}")

    @property
    def context(self) -> Context:
        fleet = FleetView(self.inventory, lambda vm: vm.name not in self.hidden, sets=SETS)
        return Context(
            replace(ADA, zone=self.zone),
            "C0123",
            self.now,
            fleet,
            self.book,
            self.policy,
            self.grants,
            growth=self.growth,
            owners=Ownership(self.gone.__contains__).of,
            may=lambda _verb, vm: vm.name not in self.denied,
            schedules=self.schedules,
            health=self.health,
            holding=lambda disks: Holdings(self.inventory, cast(Ledger, self.book)).of(ADA.id, disks=disks),
            digest=lambda: say("One stale checkpoint."),
            roles_with=lambda right: tuple(role for role, rights in ROLES.items() if right in rights),
            ask=self.ask,
        )

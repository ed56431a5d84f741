"""What a command works with: who asks, the fleet as far as they may see it, the record, and the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal, Protocol

from backends.base import VM, BackendError, Checkpoint, NodeShown, VMInventory, Volume
from commands.base.answers import Reply, say
from commands.base.errors import UsageError
from commands.base.growth import Growth, NothingKnown
from commands.base.health import Verdict, VMHealth, unjudged
from commands.base.schedules import NoSchedules, Schedules

_PERSON = re.compile(r"[UW][A-Z0-9]{1,20}")


def is_person(id: str) -> bool:
    """Whether it is a user id of Slack's, so that somebody can be told: what runs by the clock has none."""
    return _PERSON.fullmatch(id) is not None


@dataclass(frozen=True, slots=True)
class Person:
    """A member of this workspace, as the gate let them in."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    """Ids of the user groups they belong to."""
    zone: str = ""
    """Their time zone by its name in the database, as `Europe/Berlin`; empty where Slack does not say."""


@dataclass(frozen=True, slots=True)
class CheckpointNote:
    """What the ledger knows of a checkpoint and the host does not."""

    owner: str | None = None
    """Whose it is, a user id: who claimed it, else who took it."""
    reason: str = ""
    kind: Literal["production", "standard", "unknown"] = "unknown"
    keep_until: datetime | None = None
    """When it may go; None with `pinned` False means that nobody said."""
    pinned: bool = False
    """Kept forever."""
    safety: bool = False
    """Taken by the bot before an apply."""
    owner_name: str = ""
    """The owner's name, where the ledger has it."""
    keeper: str | None = None
    """Who said last how long it is wanted: a user id."""
    keeper_name: str = ""
    """The keeper's name, where the ledger has it."""
    taken_by: str | None = None
    """Who took it through the bot, a user id; None where the bot did not take it."""
    left: bool = False
    """The owner left the workspace, or may use the bot no more."""
    schedule: str = ""
    """The schedule that took it; empty where none did."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change as the ledger has it."""

    change_id: str
    at: datetime
    person: str
    """User id, or `schedule`."""
    summary: str
    state: str
    result: str = ""
    vms: tuple[str, ...] = ()
    """GUIDs."""
    person_name: str = ""
    """Their name, where the ledger has it."""


@dataclass(frozen=True, slots=True)
class VMEntry:
    """What became of a change on one of its VMs, as the ledger has it."""

    vm_id: str
    vm_name: str
    host: str
    state: str = ""
    """Empty while nothing became of it."""
    result: str = ""


SCANNED_EVERY = timedelta(minutes=2)
"""How often the hosts are looked at: what was seen longer ago than that is said to be so old."""


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How a host is, as last seen."""

    name: str
    reachable: bool
    seen_at: datetime | None = None
    """When it last answered."""
    problem: str = ""
    """Why it does not answer; empty when it does."""
    vms: int = 0
    checkpoints: int = 0
    age: timedelta | None = None
    """How long ago that was asked for, by a clock that nobody can set."""
    gaps: tuple[str, ...] = ()
    """Sentences about what it did not show, though it answered."""
    remarks: tuple[str, ...] = ()
    """Sentences about nodes of a cluster that are not as the others, and about what the look of the day found wrong,
    such as a certificate that ends."""
    nodes: tuple[NodeShown, ...] = ()
    """Those of a cluster, as last seen; empty for a host."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant that covers the person who asks, in the words of the settings."""

    role: str
    actions: tuple[str, ...]
    vms: tuple[str, ...]
    channels: tuple[str, ...] = ()
    number: int = 0
    """Which of the settings' grants it is, from 1."""
    to: str = ""
    """Whom it is given, of what it names: the person's id, a group of theirs, or `everyone`."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that commands go by."""

    stale_after: timedelta = timedelta(days=7)
    safety_checkpoint: bool = True
    keep_safety: timedelta = timedelta(hours=24)
    keep_default: timedelta | None = None
    """How long a checkpoint is kept where nobody says anything else; None says nothing of it."""
    keep_longest: timedelta | None = None
    """The longest that anybody may ask for; None is any time, and forever."""
    production_only: tuple[str, ...] = ()
    """Patterns of VM names."""
    quota_checkpoints: int | None = None
    """How many checkpoints one owner may have; None is any number."""
    quota_growth: int | None = None
    """How many bytes may be written since the checkpoints of one owner; None is any number."""
    export_to: tuple[str, ...] = ()
    """The only folders that checkpoints may be exported to; none is any of a host's own, and no share."""

    backup_at: time | None = None
    """When backups begin, every day."""
    zone: tzinfo = UTC
    """Of `backup_at`."""

    def last_backup(self, now: datetime) -> datetime:
        """When backups began last, by the settings; only where these say when."""
        today = datetime.combine(now.astimezone(self.zone).date(), self.backup_at or time(), self.zone)
        return today if today <= now else today - timedelta(days=1)

    @property
    def has_quota(self) -> bool:
        return self.quota_checkpoints is not None or self.quota_growth is not None


@dataclass(frozen=True, slots=True)
class Held:
    """A checkpoint that somebody has."""

    seen: VMInventory
    checkpoint: Checkpoint
    note: CheckpointNote
    size: int | None
    """Bytes written since; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Holding:
    """What one owner has, wherever in the fleet it is."""

    checkpoints: tuple[Held, ...] = ()
    asked: int = 0
    """Checkpoints that they asked for and that are not taken yet."""


Look = VMInventory | BackendError | UsageError
"""A VM as it is now, or why it could not be looked at."""


class Fleet(Protocol):
    """The fleet as far as this person may see it, in this channel."""

    def find(self, text: str, *, afresh: bool = False) -> tuple[VM, ...]:
        """The VMs that `text` names: a name, a short id, a GUID, several with commas, or a pattern (`web*`).

        With `afresh`, for a change, a pattern means what is there by now: every host that was not seen a moment ago is
        asked for it, and waited for.

        Exact names win over patterns. Raises `UsageError` when nothing fits (with the nearest names) or when one name
        fits several VMs (with their short ids), and `NotAllowed` for a VM that this person may not see.
        """

    def find_one(self, text: str) -> VM:
        """The same for a place where several make no sense. Raises `UsageError` for more than one."""

    def look(self, vm: VM, *, disks: bool = False) -> VMInventory:
        """The VM as it is now, asked from its host. Raises `BackendError`."""

    def look_all(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[VMInventory, ...]:
        """The same for several, asked at the same time; in the order of `vms`. Raises `BackendError`."""

    def look_each(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[tuple[VM, Look], ...]:
        """The same, with what the look at a VM raised in its place."""

    def all(self, *, host: str | None = None, disks: bool = False) -> tuple[VMInventory, ...]:
        """Every VM in sight as last seen, refreshed in parallel where that is old. Hosts that are down give what was
        last seen of them: see `hosts`."""

    def known(self) -> tuple[VMInventory, ...]:
        """Every VM in sight as last seen, without asking anybody."""

    @property
    def edition(self) -> int:
        """Another one after every answer of a host: what is made of what is known stays right while it is the same."""

    def volumes_of(self, vm: VM) -> tuple[Volume, ...] | None:
        """The volumes that the VM's disks are on, with their free space now; None where that cannot be seen. Raises
        `BackendError`."""

    def hosts(self, *, disks: bool = False) -> tuple[HostStatus, ...]: ...


class Notes(Protocol):
    """What the ledger knows of checkpoints."""

    def notes(self, checkpoint_ids: Iterable[str]) -> Mapping[str, CheckpointNote]:
        """What is known of each; those unknown are left out."""

    def owners(self, checkpoint_ids: Iterable[str] | None = None) -> Mapping[str, str]:
        """By checkpoint, the name of whose it is: of those of these that are somebody's, or of all that are there."""


class Search(Protocol):
    """The ledger's search over changes."""

    def find(
        self,
        *,
        vms: Sequence[str] | None = None,
        person: str | None = None,
        person_name: str | None = None,
        since: datetime | None = None,
        text: str | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> tuple[HistoryEntry, ...]:
        """Changes, newest first. `vms` are GUIDs; `text` searches names, notes and results, and `person_name` the
        names of those who asked."""

    def each(self, change: str) -> tuple[VMEntry, ...]:
        """What became of the newest change whose id begins so on each of its VMs, in their order; empty for none."""


class Record(Protocol):
    """The ledger, to read."""

    @property
    def checkpoints(self) -> Notes: ...

    @property
    def history(self) -> Search: ...


class Health(Protocol):
    """The verdicts on VMs."""

    def kept(self, vms: Iterable[VM]) -> Mapping[str, VMHealth]:
        """As last judged, by id: of every one of them."""

    def verdicts(self) -> Mapping[str, Verdict]:
        """The same without what they rest on, of all VMs that were judged: the same mapping until others are."""

    def judge(self, seen: VMInventory) -> VMHealth:
        """The verdict on one that was looked at a moment ago, with its disks."""


class NobodyLooks:
    """The `Health` of a fleet that nobody looks at."""

    def kept(self, vms: Iterable[VM]) -> Mapping[str, VMHealth]:
        return {vm.id: unjudged(vm.id, vm.name, vm.host, "Nobody looks at it.") for vm in vms}

    def verdicts(self) -> Mapping[str, Verdict]:
        return {}

    def judge(self, seen: VMInventory) -> VMHealth:
        return self.kept([seen.vm])[seen.vm.id]


@dataclass(frozen=True, slots=True)
class Context:
    """What a command works with."""

    person: Person
    channel: str
    now: datetime
    fleet: Fleet
    record: Record
    policy: Policy = field(default_factory=Policy)
    grants: tuple[Grant, ...] = ()
    growth: Growth = field(default_factory=NothingKnown)
    owners: Callable[[Mapping[str, CheckpointNote]], Mapping[str, CheckpointNote]] = lambda notes: notes
    """The same notes, with the owners who have left told apart."""
    may: Callable[[str, VM], bool] = lambda _verb, _vm: True
    """Whether a grant lets them do that to a VM: for what is said to them. Whether it is done is decided elsewhere."""
    command: str = "/checkpoint"
    """The slash command that people type."""
    elsewhere: tuple[Grant, ...] = ()
    """Grants that hold for them in other channels only."""
    roles_with: Callable[[str], tuple[str, ...]] = lambda _right: ()
    """The settings' roles that give a right."""
    ask: tuple[str, ...] = ()
    """Whom the settings name to ask for a grant: user ids and user group ids."""
    schedules: Schedules = field(default_factory=NoSchedules)
    health: Health = field(default_factory=NobodyLooks)
    holding: Callable[[bool], Holding] = lambda _disks: Holding()
    """What they have in the whole fleet, in sight or not, with sizes where those are asked for."""
    frozen: Callable[[], str] = lambda: ""
    """That nothing is changed now, and why; empty where it is. The ledger is asked for it."""
    digest: Callable[[], Reply] = lambda: say("No digest is set up.")
    """The digest of this channel, made now."""

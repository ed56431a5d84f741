"""What a command is given and what it gives back.

A command is an ordinary Click command in a file of its own. It gets a `Context` and returns either a `Reply` (an
answer) or a `Plan` (what it wants to change). It never changes anything itself. All text in a `Reply` is plain:
whoever shows it escapes it, so a VM's name cannot become markup.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from backends.base import VM, Checkpoint, CheckpointType, VMInventory

ActionName = Literal["view", "create", "rename", "keep", "apply", "delete", "export", "configure", "schedule"]
"""What a role may hold."""


@dataclass(frozen=True, slots=True)
class Person:
    """A member of this workspace, as the gate let them in."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    """Ids of the user groups they belong to."""


# ---------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Button:
    """What a person can press. `value` is an id and nothing else: all that it means is looked up when it is pressed."""

    label: str
    action: str
    """`confirm`, `cancel`, `delete`, `keep`, …"""
    value: str
    style: Literal["primary", "danger"] | None = None


@dataclass(frozen=True, slots=True)
class Heading:
    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain text; `code` shows it in a fixed-width face."""

    text: str
    code: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """Lines that are drawn in a fixed-width face, already indented."""

    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list, with what can be done about it."""

    text: str
    detail: str = ""
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Actions:
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Footnote:
    text: str


Part = Heading | Paragraph | Tree | Table | Item | Actions | Footnote


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. Seen by the person who asked, unless `shared` puts it in the channel."""

    parts: tuple[Part, ...]
    shared: bool = False

    @property
    def text(self) -> str:
        """The same in plain text: for notifications, screen readers and the log."""
        return "\n".join(line for part in self.parts for line in _lines(part))


def say(*sentences: str) -> Reply:
    """A reply of plain paragraphs."""
    return Reply(tuple(Paragraph(s) for s in sentences))


def _lines(part: Part) -> Iterable[str]:
    match part:
        case Heading(text) | Paragraph(text) | Footnote(text):
            yield text
        case Tree(lines):
            yield from lines
        case Table(columns, rows):
            yield " | ".join(columns)
            yield from (" | ".join(row) for row in rows)
        case Item(text, detail):
            yield f"{text} {detail}".strip()
        case Actions():
            return


# ---------------------------------------------------------------- plans


@dataclass(frozen=True, slots=True)
class Create:
    name: str
    checkpoint_type: CheckpointType | None = None
    """None leaves the VM's own policy."""
    keep: float | None = None
    """Seconds until it may go; None says nothing about it."""
    note: str = ""
    verb: Literal["create"] = "create"


@dataclass(frozen=True, slots=True)
class Apply:
    safety: bool = True
    """Take a checkpoint of the present state first."""
    keep_safety: float = 86400.0
    """Seconds until the safety checkpoint may go."""
    start: bool = True
    """Start the VM again if it was running."""
    verb: Literal["apply"] = "apply"


@dataclass(frozen=True, slots=True)
class Delete:
    subtree: bool = False
    verb: Literal["delete"] = "delete"


@dataclass(frozen=True, slots=True)
class Rename:
    name: str
    verb: Literal["rename"] = "rename"


@dataclass(frozen=True, slots=True)
class Keep:
    until: datetime | None
    """When it may go; None is never."""
    verb: Literal["keep"] = "keep"


@dataclass(frozen=True, slots=True)
class Export:
    path: str
    """A folder on the host."""
    verb: Literal["export"] = "export"


@dataclass(frozen=True, slots=True)
class Configure:
    checkpoint_type: CheckpointType | None = None
    automatic: bool | None = None
    verb: Literal["configure"] = "configure"


Action = Create | Apply | Delete | Rename | Keep | Export | Configure


@dataclass(frozen=True, slots=True)
class Picture:
    """What a plan was made from. When it no longer fits the host, the plan is void."""

    host: str
    state: int
    """`VMState`."""
    tree: tuple[tuple[str, str | None, str], ...]
    """Id, parent's id and name of each checkpoint, by id."""
    current: str | None = None
    """The id of the checkpoint that the VM's present state descends from."""

    @classmethod
    def of(cls, seen: VMInventory) -> Picture:
        tree = sorted((c.id, c.parent_id, c.name) for c in seen.checkpoints)
        return cls(seen.vm.host, int(seen.vm.state), tuple(tree), seen.vm.current_id)


@dataclass(frozen=True, slots=True)
class Target:
    """One VM, and one of its checkpoints where the verb acts on one."""

    host: str
    vm_id: str
    vm_name: str
    picture: Picture
    checkpoint_id: str | None = None
    checkpoint_name: str | None = None

    @classmethod
    def of(cls, seen: VMInventory, checkpoint: Checkpoint | None = None) -> Target:
        vm = seen.vm
        return cls(
            vm.host,
            vm.id,
            vm.name,
            Picture.of(seen),
            checkpoint.id if checkpoint else None,
            checkpoint.name if checkpoint else None,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a command wants to change."""

    action: Action
    targets: tuple[Target, ...]
    summary: str
    """One line: `apply before-upgrade to web01`."""
    consequences: tuple[str, ...] = ()
    """What will be lost, what stays, what happens in between: a sentence each, for the card."""
    cautions: tuple[str, ...] = ()
    """What a careful colleague would add: this is a domain controller."""
    each: tuple[str, ...] = ()
    """Of several VMs, a line for each: where and how it is, and which checkpoint is meant."""

    @property
    def verb(self) -> ActionName:
        return self.action.verb


# ---------------------------------------------------------------- what a command may ask


@dataclass(frozen=True, slots=True)
class CheckpointNote:
    """What the ledger knows of a checkpoint and the host does not."""

    owner: str | None = None
    """The person who took it: a user id."""
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
class HostStatus:
    """How a host is, as last seen."""

    name: str
    reachable: bool
    seen_at: datetime | None = None
    """When it last answered."""
    problem: str = ""
    vms: int = 0
    checkpoints: int = 0


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant that covers the person who asks, in the words of the settings."""

    role: str
    actions: tuple[str, ...]
    vms: tuple[str, ...]
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings that commands go by."""

    stale_after: timedelta = timedelta(days=7)
    safety_checkpoint: bool = True
    keep_safety: timedelta = timedelta(hours=24)
    production_only: tuple[str, ...] = ()
    """Patterns of VM names."""


class Fleet(Protocol):
    """The fleet as far as this person may see it, in this channel."""

    def find(self, text: str) -> tuple[VM, ...]:
        """The VMs that `text` names: a name, a short id, a GUID, several with commas, or a pattern (`web*`).

        Exact names win over patterns. Raises `UsageError` when nothing fits (with the nearest names) or when one name
        fits several VMs (with their short ids), and `NotAllowed` for a VM that this person may not see.
        """

    def find_one(self, text: str) -> VM:
        """The same for a place where several make no sense. Raises `UsageError` for more than one."""

    def look(self, vm: VM, *, disks: bool = False) -> VMInventory:
        """The VM as it is now, asked from its host. Raises `BackendError`."""

    def look_all(self, vms: Sequence[VM], *, disks: bool = False) -> tuple[VMInventory, ...]:
        """The same for several, asked at the same time; in the order of `vms`. Raises `BackendError`."""

    def all(self, *, host: str | None = None, disks: bool = False) -> tuple[VMInventory, ...]:
        """Every VM in sight as last seen, refreshed in parallel where that is old. Hosts that are down give what was
        last seen of them: see `hosts`."""

    def hosts(self) -> tuple[HostStatus, ...]: ...


class Record(Protocol):
    """The ledger, to read."""

    def notes(self, checkpoint_ids: Iterable[str]) -> Mapping[str, CheckpointNote]:
        """What is known of each; those unknown are left out."""

    def history(
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
    digest: Callable[[], Reply] = lambda: say("No digest is set up.")
    """The digest of this channel, made now."""


# ---------------------------------------------------------------- refusals


class UsageError(Exception):
    """What was typed cannot be carried out. Nothing was touched."""

    def __init__(self, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        """What was wrong."""
        self.hint = hint
        """What to type instead."""


class NotKnown(UsageError):
    """Nothing that the person may see is called that."""


class NotAllowed(UsageError):
    """No grant allows it. Recorded in the ledger as denied."""

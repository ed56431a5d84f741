"""What a command wants to change: the verb, the VMs, and the picture of the state it was planned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar

from backends.base import Checkpoint, CheckpointType, VMInventory

_ACTIONS: dict[str, type[Action]] = {}


@dataclass(frozen=True, slots=True)
class Action:
    """What a plan does. Every verb has a dataclass of its own under this one, and is found by its name."""

    verb: ClassVar[str]
    right: ClassVar[str]
    """What a role must hold for it: the verb, where nothing else is given."""

    def __init_subclass__(cls) -> None:
        if "right" not in cls.__dict__:
            cls.right = cls.verb
        _ACTIONS[cls.verb] = cls


def actions() -> Mapping[str, type[Action]]:
    """The action of every verb that was imported, by the verb's name."""
    return MappingProxyType(_ACTIONS)


@dataclass(frozen=True, slots=True)
class Create(Action):
    verb: ClassVar[str] = "create"

    name: str
    checkpoint_type: CheckpointType | None = None
    """None leaves the VM's own policy."""
    keep: float | None = None
    """Seconds until it may go; None says nothing about it."""
    note: str = ""
    forever: bool = False
    """It is kept for good."""
    until: datetime | None = None
    """The moment from which it may go, where one was named: `keep` says how far away that was then."""


@dataclass(frozen=True, slots=True)
class Apply(Action):
    verb: ClassVar[str] = "apply"

    safety: bool = True
    """Take a checkpoint of the present state first."""
    keep_safety: float = 86400.0
    """Seconds until the safety checkpoint may go."""
    start: bool = True
    """Start the VM again if it was running."""


@dataclass(frozen=True, slots=True)
class Delete(Action):
    verb: ClassVar[str] = "delete"

    subtree: bool = False


@dataclass(frozen=True, slots=True)
class Rename(Action):
    verb: ClassVar[str] = "rename"

    name: str


@dataclass(frozen=True, slots=True)
class Keep(Action):
    verb: ClassVar[str] = "keep"

    until: datetime | None
    """When it may go; None is never."""


@dataclass(frozen=True, slots=True)
class Claim(Action):
    """Takes over a checkpoint: from now on it is the person's."""

    verb: ClassVar[str] = "claim"
    right: ClassVar[str] = "keep"


@dataclass(frozen=True, slots=True)
class Export(Action):
    verb: ClassVar[str] = "export"

    path: str
    """A folder on the host."""


@dataclass(frozen=True, slots=True)
class Configure(Action):
    verb: ClassVar[str] = "configure"

    checkpoint_type: CheckpointType | None = None
    automatic: bool | None = None


@dataclass(frozen=True, slots=True)
class Acknowledge(Action):
    verb: ClassVar[str] = "acknowledge"

    reason: str


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
    replica: bool = False
    """It was a copy that Hyper-V Replica keeps of a VM elsewhere."""

    @classmethod
    def of(cls, seen: VMInventory) -> Picture:
        tree = sorted((c.id, c.parent_id, c.name) for c in seen.checkpoints)
        return cls(seen.vm.host, int(seen.vm.state), tuple(tree), seen.vm.current_id, seen.vm.is_replica)


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
    stake: str = ""
    """What is lost for good, the amount first: `17 days and 140 GB`. Empty where nothing is."""
    loss: str = ""
    """What cannot be had back, in a sentence that is one of the consequences too, where there is no amount of it."""
    grave: bool = False
    """So much is at stake that it is asked about twice."""
    clock: str = ""
    """What asks for it by the clock, in words: `schedule nightly`, `expiry`. Empty where a person does. Such a plan is
    somebody's all the same, and goes by their rights of that moment."""
    keepers: tuple[str, ...] = ()
    """The user ids of those who want what this takes away: addressed in the question, and told when it was done."""
    outlook: tuple[str, ...] = ()
    """What is said as long as the change is of use: a volume that fills, a host whose VMs were not seen just now."""
    ask: bool = False
    """What was typed may mean something else, or goes against somebody: it is asked about whatever the verb."""

    @property
    def verb(self) -> str:
        return self.action.verb

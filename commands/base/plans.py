"""What a command wants to change: the verb, the VMs, and the picture of the state it was planned from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backends.base import Checkpoint, CheckpointType, VMInventory

ActionName = Literal["view", "create", "rename", "keep", "apply", "delete", "export", "configure", "schedule"]
"""What a role may hold."""


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

"""What a change verb is: one file of this package that exposes one `Verb` as `verb`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from backends.base import BackendError, VMInventory
from bot.changes.execution import Execution
from bot.changes.outcome import Outcome
from commands.base import Action, Target

A = TypeVar("A", bound=Action)

Words = tuple[str, ...]
"""A command as it would be typed, in words."""


@dataclass(frozen=True, slots=True)
class Verb(Generic[A]):
    """All that the life of a change has to know of a verb."""

    action: type[A]
    """What a plan with this verb holds; its `verb` is the name."""
    doing: str
    """What a refusal calls it: No grant lets you `take checkpoints of` web01."""
    perform: Callable[[Execution, VMInventory, A], Outcome]
    """Does it to one VM that was seen a moment ago, and says what became of it. Raises `BackendError`."""
    again: Callable[[A, Sequence[Target]], Words | None] = lambda _action, _targets: None
    """The words that ask for it again, on these VMs; None where no button does."""
    exact: bool = False
    """Carried out only on the very picture that it was asked for, confirmed or not."""
    risky: bool = False
    """Its button on the card is red."""
    destructive: bool = False
    """Something may be lost by it, so it is asked about unless the settings name what is."""
    copies_out: bool = False
    """What is on the VM's disks gets to another place by it."""

    held: bool = True
    """Refused on a VM that is on Hold: it touches the VM."""

    @property
    def name(self) -> str:
        return self.action.verb

    @property
    def braked(self) -> bool:
        """The brake counts it."""
        return self.destructive or self.copies_out


def vms_of(targets: Sequence[Target]) -> str:
    """The VMs as a button names them: by GUID."""
    return ",".join(target.vm_id for target in targets)


def with_checkpoint(verb: str, flags: Words, chosen: Sequence[tuple[str, str]], name: str) -> Words:
    """A verb on checkpoints. One checkpoint goes by its GUID; those of a group go by the name they share, since each VM
    has its own. `chosen` are pairs of a VM's GUID and a checkpoint's."""
    if len(chosen) == 1:
        return (verb, *flags, *chosen[0])
    return (verb, *flags, "--", ",".join(vm_id for vm_id, _ in chosen), name)


def told(error: BackendError, before: str, after: str) -> BackendError:
    """The same error where something had been changed before it."""
    return type(error)(f"{before}: {error.sentence} {after}", error.cause, unchanged=False)

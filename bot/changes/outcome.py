"""What became of a change: on one VM, and on all of them together. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from bot.ledger import ChangeState, Event

OUTCOME = "outcome"
"""The ledger's event that carries an `Outcome`."""

Values = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of a change: a key with its values, which can be said in any language, and the sentence as it was
    said."""

    key: str
    sentence: str
    values: Values = field(default_factory=dict)

    @property
    def detail(self) -> dict[str, object]:
        """As it stands in the ledger's events."""
        return {"key": self.key, "values": dict(self.values)}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a change on one VM."""

    vm_id: str
    vm_name: str
    state: ChangeState
    sentence: str
    cause: str = ""
    checkpoint_id: str | None = None
    safety_id: str | None = None
    """The checkpoint that was taken before an apply."""
    bytes_before: int | None = None
    """What the VM's disk files took before a delete."""
    unchanged: bool = False
    """It is known that nothing was changed on this VM."""
    warning: bool = False
    """It succeeded, and not as it was asked for."""
    key: str = ""
    """What the sentence says, for other languages; `values` are what it says it of."""
    values: Values = field(default_factory=dict)


_outcome = TypeAdapter(Outcome).validate_python


def outcomes(events: Iterable[Event]) -> tuple[Outcome, ...]:
    """What became of each VM so far, as the ledger has it."""
    return tuple(_outcome(e.detail) for e in events if e.event == OUTCOME)


def conclusion(outcomes: tuple[Outcome, ...]) -> tuple[ChangeState, str]:
    """What became of the whole: it succeeded only where every VM did, and is unknown while one is."""
    states = {o.state for o in outcomes}
    result = "\n".join(o.sentence for o in outcomes)
    if len(states) == 1:
        return states.pop(), result
    return (ChangeState.UNKNOWN if ChangeState.UNKNOWN in states else ChangeState.FAILED), result

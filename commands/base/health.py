"""How sound the checkpoints of a VM are, as people are told: a verdict with what it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """Hold: do not touch it, do not restart it. Look: somebody should. Cannot tell is never the same as Fine."""

    HOLD = "Hold"
    LOOK = "Look"
    CANNOT_TELL = "Cannot tell"
    FINE = "Fine"

    @property
    def mark(self) -> str:
        return {"Hold": "⛔", "Look": "⚠️", "Cannot tell": "❔", "Fine": "✅"}[self.value]


ORDER = (Verdict.HOLD, Verdict.LOOK, Verdict.CANNOT_TELL, Verdict.FINE)
"""Of several the first counts: a source that is missing cannot weaken a proof."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that a verdict rests on. One of `FINE` is a note: it was seen, and needs nobody."""

    key: str
    """What it says, for whoever decides by it."""
    verdict: Verdict
    sentence: str
    at: datetime | None = None
    """When it happened, of an event."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has looked, and said why it is well."""

    person_id: str
    person_name: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class VMHealth:
    """The verdict on one VM."""

    vm_id: str
    vm_name: str
    host: str
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    """The gravest first."""
    at: datetime | None = None
    """When it was judged; None when it never was."""
    since: datetime | None = None
    """When the verdict became this one."""
    acknowledged: Acknowledgement | None = None

    @property
    def why(self) -> tuple[Reason, ...]:
        """What the verdict itself rests on, without notes."""
        return tuple(one for one in self.reasons if one.verdict is self.verdict)


def gravest(verdicts: Iterable[Verdict]) -> Verdict:
    """The one that counts; Fine when there is none."""
    return min(verdicts, key=ORDER.index, default=Verdict.FINE)


def unjudged(vm_id: str, vm_name: str, host: str, why: str) -> VMHealth:
    """A VM that was not looked at: nobody can tell."""
    return VMHealth(vm_id, vm_name, host, Verdict.CANNOT_TELL, (Reason("not judged", Verdict.CANNOT_TELL, why),))

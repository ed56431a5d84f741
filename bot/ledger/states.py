"""The states of a change, and the ways between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class ChangeState(StrEnum):
    """Where a change stands."""

    REQUESTED = "requested"
    DENIED = "denied"
    AWAITING = "awaiting"
    """A confirmation, or a second person's approval."""
    REFUSED = "refused"
    """Somebody whose approval it needs said no."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    VOID = "void"
    """What it was asked about has moved."""
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The connection was lost in mid-action; the host is still to be looked at."""

    @property
    def final(self) -> bool:
        """Nothing follows it."""
        return not LEGAL[self]


_WAYS = {
    ChangeState.REQUESTED: "denied awaiting queued void failed",
    ChangeState.AWAITING: "refused cancelled expired void denied queued",
    ChangeState.QUEUED: "running cancelled void denied failed",
    ChangeState.RUNNING: "succeeded failed unknown",
    ChangeState.UNKNOWN: "succeeded failed",
}

LEGAL: Mapping[ChangeState, frozenset[ChangeState]] = MappingProxyType(
    {state: frozenset(map(ChangeState, _WAYS.get(state, "").split())) for state in ChangeState}
)
"""The states that may follow each."""

DECISIONS = frozenset({ChangeState.QUEUED, ChangeState.DENIED, ChangeState.REFUSED, ChangeState.CANCELLED})
"""The states that a change is brought to by a decision: who moves it there decided it."""

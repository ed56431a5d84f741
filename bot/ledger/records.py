"""What goes into the ledger for a change, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from backends.base import VM
from bot.ledger.errors import Unreadable
from bot.ledger.states import DECISIONS, ChangeState
from bot.ledger.writing import clean, fingerprint, iso, plan_from_json, plan_to_json, to_json
from bot.messages import MessageRef, Origin
from commands.base import Create, Person, Plan, Target

TAKEN_OVER = "taken over"
"""The event of a change that became a colleague's while it waited."""


@dataclass(frozen=True, slots=True)
class VMRef:
    """A VM as it was called when a change was asked for."""

    id: str
    name: str
    host: str

    @classmethod
    def of(cls, one: VM | Target) -> VMRef:
        if isinstance(one, VM):
            return cls(one.id, one.name, one.host)
        return cls(one.vm_id, one.vm_name, one.host)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for. It never changes, and the first event of a change vouches for it."""

    change_id: str
    verb: str
    person_id: str
    person_name: str
    channel: str
    summary: str
    note: str
    vms: tuple[VMRef, ...]
    plan_json: str | None = None
    expires_at: str | None = None

    @classmethod
    def of(cls, change_id: str, plan: Plan, person: Person, channel: str, expires_at: datetime | None = None) -> Asked:
        if isinstance(plan.action, Create):
            plan = replace(plan, action=replace(plan.action, note=clean(plan.action.note)))
        return cls(
            change_id,
            plan.verb,
            person.id,
            clean(person.name),
            channel,
            clean(f"{plan.summary} (by {plan.clock})" if plan.clock else plan.summary),
            plan.action.note if isinstance(plan.action, Create) else "",
            tuple(VMRef(target.vm_id, clean(target.vm_name), target.host) for target in plan.targets),
            plan_to_json(plan),
            iso(expires_at) if expires_at else None,
        )

    @property
    def vm_names(self) -> str:
        return ", ".join(vm.name for vm in self.vms)

    @property
    def detail(self) -> str:
        """The JSON that stands in the first event."""
        return to_json(
            {
                "verb": self.verb,
                "person": self.person_id,
                "person_name": self.person_name,
                "channel": self.channel,
                "summary": self.summary,
                "note": self.note,
                "vms": [(vm.id, vm.name, vm.host) for vm in self.vms],
                "plan_sha256": None if self.plan_json is None else fingerprint(self.plan_json),
                "expires_at": self.expires_at,
            }
        )


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as it stands."""

    number: int
    """Counts up from 1 in the order of asking."""
    id: str
    verb: str
    state: ChangeState
    person_id: str
    """Whose it is: who asked, or the colleague who took it over."""
    person_name: str
    origin: Origin
    """Without a response URL: that is as good as a password, and is not kept."""
    summary: str
    note: str
    vms: tuple[VMRef, ...]
    reason: str
    """Why it is in this state."""
    result: str
    decided_by: str | None
    """Who let it go ahead or stopped it: a user id, or `bot`."""
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    message: MessageRef | None
    plan_json: str | None
    asked_by: str = ""
    """Who asked for it, whosever it is now."""
    asked_name: str = ""

    @property
    def plan(self) -> Plan | None:
        """What was asked for; None for a refusal that came before there was a plan. Raises `Unreadable` for a plan
        that this version cannot read."""
        return None if self.plan_json is None else plan_from_json(self.plan_json)

    @property
    def readable_plan(self) -> Plan | None:
        """The same, and None for a plan that this version cannot read."""
        try:
            return self.plan
        except Unreadable:
            return None


@dataclass(frozen=True, slots=True)
class Change:
    """A change whole, as it was at one moment. `Changes.load` gives it, to be handed down."""

    row: ChangeRow
    plan: Plan | None
    """Parsed once; None for a refusal that came before there was a plan."""
    events: tuple[Event, ...]
    """Of the kinds that were asked for, in order."""

    @property
    def seq(self) -> int:
        """Of the last thing that is known to have happened to it."""
        return self.events[-1].seq if self.events else 0

    def after(self, events: Sequence[Event]) -> Change:
        """The same change once these have happened to it, too: its row says what its last move does."""
        row = self.row
        for taken in (one for one in events if one.event == TAKEN_OVER):
            who = str(taken.detail.get("person", ""))
            row = replace(row, person_id=taken.by, person_name=who, origin=replace(row.origin, person_id=taken.by))
        for move in (one for one in events if one.event == one.state):
            decided_by = move.by if move.state in DECISIONS else row.decided_by
            row = replace(row, state=move.state, reason=move.why, result=move.result, decided_by=decided_by)
        return replace(self, row=row, events=(*self.events, *events)) if events else self


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a change."""

    seq: int
    change_id: str
    at: datetime
    event: str
    """The new state for a move; otherwise what was noted."""
    state: ChangeState
    """The state after it."""
    by: str
    why: str
    result: str
    detail: Mapping[str, object]
    previous_hash: str
    hash: str

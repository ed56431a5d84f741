"""Who approved a change, by the ledger: what a second person's word is worth is decided from this alone."""

from __future__ import annotations

from collections.abc import Iterable

from bot.ledger import ChangeRow, ChangeState, Event

APPROVED = "approved"
"""The ledger's event for each of several approvals. The last one is also the move to `queued`."""

BRAKE, NEEDED = "brake", "needed"
"""What the event of a change that waits says besides whose answer it waits for: why the brake holds it, and how many
approvals it needs."""

TOLD = frozenset({ChangeState.AWAITING, APPROVED})
"""The events that these functions read."""


def approvers(change: ChangeRow, events: Iterable[Event]) -> tuple[str, ...]:
    """The different people who approved it, in their order: never who asked, and never the bot."""
    said = [event.by for event in events if event.event == APPROVED]
    let_go = [change.decided_by or ""] if change.state is not ChangeState.AWAITING else []
    nobody = {"", "bot", change.person_id, change.asked_by}
    return tuple(dict.fromkeys(one for one in (*said, *let_go) if one not in nobody))


def braked(events: Iterable[Event]) -> str:
    """Why the brake asks for an approval of it; empty where it does not."""
    return next((str(e.detail[BRAKE]) for e in events if e.event == ChangeState.AWAITING and BRAKE in e.detail), "")


def needed(events: Iterable[Event]) -> int:
    """How many approvals it was said to need."""
    found = (e.detail.get(NEEDED) for e in events if e.event == ChangeState.AWAITING)
    return next((one for one in found if isinstance(one, int)), 1)

"""Somebody's own stale checkpoints, to choose several of."""

from __future__ import annotations

from backends.base import Checkpoint, VMInventory
from commands.base import Button, CheckpointNote, Context
from commands.kit.kinds import UNKNOWN
from commands.kit.telling import age, is_stale, keep_buttons, written

MOST_SHOWN, MOST_CHOSEN = 100, 10
"""Slack shows a hundred in a menu. Each that is chosen is a change with a message of its own, so these are fewer."""

NONE = "Nothing of yours is stale, as far as I see."


def stale(context: Context) -> list[tuple[VMInventory, Checkpoint]]:
    """The largest first, then the oldest."""
    seen = context.fleet.all(disks=True) or context.fleet.known()
    notes = context.record.checkpoints.notes([c.id for one in seen for c in one.checkpoints])
    found = [(one, c) for one in seen for c in one.checkpoints if _is_mine(context, c, notes.get(c.id, UNKNOWN))]
    return sorted(found, key=lambda pair: (-(pair[0].growth_since(pair[1].id) or 0), pair[1].created))


def label(context: Context, seen: VMInventory, one: Checkpoint) -> str:
    """`web01: before-upgrade (9 days, 3.0 GB)`."""
    facts = (age(one, context.now), written(seen, one))
    return f"{seen.vm.name}: {one.name} ({', '.join(fact for fact in facts if fact)})"


def actions(context: Context) -> tuple[Button, ...]:
    """What may be done with those that are chosen."""
    return (*keep_buttons("", context.policy.keep_longest), Button("Delete", "delete", "", "danger"))


def _is_mine(context: Context, one: Checkpoint, note: CheckpointNote) -> bool:
    return note.owner == context.person.id and is_stale(one, note, context.policy, context.now)

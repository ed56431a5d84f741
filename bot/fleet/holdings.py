"""What one owner has in checkpoints, in the whole fleet and as it is now, and what they have asked for."""

from __future__ import annotations

from dataclasses import dataclass

from bot.fleet.inventory import Inventory
from bot.ledger import ChangeRow, Ledger, LedgerError
from commands.base import Create, Held, Holding


@dataclass(frozen=True, slots=True)
class Holdings:
    """Safe to use from many threads."""

    inventory: Inventory
    ledger: Ledger

    def of(self, owner: str, *, disks: bool) -> Holding:
        """What is there now and theirs: they claimed it, or took it, also by a schedule, and nobody else claimed it.
        Hosts that are down count as last seen; sizes are known with `disks`."""
        self.inventory.refresh(disks=disks)  # one that was taken a moment ago counts
        return self.seen(owner, disks=disks)

    def seen(self, owner: str, *, disks: bool) -> Holding:
        """The same as last seen, without asking anybody."""
        seen = self.inventory.seen(disks=disks)
        notes = self.ledger.checkpoints.notes([c.id for one in seen for c in one.checkpoints])
        theirs = tuple(
            Held(one, c, notes[c.id], one.growth_since(c.id))
            for one in seen
            for c in one.checkpoints
            if c.id in notes and notes[c.id].owner == owner
        )
        there = {(one.vm.id, c.name) for one in seen for c in one.checkpoints}
        asked = [row for row in self.ledger.changes.unfinished() if row.person_id == owner and row.verb == Create.verb]
        return Holding(theirs, sum(pair not in there for row in asked for pair in _wanted(row)))


def _wanted(row: ChangeRow) -> tuple[tuple[str, str], ...]:
    """The VMs and the name of the checkpoints that a change takes. None of one that this version cannot read."""
    try:
        plan = row.plan
    except LedgerError:
        return ()
    if plan is None or not isinstance(plan.action, Create):
        return ()
    return tuple((target.vm_id, plan.action.name) for target in plan.targets)

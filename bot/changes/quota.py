"""What one owner has in checkpoints, in the whole fleet and as it is now, and whether their quota lets them take more.

It is looked at when a checkpoint is asked for, and again right before it is taken: a claim, a schedule or another
change may have come in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.changes.outcome import OUTCOME, outcomes
from bot.changes.permission import is_by_the_clock
from bot.fleet.inventory import Inventory
from bot.ledger import ChangeRow, Ledger
from commands.base import Create, Held, Holding, Policy, Target, name
from commands.kit.quota import Allowance
from commands.kit.words import typed


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
        theirs = self._theirs(owner, disks=disks)
        return Holding(theirs, sum(1 for row in self._asked(owner) for _ in self._missing(row, theirs)))

    def before(self, change: ChangeRow, target: Target) -> Holding:
        """What its owner has now, and what they asked for before this: by earlier changes, and of the VMs that come
        before this one in the same. Sizes are those that were last seen. Of a group, hosts are asked once."""
        self.inventory.renew()
        theirs = self._theirs(change.person_id, disks=False)
        asked = [row for row in self._asked(change.person_id) if row.number < change.number]
        earlier = sum(1 for row in asked for _ in self._missing(row, theirs))
        own = list(self._missing(change, theirs))
        return Holding(theirs, earlier + (own.index(target.vm_id) if target.vm_id in own else 0))

    def _theirs(self, owner: str, *, disks: bool) -> tuple[Held, ...]:
        seen = self.inventory.seen(disks=disks)
        notes = self.ledger.checkpoints.notes([c.id for one in seen for c in one.checkpoints], owner=owner)
        if not notes:
            return ()
        theirs = [(one, c) for one in seen for c in one.checkpoints if c.id in notes]
        vms = {one.vm.id for one, _ in theirs}
        sized = {one.vm.id: one for one in self.inventory.seen(disks=True) if one.vm.id in vms}
        return tuple(Held(one, c, notes[c.id], sized.get(one.vm.id, one).growth_since(c.id)) for one, c in theirs)

    def _asked(self, owner: str) -> Iterator[ChangeRow]:
        """Their changes that take checkpoints, and that are not over."""
        return (one for one in self.ledger.changes.unfinished() if one.person_id == owner and one.verb == Create.verb)

    def _missing(self, row: ChangeRow, theirs: Iterable[Held]) -> Iterator[str]:
        """The VMs of which a change has its checkpoint to take yet. None of a plan that this version cannot read."""
        plan = row.readable_plan
        if plan is None or not isinstance(plan.action, Create):
            return
        there = {(one.seen.vm.id, one.checkpoint.name) for one in theirs}
        over = {one.vm_id for one in outcomes(self.ledger.events.of(row.id, {OUTCOME}))}
        for target in plan.targets:
            if target.vm_id not in over and (target.vm_id, plan.action.name) not in there:
                yield target.vm_id


@dataclass(frozen=True, slots=True)
class Quota:
    """What the settings allow an owner, held against what they have."""

    policy: Policy
    holdings: Holdings

    def why_not(self, change: ChangeRow, target: Target) -> str:
        """Why a change may not take its checkpoint of a VM any more; empty where it may. A schedule's run has looked at
        all of its VMs together, and at what goes for them."""
        if not self.policy.has_quota or change.verb != Create.verb or is_by_the_clock(change):
            return ""
        allowance = Allowance(self.policy, self.holdings.before(change, target))
        if allowance.left is None or allowance.left > 0:
            return ""
        return (
            f"{name(change.person_name)} has {allowance.used} by now, and the settings allow an owner "
            f"{allowance.limits}. {typed('list', '--mine')} shows what may be deleted first."
        )

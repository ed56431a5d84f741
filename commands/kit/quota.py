"""How much one owner may have in checkpoints by the settings, and what to delete first where that is all taken."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from commands.base import Context, Held, Holding, Policy, UsageError, name
from commands.kit.finding import typeable
from commands.kit.group import Group
from commands.kit.telling import age, how_long
from commands.kit.words import say_count, say_size, typed

MOST_NAMED = 5
"""Checkpoints that are named as those to delete first."""


@dataclass(slots=True)
class Allowance:
    """What one owner may take yet, counted down as they take it."""

    policy: Policy
    holding: Holding
    _taken: int = 0
    _gone: set[str] = field(default_factory=set)

    @property
    def left(self) -> int | None:
        """How many further checkpoints; None is any number."""
        return self._left(self._gone)

    def why_not(self, going: Iterable[str]) -> str:
        """Why they may not take one whose taking lets these go, as a clause; empty where they may."""
        left = self._left(self._gone.union(going))
        if left is None or left > 0:
            return ""
        return f"its owner has all that quota allows: {self.limits}"

    def took(self, going: Iterable[str]) -> None:
        self._taken += 1
        self._gone.update(going)

    def _left(self, gone: set[str]) -> int | None:
        stays = [one for one in self.holding.checkpoints if one.checkpoint.id not in gone]
        most, growth = self.policy.quota_checkpoints, self.policy.quota_growth
        if growth is not None and sum(one.size or 0 for one in stays) >= growth:
            return 0
        return None if most is None else max(0, most - len(stays) - self.holding.asked - self._taken)

    @property
    def limits(self) -> str:
        """`10 checkpoints, and 500 GB written since checkpoints`."""
        most, growth = self.policy.quota_checkpoints, self.policy.quota_growth
        many = "" if most is None else say_count(most, "checkpoint")
        much = "" if growth is None else f"{say_size(growth)} written since checkpoints"
        return ", and ".join(one for one in (many, much) if one)

    @property
    def used(self) -> str:
        """`10 checkpoints, 1 more asked for and not taken yet, 500 GB written since them`."""
        size = sum(one.size or 0 for one in self.holding.checkpoints)
        asked = self.holding.asked
        parts = [
            say_count(len(self.holding.checkpoints), "checkpoint"),
            f"{asked} more asked for and not taken yet" if asked else "",
            f"{say_size(size)} written since them" if size else "",
        ]
        return ", ".join(one for one in parts if one)


def check(context: Context, group: Group) -> None:
    """Leave out of the group what the person may not take any more."""
    if not context.policy.has_quota or not group.seen:
        return
    allowance = Allowance(context.policy, context.holding(context.policy.quota_growth is not None))
    if allowance.left is None or allowance.left >= len(group.seen):
        return
    allowance = Allowance(context.policy, context.holding(True))  # sizes say what to delete first
    if (left := allowance.left) is not None:
        group.at_most(left, _refusal(context, allowance, len(group.seen)))


def _refusal(context: Context, allowance: Allowance, wanted: int) -> UsageError:
    in_sight = {seen.vm.id for seen in context.fleet.known()}
    shown = [one for one in allowance.holding.checkpoints if one.seen.vm.id in in_sight]
    hidden = len(allowance.holding.checkpoints) - len(shown)
    first = sorted(shown, key=lambda one: (one.note.pinned, -(one.size or 0), one.checkpoint.created))
    told = [
        f"That is {wanted} more, and you have {allowance.used}: the settings allow an owner {allowance.limits}.",
        f"To delete first: {'; '.join(_told(context, one) for one in first[:MOST_NAMED])}." if first else "",
        f"{hidden} of yours {'is' if hidden == 1 else 'are'} on VMs that are not in sight here." if hidden else "",
    ]
    hint = f"All of yours: {typed('list', '--mine')}."
    if first:
        one = first[0]
        hint = f"Type {typed('delete', typeable(one.seen.vm), typeable(one.checkpoint))}. {hint}"
    return UsageError(" ".join(line for line in told if line), hint)


def _told(context: Context, one: Held) -> str:
    """`before-upgrade of web01 (12 days old, 60.0 GB written since, kept forever)`."""
    facts = [f"{age(one.checkpoint, context.now)} old"]
    if one.size is not None:
        facts.append(f"{say_size(one.size)} written since")
    if one.note.pinned:
        facts.append(f"kept {how_long(one.note)}")
    return f"{name(one.checkpoint.name)} of {name(one.seen.vm.name)} ({', '.join(facts)})"

"""Who could approve a change: whether there is anybody, and whom its card mentions."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice

from bot.people import access
from bot.people.directory import LookupFailed, NoSuchMember
from bot.people.identity import Gate, Refusal
from bot.settings import AccessSettings
from bot.settings.kinds import EVERYONE
from commands.base import Plan

MOST_MENTIONED = 3
"""People who are mentioned one by one."""


@dataclass(frozen=True, slots=True)
class Approvers:
    """The people whom every rule names that asks for an approval of a plan. Safe to use from many threads."""

    access: AccessSettings
    gate: Gate

    def check(self, plan: Plan, channel: str, *, but: Collection[str], why: str = "") -> None:
        """Raises `Refusal` where too few could approve what the people in `but` ask for. What the workspace does not
        tell is left to the approval itself. `why` is what the brake says, which asks for it without a rule."""
        count = access.needed(self.access, plan) or 1
        whose = f"{why} This needs the approval of {'a second person' if count == 1 else f'{count} others'}".strip()
        if channel.startswith("D"):
            raise Refusal(
                f"{whose}, and nobody but you sees this conversation. Ask in a channel that they and I are in: /invite "
                "brings me there.",
                "nobody who could approve it sees it",
            )
        try:
            named = self._named(self._rules(plan, channel, bool(why)))
            if named is None:
                return
            able = list(islice(self._able(plan, channel, set(named) - set(but)), count))
            if len(able) >= count:
                return
        except LookupFailed:
            return
        raise Refusal(
            f"{whose}, and {_why_nobody(set(named), set(but), len(able))}. Ask whoever keeps my settings.",
            "too few can approve it" if able else "nobody can approve it",
        )

    def mentioned(self, plan: Plan, channel: str, *, but: Collection[str], braked: bool = False) -> tuple[str, ...]:
        """The id of one user group, or those of up to three people; none where everybody may approve."""
        rules = [by for by in self._rules(plan, channel, braked) if EVERYONE not in by]
        groups = [one for one in (rules[0] if rules else ()) if one.startswith("S") and all(one in by for by in rules)]
        if groups:
            return (groups[0],)
        try:
            named = self._named(rules) or ()
            able = self._able(plan, channel, [one for one in named if one not in but])
            return tuple(one for one, _ in zip(able, range(MOST_MENTIONED), strict=False))
        except LookupFailed:
            return ()

    def _rules(self, plan: Plan, channel: str, braked: bool) -> list[tuple[str, ...]]:
        """Whom each rule names; for what the brake holds, who may do the same to each VM."""
        if not braked:
            return [tuple(rule.by) for rule in access.approvals(self.access, plan)]
        vms = dict.fromkeys((target.vm_name, target.host) for target in plan.targets)
        return [access.who_may(self.access, plan.action.right, vm, channel, host=host) for vm, host in vms]

    def _named(self, rules: Collection[tuple[str, ...]]) -> tuple[str, ...] | None:
        """The user ids that every rule names, in the order of the first; None where that is everybody. Raises
        `LookupFailed`."""
        named: tuple[str, ...] | None = None
        for by in rules:
            if EVERYONE not in by:
                people = tuple(self.gate.people(by))
                named = people if named is None else tuple(one for one in named if one in people)
        return None if named is None else tuple(dict.fromkeys(named))

    def _able(self, plan: Plan, channel: str, people: Collection[str]) -> Iterator[str]:
        """Those of them whom the gate would let approve. Who cannot be looked up now may be able to by then."""
        for one in people:
            try:
                person = self.gate.admit(one, self.gate.directory.team_id, channel)
            except Refusal as refusal:
                if refusal.passing and not isinstance(refusal.__cause__, NoSuchMember):
                    yield one
                continue
            if all(access.may(self.access, person, "view", t.vm_name, channel, host=t.host) for t in plan.targets):
                yield one


def _why_nobody(named: set[str], but: set[str], able: int) -> str:
    if able:
        return f"the settings name only {able} beside you who could give it"
    if not named:
        return "there is nobody in the group that the settings name for it"
    if named <= but:
        return "the settings name nobody but you who could give it"
    return "all whom the settings name have left, are guests, or may not see the VM here"

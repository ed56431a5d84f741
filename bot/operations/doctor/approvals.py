"""Looks at who can approve: whether there are enough for each VM of each rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from backends.base import VM
from bot.operations.doctor.findings import Check, broken, unseen, warning, works
from bot.operations.doctor.people import not_seen
from bot.people import access
from bot.people.directory import LookupFailed
from bot.people.identity import Gate, Refusal
from bot.settings import ApprovalSettings, Settings
from bot.settings.kinds import EVERYONE
from commands.base import Person
from commands.kit import patterns
from commands.kit.words import say_names


@dataclass(frozen=True, slots=True)
class Approvals:
    """Looks through the bot's own gate."""

    settings: Settings
    gate: Gate
    vms: Sequence[VM]
    hiding: Sequence[str] = ()
    """Hosts that may have more VMs than they showed."""

    def look(self, wrong: frozenset[str]) -> Iterator[Check]:
        """Whether there is somebody for each rule, for each of its VMs. `wrong` are the places whose ids are at fault
        already."""
        for number, rule in enumerate(self.settings.access.approvals):
            place = f"access.approvals.{number}"
            if all(f"{place}.by.{n}" in wrong for n in range(len(rule.by))):
                yield unseen(place, "None of those who may approve was found.")
                continue
            try:
                yield from self._approval(place, rule)
            except LookupFailed as failure:
                yield not_seen(place, failure) or unseen(place, f"{failure}.")

    def _approval(self, place: str, rule: ApprovalSettings) -> Iterator[Check]:
        vms = [vm for vm in self.vms if patterns.protects(rule.vms, vm.name, vm.host)]
        if EVERYONE in rule.by and any(EVERYONE in grant.to for grant in self.settings.access.grants):
            yield unseen(place, "Everybody with a grant can approve, and one is to everyone: they were not counted.")
            return
        able = self._able(rule)
        by_people: dict[tuple[str, ...], list[VM]] = {}
        for vm in vms:
            by_people.setdefault(tuple(one.id for one in able.of(vm)), []).append(vm)
        found = [check for ids, some in by_people.items() for check in self._enough(place, rule, able, ids, some)]
        if found:
            yield from found
        elif not vms or self.hiding:
            where = f" They may be on {say_names(self.hiding)}." if self.hiding else ""
            yield unseen(place, f"{'Not all' if vms else 'None'} of the VMs that it is about were seen.{where}")
        else:
            ids = {one for people in by_people for one in people}
            yield works(place, f"{say_names([one.name for one in able.known if one.id in ids])} can approve.")

    def _enough(
        self, place: str, rule: ApprovalSettings, able: _Able, ids: tuple[str, ...], vms: Sequence[VM]
    ) -> Iterator[Check]:
        """What is wrong where just these people, or these and more, can approve changes of the VMs."""
        of = f"a change of {say_names([vm.name for vm in vms])}"
        people = [one for one in able.known if one.id in ids]
        who = say_names([one.name for one in people])
        if not people:
            said = f"Nobody can approve {of}: none of {', '.join(rule.by)} is a full member who may see it."
            yield broken(place, said, "Name somebody who has a grant for these VMs too.")
        elif len(people) < rule.count:
            said = f"It asks for {rule.count} approvals, and only {who} can approve {of}."
            yield broken(place, said, "Name more people who have a grant for these VMs, or lower count:.")
        elif len(people) == rule.count and any(self._may_ask(one, rule, vms) for one in people):
            alone = "alone" if rule.count == 1 else "and nobody else"
            said = f"{who} {alone} can approve {of}, and nobody approves what they asked for themselves."
            yield warning(place, said, "Name one more person or group under by:.")

    def _able(self, rule: ApprovalSettings) -> _Able:
        return _Able(rule.count + 1, self._admitted(rule), lambda person, vm: self._may(person, "view", vm))

    def _admitted(self, rule: ApprovalSettings) -> Iterator[Person]:
        """Those of the rule whom the gate lets in. Raises `LookupFailed` where that is not known of one."""
        for user_id in self._people_of(rule):
            try:
                self.gate.check_standing(user_id)
                yield self.gate.admit(user_id, "", "")
            except Refusal as refusal:
                if isinstance(refusal.__cause__, LookupFailed):
                    raise refusal.__cause__ from None
            except LookupFailed as failure:
                if not_seen("", failure):
                    raise

    def _people_of(self, rule: ApprovalSettings) -> Iterator[str]:
        """Everyone stands for everyone who has a grant."""
        granted = (one for grant in self.settings.access.grants for one in grant.to)
        named = granted if EVERYONE in rule.by else rule.by
        seen = set[str]()
        for user_id in self.gate.people(named):
            if user_id not in seen:
                seen.add(user_id)
                yield user_id

    def _may_ask(self, person: Person, rule: ApprovalSettings, vms: Sequence[VM]) -> bool:
        return any(self._may(person, action, vm) for action in rule.actions for vm in vms)

    def _may(self, person: Person, action: str, vm: VM) -> bool:
        """In any channel."""
        rules = self.settings.access
        channels = {"", *(channel for grant in rules.grants for channel in grant.channels)}
        return any(access.may(rules, person, action, vm.name, channel, host=vm.host) for channel in channels)


@dataclass(slots=True)
class _Able:
    """Those who can approve, looked up no further than it takes: Slack answers some fifty such questions a minute."""

    most: int
    """So many are enough for a VM."""
    more: Iterator[Person]
    may_see: Callable[[Person, VM], bool]
    known: list[Person] = field(default_factory=list)

    def of(self, vm: VM) -> list[Person]:
        """Up to `most` of them who may see the VM. Raises `LookupFailed`."""
        found = [one for one in self.known if self.may_see(one, vm)]
        while len(found) < self.most and (one := next(self.more, None)):
            self.known.append(one)
            found += [one] if self.may_see(one, vm) else []
        return found[: self.most]

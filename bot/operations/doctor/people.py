"""Looks at whom the settings name: every channel, every id in grants and approvals, and who can approve."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from backends.base import VM
from bot.operations.doctor.findings import Check, State, broken, unseen, warning, works
from bot.people import access
from bot.people.directory import LookupFailed, ScopeMissing
from bot.people.identity import Gate, Refusal
from bot.settings import ApprovalSettings, Settings
from bot.settings.kinds import EVERYONE, ChannelId, Someone, is_channel
from bot.settings.walk import values
from bot.slack.directory import SlackDirectory
from commands.base import Person
from commands.kit import patterns
from commands.kit.words import say_names

NO_ID = "Correct the id, or take it out. An id is shown in the profile of a person, and in the address of a group."


@dataclass(slots=True)
class People:
    """Looks through the bot's own gate and directory."""

    settings: Settings
    directory: SlackDirectory
    vms: Sequence[VM] = ()
    gate: Gate = field(init=False)

    def __post_init__(self) -> None:
        self.gate = Gate(self.directory, self.settings.access)

    # ---------------------------------------------------------------- channels

    def channels(self) -> Iterator[Check]:
        """Every channel that any setting names."""
        head = self.settings.audit.head
        named = [("audit.head", head)] if is_channel(head) else []
        for place, channel in (*values(self.settings, ChannelId), *named):
            try:
                yield self._channel(place, channel)
            except LookupFailed as failure:
                yield _not_seen(place, failure) or broken(
                    place,
                    f"The bot does not see the channel {channel}.",
                    "Correct the id, or invite the bot there with /invite where the channel is private.",
                )

    def _channel(self, place: str, channel: str) -> Check:
        found = self.directory.channel(channel)
        name = f"#{found.name}" if found.name else channel
        if found.archived:
            return broken(place, f"{name} is archived.", "Name another channel, or bring it back.")
        if not found.is_member:
            mend = f"Type /invite @{self.directory.standing.name} in {name}."
            return broken(place, f"The bot is not in {name}, so it can post nothing there.", mend)
        if not self.gate.may_post(channel):
            mend = "Name another channel, or name this one under channels: of a grant."
            return broken(place, f"{name} is shared with another workspace, so the bot posts nothing there.", mend)
        return works(place, f"The bot is in {name}.")

    # ---------------------------------------------------------------- people and groups

    def ids(self) -> Iterator[Check]:
        """Every person and group that any setting names."""
        for place, someone in values(self.settings, Someone):
            if someone == EVERYONE:
                continue
            try:
                yield self._group(place, someone) if someone.startswith("S") else self._member(place, someone)
            except LookupFailed as failure:
                unknown = broken(place, f"The workspace has no user {someone}.", NO_ID)
                yield _not_seen(place, failure) or unknown

    def _member(self, place: str, user_id: str) -> Check:
        try:
            return works(place, f"{user_id} is {self.gate.check_standing(user_id).name}.")
        except Refusal as refusal:
            said = f"The bot lets {self.gate.name_of(user_id)} ({user_id}) do nothing: {refusal.cause}."
            return broken(place, said, "Take the id out, or name a full member of the workspace.")

    def _group(self, place: str, group_id: str) -> Check:
        members = self.directory.group_members(group_id)
        absent = self.directory.absent_group(group_id)
        if absent == "no_such_subteam":
            return broken(place, f"The workspace has no user group {group_id}, or it is switched off.", NO_ID)
        if absent:
            mend = "Name people by their own ids instead."
            return broken(place, f"This workspace has no user groups ({absent}), so {group_id} is nobody.", mend)
        if not members:
            return broken(place, f"The user group {group_id} has no members.", "Add members, or take it out.")
        return works(place, f"{group_id} has {len(members)} {'member' if len(members) == 1 else 'members'}.")

    # ---------------------------------------------------------------- who can approve

    def approvals(self, wrong: frozenset[str]) -> Iterator[Check]:
        """Whether there is somebody for each rule. `wrong` are the places whose ids are at fault already."""
        for number, rule in enumerate(self.settings.access.approvals):
            place = f"access.approvals.{number}"
            if all(f"{place}.by.{n}" in wrong for n in range(len(rule.by))):
                yield unseen(place, "None of those who may approve was found.")
                continue
            if EVERYONE in rule.by:
                yield works(place, "Everybody else who has a grant for these VMs can approve.")
                continue
            try:
                yield self._approval(place, rule)
            except LookupFailed as failure:
                yield _not_seen(place, failure) or unseen(place, f"{failure}.")

    def _approval(self, place: str, rule: ApprovalSettings) -> Check:
        able = list(islice(self._able(rule), rule.count + 1))
        if not able:
            said = (
                f"Nobody can approve: none of {', '.join(rule.by)} is a full member who may see {', '.join(rule.vms)}."
            )
            return broken(place, said, "Name somebody who has a grant for these VMs too.")
        if len(able) < rule.count:
            said = f"It asks for {rule.count} approvals, and only {say_names([p.name for p in able])} can approve."
            return broken(place, said, "Name more people who have a grant for these VMs, or lower count:.")
        if len(able) == rule.count and any(any(self._may_ask(one, rule)) for one in able):
            alone = "alone" if rule.count == 1 else "and nobody else"
            said = f"{say_names([p.name for p in able])} {alone} can approve, and nobody approves what they asked for "
            return warning(place, f"{said}themselves.", "Name one more person or group under by:.")
        return works(place, f"{say_names([one.name for one in able])} can approve.")

    def _able(self, rule: ApprovalSettings) -> Iterator[Person]:
        """Those of the rule whom the gate lets in, and who may see the VMs that it is about."""
        for user_id in dict.fromkeys(self._ids_of(rule)):
            try:
                self.gate.check_standing(user_id)
                person = self.gate.admit(user_id, "", "")
            except Refusal:
                continue
            except LookupFailed as failure:
                if _not_seen("", failure):
                    raise
                continue
            if all(self._may(person, "view", vm) for vm in self._vms(rule)):
                yield person

    def _ids_of(self, rule: ApprovalSettings) -> Iterator[str]:
        for one in rule.by:
            if one.startswith("S"):
                yield from sorted(self.directory.group_members(one))
            elif one != EVERYONE:
                yield one

    def _may_ask(self, person: Person, rule: ApprovalSettings) -> Iterator[bool]:
        return (self._may(person, action, vm) for action in rule.actions for vm in self._vms(rule))

    def _may(self, person: Person, action: str, vm: VM) -> bool:
        """In any channel."""
        rules = self.settings.access
        channels = {"", *(channel for grant in rules.grants for channel in grant.channels)}
        return any(access.may(rules, person, action, vm.name, channel, host=vm.host) for channel in channels)

    def _vms(self, rule: ApprovalSettings) -> list[VM]:
        return [vm for vm in self.vms if patterns.protects(rule.vms, vm.name, vm.host)]


def _not_seen(place: str, failure: LookupFailed) -> Check | None:
    """What could not be looked at for a reason that stands somewhere else. None where it is this very thing."""
    if not failure.lasting or isinstance(failure, ScopeMissing):
        return Check(place, State.UNSEEN, f"Slack did not say: {failure}.")
    return None

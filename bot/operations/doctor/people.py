"""Looks at whom the settings name: every channel, and every id of a person or a group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.operations.doctor.findings import Check, State, broken, works
from bot.people.directory import LookupFailed, NoSuchMember, ScopeMissing
from bot.people.identity import Gate, Refusal
from bot.settings import Settings
from bot.settings.kinds import EVERYONE, ChannelId, Someone, UserId, is_channel
from bot.settings.walk import values
from bot.slack.directory import SlackDirectory

NO_ID = "Correct the id, or take it out. An id is shown in the profile of a person, and in the address of a group."


@dataclass(slots=True)
class People:
    """Looks through the bot's own gate and directory."""

    settings: Settings
    directory: SlackDirectory
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
                yield self._hidden(place, channel, failure)

    def _hidden(self, place: str, channel: str, failure: LookupFailed) -> Check:
        named = any(channel in grant.channels for grant in self.settings.access.grants)
        if isinstance(failure, ScopeMissing) and failure.scope == "groups:read" and not named:
            mend = "Give the app the scope groups:read, or name the channel under channels: of a grant."
            return broken(place, f"{channel} is private: the bot may not look at it, and so posts nothing there.", mend)
        return not_seen(place, failure) or broken(
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
        for place, someone in (*values(self.settings, Someone), *values(self.settings, UserId)):
            if someone == EVERYONE:
                continue
            try:
                yield self._group(place, someone) if someone.startswith("S") else self._member(place, someone)
            except LookupFailed as failure:
                no_user = f"The workspace has no user {someone}"
                said = no_user if isinstance(failure, NoSuchMember) else f"{someone}: {failure}"
                yield not_seen(place, failure) or broken(place, f"{said}.", NO_ID)

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


def not_seen(place: str, failure: LookupFailed) -> Check | None:
    """What could not be looked at for a reason that stands somewhere else. None where it is this very thing."""
    if not failure.lasting or isinstance(failure, ScopeMissing):
        return Check(place, State.UNSEEN, f"Slack did not say: {failure}.")
    return None

"""The gate: a Slack user becomes a person, or is refused with a sentence that says why.

Everything in a payload is untrusted, and a question that the workspace does not answer is a no.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from backends.base import ExplainedError
from bot.people import access as permissions
from bot.people.directory import Directory, LookupFailed, Member, NoSuchMember, ScopeMissing
from bot.settings import AccessSettings
from commands.base import Person, is_person
from commands.kit.words import which_role

log = logging.getLogger(__name__)

RECENT = 5.0
"""Seconds. How old an answer may be by which something is let go. Slack answers some twenty questions about one kind of
thing a minute, so what comes close together asks once."""

MOST_KEEPERS = 3
"""People who are told what only the settings mend."""

_CHANNEL = re.compile(r"[CDG][A-Z0-9]{1,20}")


class Refusal(ExplainedError):
    """Somebody may not do this: nothing was changed."""

    def __init__(
        self,
        sentence: str,
        cause: str = "",
        *,
        passing: bool = False,
        rest: tuple[str, ...] = (),
        lacks_grant: bool = False,
    ) -> None:
        super().__init__(sentence, cause)
        self.lacks_grant = lacks_grant
        """A further grant would allow it."""
        self.passing = passing
        """The workspace did not answer, so that nobody can tell: it may be asked again later."""
        self.rest = rest
        """The names of those VMs that it would be allowed for."""
        self.recorded = False
        """It is in the ledger already, with what was asked for."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets full members of this workspace in who have a grant, and nobody else, whatever the grants say."""

    directory: Directory
    access: AccessSettings

    def admit(
        self, user_id: str, team_id: str, channel: str, *, change: bool = False, max_age: float | None = None
    ) -> Person:
        """The person behind `user_id`, who acts from the workspace `team_id` in `channel`. Raises `Refusal`.

        An empty `team_id` leaves it to the look-up to say where they belong, and an empty `channel` is a place that is
        none, as the Home tab. `change` also refuses in a channel shared with others, unless a grant names it.
        `max_age` is how many seconds old the workspace's answers about them may be; with 0 it is asked again.
        """
        if not is_person(user_id) or (channel and not _CHANNEL.fullmatch(channel)):
            raise Refusal(
                "I cannot tell who you are or where this came from.", f"malformed: {user_id!r} in {channel!r}"
            )
        try:
            member = self.directory.member(user_id, max_age=max_age)
            self._check_workspace(member, team_id)
            _check_standing(member)
            person = self._person(member, max_age=max_age)
            if change:
                self.admit_change(person, channel)
        except LookupFailed as failure:
            log.log(logging.WARNING if failure.lasting else logging.INFO, "%s was not let in: %s", user_id, failure)
            hint = "Tell whoever keeps my settings." if failure.lasting else "Try again in a minute."
            raise Refusal(
                f"Slack did not tell me who you are, so I cannot let you in now. {hint}",
                f"look-up failed: {failure}",
                passing=not failure.lasting,
            ) from failure
        return person

    def check_standing(self, user_id: str, *, max_age: float | None = None) -> Member:
        """Who that is, where they are a full member of this workspace, whatever they may do. Raises `Refusal`, and
        `LookupFailed`."""
        member = self.directory.member(user_id, max_age=max_age)
        self._check_workspace(member, "")
        _check_standing(member)
        return member

    def name_of(self, user_id: str) -> str:
        """What somebody is called, let in or not; their id where that is not known."""
        try:
            return self.directory.member(user_id).name if is_person(user_id) else user_id
        except LookupFailed:
            return user_id

    def has_left(self, user_id: str, *, max_age: float | None = None) -> bool:
        """Whether somebody who could act through the bot once can no more: they left, became a guest, or have no grant
        left. What the workspace does not tell is no reason to say so."""
        try:
            member = self.directory.member(user_id, max_age=max_age)
            _check_standing(member)
            groups = self._groups(user_id, max_age=max_age)
        except (NoSuchMember, Refusal):
            return True
        except LookupFailed as failure:
            log.info("whether %s is still there is not known: %s", user_id, failure)
            return False
        return not permissions.has_any(self.access, Person(member.id, member.name, groups))

    def _check_workspace(self, member: Member, team_id: str) -> None:
        """Both the payload and the look-up must place them here; somebody of the same organisation may act from another
        of its workspaces that they belong to."""
        home = self.directory.team_id
        belongs = {member.team_id, *member.other_team_ids} - {""}
        claims = {team_id} - {"", home}
        if home not in (belongs or {team_id}) or not claims <= belongs:
            raise Refusal(
                "You belong to another workspace. I answer only to members of the one I am installed in.",
                f"of another workspace: {', '.join(sorted(belongs | claims)) or 'none is known'}",
            )

    def _groups(self, user_id: str, *, max_age: float | None) -> frozenset[str]:
        """Those of the groups that the settings name, since no others matter. Only those that they were in lately are
        asked for anew: who is in none makes the bot ask nothing. Raises `ScopeMissing`."""
        lately = [group for group in self.access.groups if user_id in self.directory.group_members(group)]
        if max_age is None:
            return frozenset(lately)
        return frozenset(group for group in lately if user_id in self.directory.group_members(group, max_age=max_age))

    def _person(self, member: Member, *, max_age: float | None) -> Person:
        """Where the bot may not read groups, what is granted to people by their own ids holds all the same."""
        try:
            person = Person(member.id, member.name, self._groups(member.id, max_age=max_age), member.zone)
        except ScopeMissing as missing:
            person = Person(member.id, member.name, zone=member.zone)
            if not permissions.has_any(self.access, person):
                raise Refusal(
                    "Slack does not let me read user groups, so no grant to a group holds. Tell whoever keeps my "
                    f"settings: {missing}.",
                    f"no grant by id, and groups cannot be read: {missing}",
                ) from missing
        self._check_grants(person)
        return person

    def _check_grants(self, person: Person) -> None:
        if not permissions.has_any(self.access, person):
            who = "" if self.access.ask else " Ask whoever keeps my settings for one."
            role = which_role(permissions.roles_with(self.access, "view"), would="let you look")
            raise Refusal(
                f"No grant gives you anything here. {role}{who} Your id is {person.id}.", "no grant", lacks_grant=True
            )

    def admit_change(self, person: Person, channel: str) -> None:
        """Whether somebody who was let in may change something from `channel`. Raises `Refusal`.

        Direct messages are let through: the person has been checked, and the bot has nobody else's there."""
        if permissions.names_channel(self.access, person, channel):
            return
        match self._strangers_in(channel):
            case None:
                return
            case LookupFailed() as failure:
                raise Refusal(
                    "I cannot see this channel, so I change nothing from here. Invite me with /invite, then try again.",
                    f"look-up of channel failed: {failure}",
                    passing=not failure.lasting,
                ) from failure
            case _:
                raise Refusal(
                    "This channel is shared with another workspace, so I change nothing from here. Use another "
                    "channel, or ask for a grant that names this one.",
                    "externally shared channel",
                )

    def is_at_home_in(self, channel: str, person: Person) -> bool:
        """Whether somebody may have what is granted to them in a channel that they only named: a grant that names it is
        for those who are there. Raises `LookupFailed`."""
        granted = permissions.names_channel(self.access, person, channel)
        return not granted or person.id in self.directory.channel_members(channel)

    def may_show(self, channel: str, person: Person) -> bool:
        """Whether `person` may show what the fleet is like to all who read in `channel`. What may not be changed from
        there is not shown there either."""
        return permissions.names_channel(self.access, person, channel) or self._strangers_in(channel) is None

    def may_post(self, channel: str) -> bool:
        """The same for what nobody asked for: a grant to anybody that names the channel will do. Raises
        `LookupFailed`."""
        if any(channel in grant.channels for grant in self.access.grants):
            return True
        strangers = self._strangers_in(channel)
        if isinstance(strangers, LookupFailed):
            raise strangers
        return strangers is None

    def keepers(self) -> tuple[str, ...]:
        """Up to `MOST_KEEPERS` people whom the settings name to ask, by their user ids. Raises `LookupFailed`."""
        return tuple(islice(dict.fromkeys(self.people(self.access.ask)), MOST_KEEPERS))

    def people(self, ids: Iterable[str]) -> Iterator[str]:
        """Those whom ids of users and user groups name, by their user ids. Raises `LookupFailed`."""
        for one in ids:
            yield from sorted(self.directory.group_members(one)) if one.startswith("S") else (one,)

    def _strangers_in(self, channel: str) -> LookupFailed | str | None:
        """Whether people of another workspace read in `channel`, or why that is not known; None where they do not."""
        if not channel or channel.startswith("D"):
            return None
        try:
            return "shared" if self.directory.channel(channel).externally_shared else None
        except LookupFailed as failure:
            return failure


def _check_standing(member: Member) -> None:
    """Only people, active, and full members."""
    reasons = (
        (member.is_stranger, "You are not a member of this workspace, so I cannot act for you.", "stranger"),
        (member.deleted, "Your account is deactivated, so I cannot act for you.", "deactivated"),
        (member.is_bot, "I take no commands from other bots.", "bot"),
        (
            member.is_restricted or member.is_ultra_restricted,
            "You are a guest in this workspace, and guests cannot use me. Ask a full member.",
            "guest",
        ),
    )
    for holds, sentence, why in reasons:
        if holds:
            raise Refusal(sentence, why)

"""Who and what is in the pretend workspace: people, user groups, channels and the app, found by id or by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.sandbox.app import Shortcut, SlackApp, SlashCommand
from bot.sandbox.channel import Channel
from bot.sandbox.errors import SandboxError
from bot.sandbox.made import CREATED
from bot.sandbox.shapes import Json
from bot.sandbox.user import User, UserGroup

__all__ = ["CREATED", "Channel", "Shortcut", "SlackApp", "SlashCommand", "Team", "User", "UserGroup", "Workspace"]


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str

    def as_slack(self) -> Json:
        return {"id": self.id, "name": self.name, "domain": self.domain}


@dataclass
class Workspace:
    """All of it, looked up by id or by the names that people use."""

    team: Team
    other_teams: list[Team] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, UserGroup] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    app: SlackApp = field(default_factory=SlackApp)
    has_user_groups: bool = True
    """False on a free plan: then every usergroups method answers plan_upgrade_required."""

    @classmethod
    def of(
        cls,
        team: Team,
        *,
        users: Iterable[User],
        channels: Iterable[Channel],
        groups: Iterable[UserGroup] = (),
        other_teams: Iterable[Team] = (),
        app: SlackApp | None = None,
    ) -> Workspace:
        """A workspace with the app installed: its bot user is added."""
        app = app or SlackApp()
        bot = User(app.bot_user_id, app.bot_name, app.name, team.id, is_bot=True)
        return cls(
            team,
            list(other_teams),
            {user.id: user for user in (*users, bot)},
            {group.id: group for group in groups},
            {channel.id: channel for channel in channels},
            app,
        )

    def user(self, who: str) -> User:
        """By id, or by name with or without @. Raises `SandboxError`."""
        name = who.removeprefix("@")
        for user in self.users.values():
            if name in (user.id, user.name):
                return user
        raise SandboxError(f"There is no user {who}.")

    def channel(self, where: str, person: User) -> Channel:
        """By id, or by name with or without #; `@` and the bot's name is the person's direct message with it.

        Raises `SandboxError`.
        """
        if where in (f"@{self.app.bot_name}", self.app.bot_user_id):
            return self.direct(person.id)
        for channel in self.channels.values():
            if where.removeprefix("#") in (channel.id, channel.name):
                return channel
        raise SandboxError(f"There is no channel {where}.")

    def group(self, which: str) -> UserGroup:
        """By id or handle. Raises `SandboxError`."""
        for group in self.groups.values():
            if which.removeprefix("@") in (group.id, group.handle):
                return group
        raise SandboxError(f"There is no user group {which}.")

    def direct(self, user_id: str) -> Channel:
        """The direct message between a person and the bot, opened when it is first needed."""
        channel_id = "D" + user_id[1:]
        if channel_id not in self.channels:
            members = [user_id, self.app.bot_user_id]
            self.channels[channel_id] = Channel(channel_id, "directmessage", members, is_im=True, is_private=True)
        return self.channels[channel_id]

    def team_of(self, team_id: str) -> Team:
        """Raises `SandboxError`."""
        for team in (self.team, *self.other_teams):
            if team.id == team_id:
                return team
        raise SandboxError(f"There is no workspace {team_id}.")

"""Who and what is in the pretend workspace: people, user groups, channels and the app, as Slack describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.sandbox.errors import SandboxError
from bot.sandbox.shapes import Json

CREATED = 1_735_689_600
"""When everything in the workspace was made: 2025-01-01, in Unix seconds."""
AVATARS = "https://avatars.invalid"
"""Where pictures of people would be. The page draws initials instead and loads nothing."""


@dataclass(frozen=True, slots=True)
class Team:
    """A workspace."""

    id: str
    name: str
    domain: str

    def as_slack(self) -> Json:
        return {"id": self.id, "name": self.name, "domain": self.domain}


@dataclass(slots=True)
class User:
    """A person or a bot. The flags may be changed while the sandbox runs."""

    id: str
    name: str
    real_name: str
    team_id: str
    title: str = ""
    deleted: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    tz: str = "Europe/Paris"
    locale: str = "en-US"

    def as_slack(self, now: float = CREATED, *, locale: bool = False) -> Json:
        """As users.info shows it to an app without `users:read.email`: a deactivated user has no roles."""
        shown: Json = {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "deleted": self.deleted,
            "real_name": self.real_name,
            "color": self._hash[:6],
            "profile": self._profile(),
            "is_bot": self.is_bot,
            "is_app_user": False,
            "updated": CREATED,
        }
        if self.is_stranger:
            shown["is_stranger"] = True
        if locale:
            shown["locale"] = self.locale
        if not self.deleted:
            shown |= {
                "tz": self.tz,
                **_zone(self.tz, now),
                "is_admin": self.is_admin,
                "is_owner": self.is_owner,
                "is_primary_owner": self.is_owner,
                "is_restricted": self.is_restricted,
                "is_ultra_restricted": self.is_ultra_restricted,
                "is_email_confirmed": not self.is_bot,
                "who_can_share_contact_card": "EVERYONE",
            }
        return shown

    def _profile(self) -> Json:
        pictures = {f"image_{size}": f"{AVATARS}/{self._hash}_{size}.png" for size in (24, 32, 48, 72, 192, 512)}
        first, _, last = self.real_name.partition(" ")
        return {
            "title": self.title,
            "phone": "",
            "skype": "",
            "real_name": self.real_name,
            "real_name_normalized": self.real_name,
            "display_name": self.name,
            "display_name_normalized": self.name,
            "fields": None,
            "status_text": "",
            "status_emoji": "",
            "status_emoji_display_info": [],
            "status_expiration": 0,
            "status_text_canonical": "",
            "avatar_hash": f"g{self._hash}",
            "first_name": first,
            "last_name": last,
            **pictures,
            "team": self.team_id,
        }

    @property
    def _hash(self) -> str:
        return hashlib.sha256(self.id.encode()).hexdigest()[:11]


def _zone(name: str, now: float) -> Json:
    """The name of a zone and its offset in seconds, as they are now."""
    here = datetime.fromtimestamp(now, ZoneInfo(name))
    offset = here.utcoffset() or timedelta()
    return {"tz_label": here.tzname() or name, "tz_offset": int(offset.total_seconds())}


@dataclass(slots=True)
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False

    def as_slack(self, team: str, *, users: bool, count: bool) -> Json:
        shown: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "is_subteam": True,
            "name": self.name,
            "description": "",
            "handle": self.handle,
            "is_external": False,
            "date_create": CREATED,
            "date_update": CREATED,
            "date_delete": CREATED if self.disabled else 0,
            "auto_type": None,
            "auto_provision": False,
            "enterprise_subteam_id": "",
            "created_by": "",
            "updated_by": "",
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "user_count": len(self.users),
        }
        if users:
            shown["users"] = list(self.users)
        if not count:
            del shown["user_count"]
        return shown


@dataclass(slots=True)
class Channel:
    """A channel, or a direct message with the bot (then `is_im`, and the other member is the person)."""

    id: str
    name: str
    members: list[str]
    topic: str = ""
    topic_by: str = ""
    topic_at: int = 0
    purpose: str = ""
    purpose_by: str = ""
    purpose_at: int = 0
    is_private: bool = False
    is_im: bool = False
    is_archived: bool = False
    shared_with: tuple[str, ...] = ()
    """Ids of other workspaces that share it (Slack Connect)."""
    pending_shared_with: tuple[str, ...] = ()
    """Ids of other workspaces that are invited and have not accepted yet."""

    @property
    def kind(self) -> str:
        """The prefix of the scope that reads it: `channels`, `groups` or `im`."""
        return "im" if self.is_im else "groups" if self.is_private else "channels"

    def as_slack(self, team: str, bot: str) -> Json:
        """As conversations.info shows it to the bot."""
        if self.is_im:
            return {
                "id": self.id,
                "created": CREATED,
                "is_archived": False,
                "is_im": True,
                "is_org_shared": False,
                "context_team_id": team,
                "updated": CREATED * 1000,
                "user": next((user for user in self.members if user != bot), bot),
                "is_user_deleted": False,
                "priority": 0,
            }
        external = bool(self.shared_with)
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.is_private,
            "is_archived": self.is_archived,
            "is_general": self.name == "general",
            "is_shared": external,
            "is_ext_shared": external,
            "is_org_shared": False,
            "is_pending_ext_shared": bool(self.pending_shared_with),
            "pending_shared": list(self.pending_shared_with),
            "pending_connected_team_ids": list(self.pending_shared_with),
            "shared_team_ids": [team, *self.shared_with],
            "context_team_id": team,
            "is_member": bot in self.members,
            "created": CREATED,
            "creator": self.members[0] if self.members else "",
            "unlinked": 0,
            "updated": CREATED * 1000,
            "parent_conversation": None,
            "topic": {"value": self.topic, "creator": self.topic_by, "last_set": self.topic_at},
            "purpose": {"value": self.purpose, "creator": self.purpose_by, "last_set": self.purpose_at},
            "previous_names": [],
        }


@dataclass(frozen=True, slots=True)
class SlashCommand:
    command: str
    description: str = ""
    usage_hint: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    name: str
    callback_id: str
    type: str = "global"
    """`global` or `message`."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SlackApp:
    """The app as it is installed: what its manifest asked for."""

    id: str = "A0CHECKPT"
    name: str = "Checkpoint Bot"
    bot_id: str = "B0CHECKPT"
    bot_user_id: str = "U0CHECKPT"
    bot_name: str = "checkpoint"
    commands: tuple[SlashCommand, ...] = (
        SlashCommand("/checkpoint", "Hyper-V checkpoints", "<vm> [name] | list | apply <vm> <checkpoint> | help"),
    )
    scopes: tuple[str, ...] = (
        "commands",
        "chat:write",
        "chat:write.customize",
        "users:read",
        "usergroups:read",
        "channels:read",
        "groups:read",
        "im:write",
        "files:write",
    )
    events: tuple[str, ...] = ("app_home_opened", "subteam_members_changed")
    """The bot events that it subscribed to."""
    shortcuts: tuple[Shortcut, ...] = ()
    has_home: bool = True
    """Whether its Home tab is switched on; otherwise views.publish answers not_enabled."""

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Json]) -> SlackApp:
        """The app that a manifest (version 1, as parsed from YAML or JSON) describes."""
        features, settings = manifest.get("features", {}), manifest.get("settings", {})
        return cls(
            name=manifest["display_information"]["name"],
            bot_name=features.get("bot_user", {}).get("display_name", "checkpoint").lower().replace(" ", "-"),
            commands=tuple(
                SlashCommand(one["command"], one.get("description", ""), one.get("usage_hint", ""))
                for one in features.get("slash_commands", [])
            ),
            has_home=bool(features.get("app_home", {}).get("home_tab_enabled", False)),
            shortcuts=tuple(
                Shortcut(one["name"], one["callback_id"], one.get("type", "global"), one.get("description", ""))
                for one in features.get("shortcuts", [])
            ),
            scopes=tuple(manifest["oauth_config"]["scopes"]["bot"]),
            events=tuple(settings.get("event_subscriptions", {}).get("bot_events", [])),
        )


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

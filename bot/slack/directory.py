"""Who and what is in the workspace, asked from Slack and kept for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.web import SlackResponse

from bot.people.directory import Channel, LookupFailed, Member, NoSuchMember, ScopeMissing
from bot.slack.cache import Cache
from bot.slack.web import WEB_ERRORS, error_code, missing_scope

KEEP_MEMBERS, KEEP_GROUPS, KEEP_CHANNELS = 60.0, 300.0, 60.0
"""Seconds. What was allowed by an answer is allowed no longer than this after it was asked for."""

PAGE = 1000
"""Members of a channel that Slack tells at once, at the most."""

_log = logging.getLogger(__name__)

_PROBLEMS = {
    "invalid_auth": "Slack does not know the bot token",
    "not_authed": "no bot token is set",
    "account_inactive": "the bot token belongs to an app that was removed",
    "token_revoked": "the bot token was revoked",
    "token_expired": "the bot token has expired",
    "not_allowed_token_type": "the bot token is of the wrong kind: it starts with xoxb-",
    "channel_not_found": "the bot cannot see that channel: invite it",
    "user_not_found": "the workspace has no such user",
    "user_not_visible": "the bot may not see that user",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Who the bot is in its workspace."""

    team_id: str
    team: str
    name: str
    """Of the bot's user, as people address it."""
    bot_id: str
    scopes: frozenset[str]
    """What its token may do. Empty where the server does not say (`x-oauth-scopes`)."""


@dataclass(frozen=True, slots=True)
class _Group:
    members: frozenset[str] = frozenset()
    absent: str = ""
    """Slack's word for why there is no such group."""
    lacks: str = ""
    """The scope without which Slack does not say. It is kept as an answer is: each question counts."""


class SlackDirectory:
    """The `Directory` over Slack's Web API. `client` may be one that repeats reads: see `bot.slack.web`."""

    def __init__(self, client: WebClient, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._standing: Cache[Standing] = Cache(float("inf"), clock)
        self._members: Cache[Member] = Cache(KEEP_MEMBERS, clock)
        self._groups: Cache[_Group] = Cache(KEEP_GROUPS, clock)
        self._channels: Cache[Channel] = Cache(KEEP_CHANNELS, clock)
        self._in_channels: Cache[frozenset[str]] = Cache(KEEP_CHANNELS, clock)
        self._said: set[str] = set()
        """Scopes that the log has named."""

    @property
    def team_id(self) -> str:
        """The workspace that the bot is installed in, asked once. Raises `LookupFailed`; read it at start, so that a
        token that does not work is found out then."""
        return self.standing.team_id

    @property
    def standing(self) -> Standing:
        """Who the bot is there, asked once. Raises `LookupFailed`."""
        return self._standing.get("team", self._ask_standing)

    def app_id(self) -> str:
        """The app that the bot token belongs to. Raises `LookupFailed`."""
        asked = _call(lambda: self._client.bots_info(bot=self.standing.bot_id))
        return _text(_part(asked, "bots.info", "bot"), "app_id")

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        """A user. Raises `LookupFailed`, for an unknown one too."""
        return self._members.get(user_id, lambda: self._ask_member(user_id), max_age=max_age)

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        """The user ids in a user group. Empty when there is no such group, or when the workspace has none at all: its
        plan has no user groups (`plan_upgrade_required`), or the server does not know the method."""
        return self._group(group_id, max_age).members

    def absent_group(self, group_id: str) -> str:
        """Slack's word for why there is no such group; empty where there is one."""
        return self._group(group_id).absent

    def _group(self, group_id: str, max_age: float | None = None) -> _Group:
        group = self._groups.get(group_id, lambda: self._ask_group(group_id), max_age=max_age)
        if not group.lacks:
            return group
        missing = ScopeMissing(group.lacks)
        if missing.scope not in self._said:
            self._said.add(missing.scope)
            _log.error("No grant to a user group holds: %s", missing)
        raise missing

    def channel(self, channel_id: str) -> Channel:
        """A channel. Direct messages are not looked up: nobody else is in them.

        Slack itself never answers `unknown_method` to conversations.info. A server that does has no shared channels,
        so the channel counts as not shared.
        """
        if channel_id.startswith("D"):
            return Channel(channel_id)
        return self._channels.get(channel_id, lambda: self._ask_channel(channel_id))

    def channel_members(self, channel_id: str) -> frozenset[str]:
        """The user ids of those who are in a channel. Raises `LookupFailed`."""
        return self._in_channels.get(channel_id, lambda: frozenset(self._ask_channel_members(channel_id)))

    def _ask_standing(self) -> Standing:
        scopes: list[str] = []

        def ask() -> SlackResponse:
            answer = self._client.auth_test()
            said = {name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes", "")
            scopes.extend(",".join([said] if isinstance(said, str) else said).replace(" ", "").split(","))
            return answer

        said = _call(ask)
        return Standing(
            team_id=_required(said, "auth.test", "team_id"),
            team=_text(said, "team"),
            name=_text(said, "user"),
            bot_id=_text(said, "bot_id"),
            scopes=frozenset(scopes) - {""},
        )

    def _ask_member(self, user_id: str) -> Member:
        user = _part(_call(lambda: self._client.users_info(user=user_id)), "users.info", "user")
        return Member(
            id=_required(user, "users.info", "id"),
            name=_name(user),
            team_id=_text(user, "team_id"),
            other_team_ids=_texts(_mapping(user.get("enterprise_user")).get("teams")),
            deleted=bool(user.get("deleted")),
            is_bot=bool(user.get("is_bot")) or user_id == "USLACKBOT",
            is_restricted=bool(user.get("is_restricted")),
            is_ultra_restricted=bool(user.get("is_ultra_restricted")),
            is_stranger=bool(user.get("is_stranger")),
            zone=_text(user, "tz"),
        )

    def _ask_group(self, group_id: str) -> _Group:
        absent = ("plan_upgrade_required", "no_such_subteam", "unknown_method")
        try:
            answer = _call(lambda: self._client.usergroups_users_list(usergroup=group_id), absent=absent)
        except ScopeMissing as missing:
            return _Group(lacks=missing.scope)
        return _Group(_texts(answer.get("users")), _text(answer, "absent"))

    def _ask_channel(self, channel_id: str) -> Channel:
        answer = _call(lambda: self._client.conversations_info(channel=channel_id), absent=("unknown_method",))
        if "absent" in answer:
            return Channel(channel_id)
        found = _part(answer, "conversations.info", "channel")
        return Channel(
            channel_id,
            _text(found, "name"),
            _externally_shared(found),
            archived=bool(found.get("is_archived")),
            is_member=found.get("is_member") is not False,
        )

    def _ask_channel_members(self, channel_id: str) -> Iterator[str]:
        """A page at a time."""
        cursor = ""
        while True:
            page = partial(self._client.conversations_members, channel=channel_id, limit=PAGE, cursor=cursor)
            answer = _call(page)
            yield from _texts(answer.get("members"))
            cursor = _text(_mapping(answer.get("response_metadata")), "next_cursor")
            if not cursor:
                return


def _externally_shared(channel: Mapping[str, object]) -> bool:
    """Shared with another organisation, or about to be. `is_org_shared` is among the workspaces of one organisation and
    `is_shared` says that it is one or the other."""
    if any(channel.get(key) for key in ("is_ext_shared", "is_pending_ext_shared", "pending_connected_team_ids")):
        return True
    return bool(channel.get("is_shared")) and not channel.get("is_org_shared")


def _call(ask: Callable[[], SlackResponse], absent: tuple[str, ...] = ()) -> Mapping[str, object]:
    """The answer of one call; the code alone, as `absent`, for an error in `absent`. Raises `LookupFailed`."""
    try:
        data = ask().data
    except SlackApiError as error:
        code = error_code(error)
        if code in absent:
            return {"absent": code}
        if scope := missing_scope(error):
            raise ScopeMissing(scope) from error
        failed = NoSuchMember if code == "user_not_found" else LookupFailed
        raise failed(f"{_PROBLEMS.get(code, 'Slack gave no answer')} ({code})", lasting=code in _PROBLEMS) from error
    except WEB_ERRORS as error:
        raise LookupFailed(f"Slack could not be reached ({error_code(error)})") from error
    if not isinstance(data, Mapping):
        raise LookupFailed("Slack gave an answer that is no object")
    return data


def _part(answer: Mapping[str, object], method: str, key: str) -> Mapping[str, object]:
    value = answer.get(key)
    if not isinstance(value, Mapping):
        raise LookupFailed(f"{method} gave no {key}")
    return value


def _required(answer: Mapping[str, object], method: str, key: str) -> str:
    value = _text(answer, key)
    if not value:
        raise LookupFailed(f"{method} gave no {key}")
    return value


def _name(user: Mapping[str, object]) -> str:
    """What people call them: their display name, else their full name, else the handle."""
    profile = _mapping(user.get("profile"))
    names = (_text(profile, "display_name"), _text(user, "real_name"), _text(profile, "real_name"), _text(user, "name"))
    return next((name for name in names if name.strip()), _text(user, "id"))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _text(answer: Mapping[str, object], key: str) -> str:
    value = answer.get(key)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> frozenset[str]:
    return frozenset(item for item in value if isinstance(item, str)) if isinstance(value, list) else frozenset()

"""The seam to whoever knows the workspace: its members, user groups and channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bot.messages import WorkspaceError


@dataclass(frozen=True, slots=True)
class Member:
    """A user as the workspace shows it."""

    id: str
    name: str
    team_id: str
    other_team_ids: frozenset[str] = frozenset()
    """Further workspaces of the same organisation that the user belongs to (Enterprise Grid)."""
    deleted: bool = False
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    zone: str = ""
    """Their time zone, as `Europe/Berlin`; empty where the workspace does not say."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as far as it matters for what may be done in it."""

    id: str
    name: str = ""
    externally_shared: bool = False
    """Shared with another workspace (Slack Connect), or about to be."""
    archived: bool = False
    is_member: bool = True
    """The bot is in it."""


class Directory(Protocol):
    """Looks things up, and keeps answers for a while. Safe to use from many threads.

    Every method raises `LookupFailed` when the workspace gives no answer: then nothing may be allowed.
    """

    @property
    def team_id(self) -> str:
        """The workspace that the bot is installed in."""

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        """`max_age` is how many seconds old an answer that was kept may be at most; with 0 it is asked again."""

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        """The user ids in a user group; empty where the plan of the workspace has no user groups."""

    def channel(self, channel_id: str) -> Channel: ...

    def channel_members(self, channel_id: str) -> frozenset[str]:
        """The user ids of those who are in a channel."""


class LookupFailed(WorkspaceError):
    """Nothing could be learned of a person, group or channel; the workspace's error code is in the text."""


class NoSuchMember(LookupFailed):
    """The workspace has no such user, or has one no more."""


class ScopeMissing(LookupFailed):
    """The workspace does not let the bot ask that. `scope` is what its token lacks."""

    def __init__(self, scope: str) -> None:
        super().__init__(
            f"the bot token lacks the scope {scope}: add it, and install the app again (missing_scope)", lasting=True
        )
        self.scope = scope

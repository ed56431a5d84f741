"""Channels and direct messages, as Slack describes them."""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.made import CREATED
from bot.sandbox.shapes import Json


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

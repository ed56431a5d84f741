"""Slack as far as the bot's core sees it, in memory: who there is, and what stands in the channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from threading import Lock

from bot.messages import AnnouncerError, MessageRef, Origin
from bot.people.directory import Channel, LookupFailed, Member
from commands.base import Actions, Item, Reply

TEAM, CHANNEL, ADMINS = "T0HOME", "C0OPS", "S0ADMINS"
ADA, OLAF, VERA, GUS = "UADA", "UOLAF", "UVERA", "UGUS"


@dataclass
class People:
    """The `Directory`: two administrators, somebody who may look, and a guest."""

    admins: frozenset[str] = frozenset({ADA, OLAF})
    members: dict[str, Member] = field(
        default_factory=lambda: {
            ADA: Member(ADA, "ada", TEAM),
            OLAF: Member(OLAF, "olaf", TEAM),
            VERA: Member(VERA, "vera", TEAM),
            GUS: Member(GUS, "gus", TEAM, is_restricted=True),
        }
    )

    @property
    def team_id(self) -> str:
        return TEAM

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        if user_id not in self.members:
            raise LookupFailed("user_not_found")
        return self.members[user_id]

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        return self.admins if group_id == ADMINS else frozenset()

    def channel(self, channel_id: str) -> Channel:
        return Channel(channel_id)

    def deactivate(self, user_id: str, deleted: bool = True) -> None:
        self.members[user_id] = replace(self.members[user_id], deleted=deleted)


@dataclass
class Room:
    """The `Announcer`: keeps what was posted, as it stands now."""

    messages: dict[MessageRef, Reply] = field(default_factory=dict)
    whispers: list[Reply] = field(default_factory=list)
    refuses: int = 0
    """So many of the next posts and updates fail."""
    _lock: Lock = field(default_factory=Lock)

    def post(self, origin: Origin, message: Reply) -> MessageRef:
        with self._lock:
            self._refuse()
            ref = MessageRef(origin.channel, f"{len(self.messages) + 1}.0")
            self.messages[ref] = message
        return ref

    def update(self, ref: MessageRef, message: Reply) -> None:
        with self._lock:
            self._refuse()
            self.messages[ref] = message

    def whisper(self, origin: Origin, message: Reply) -> None:
        with self._lock:
            self.whispers.append(message)

    def _refuse(self) -> None:
        if self.refuses:
            self.refuses -= 1
            raise AnnouncerError("Slack is away")


def buttons(message: Reply) -> Iterator[str]:
    """The actions that a message offers."""
    for part in message.parts:
        if isinstance(part, Actions | Item):
            yield from (button.action for button in part.buttons)

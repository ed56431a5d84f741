"""Who there is: two who may do everything, one who may look, and a guest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from bot.people.directory import Channel, LookupFailed, Member, NoSuchMember
from commands.base import Person

TEAM, CHANNEL, SHARED, ELSEWHERE = "T0", "C0OPS", "C0SHARED", "C0ELSE"
ADA, BOB, EVE, GUEST = "U0ADA", "U0BOB", "U0EVE", "U0GUEST"
ADMINS = "S0ADMINS"


@dataclass
class People:
    """The `Directory` of their workspace. Ada and Bob are the administrators; Eve and the guest are in no group."""

    members: dict[str, Member] = field(
        default_factory=lambda: {
            ADA: Member(ADA, "ada", TEAM),
            BOB: Member(BOB, "bob", TEAM),
            EVE: Member(EVE, "eve", TEAM),
            GUEST: Member(GUEST, "gus", TEAM, is_restricted=True),
        }
    )
    admins: frozenset[str] = frozenset({ADA, BOB})
    out_of_order: bool = False
    outside: frozenset[str] = frozenset()
    """Who is in no channel."""

    @property
    def team_id(self) -> str:
        return TEAM

    def member(self, user_id: str, *, max_age: float | None = None) -> Member:
        if self.out_of_order:
            raise LookupFailed("fatal_error")
        if user_id not in self.members:
            raise NoSuchMember("user_not_found")
        return self.members[user_id]

    def group_members(self, group_id: str, *, max_age: float | None = None) -> frozenset[str]:
        return self.admins if group_id == ADMINS else frozenset()

    def channel(self, channel_id: str) -> Channel:
        return Channel(channel_id, externally_shared=channel_id == SHARED)

    def channel_members(self, channel_id: str) -> frozenset[str]:
        return frozenset(self.members) - self.outside

    def deactivate(self, user_id: str, deleted: bool = True) -> None:
        self.members[user_id] = replace(self.members[user_id], deleted=deleted)

    def person(self, user_id: str) -> Person:
        return Person(user_id, self.members[user_id].name)

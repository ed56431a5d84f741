"""What a digest's channels hear between digests: that a host went away, and that it is back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.fleet.inventory import Inventory
from bot.messages import Announcer, AnnouncerError, Origin
from bot.people.directory import LookupFailed
from commands.base import HostStatus, Reply, say
from commands.kit.words import say_names, say_span

log = logging.getLogger(__name__)

AFTER = timedelta(minutes=10)
"""How long a host does not answer before that is news: a restart after updates is over by then."""


@dataclass(slots=True)
class HostNotices:
    """One message when hosts went away, one when they are back. For one thread; what was told is kept in memory, so a
    host that is still away after a restart of the bot is told again."""

    channels: Sequence[str]
    inventory: Inventory
    announcer: Announcer
    clock: Callable[[], datetime]
    shown_in: Callable[[str], bool] = lambda _channel: True
    """Whether what the fleet is like may be shown in a channel."""
    after: timedelta = AFTER
    _away: dict[str, datetime] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def look(self) -> None:
        """To be called after each look at the fleet."""
        now = self.clock()
        hosts = self.inventory.hosts()
        for host in hosts:
            if not host.reachable:
                self._away.setdefault(host.name, now)
        gone = [h for h in hosts if not h.reachable and h.name not in self._told and self._since(h, now) >= self.after]
        back = [h for h in hosts if h.reachable and h.name in self._told]
        if gone:
            self._tell(_away(gone))
            self._told.update(h.name for h in gone)
        if back:
            span = max(self._since(h, now) for h in back)
            self._tell(say(f"✅ {say_names([h.name for h in back])} answers again, after {say_span(span)}."))
            self._told.difference_update(h.name for h in back)
        for host in hosts:
            if host.reachable:
                self._away.pop(host.name, None)

    def _since(self, host: HostStatus, now: datetime) -> timedelta:
        """For how long it does not answer."""
        return abs(now - self._away.get(host.name, now))

    def _tell(self, message: Reply) -> None:
        """Each channel by itself."""
        for channel in dict.fromkeys(self.channels):
            try:
                if self.shown_in(channel):
                    self.announcer.post(Origin(channel, ""), message)
            except (AnnouncerError, LookupFailed) as error:
                log.error("%s could not be told about hosts: %s", channel, error)


def _away(hosts: Sequence[HostStatus]) -> Reply:
    many = len(hosts) > 1
    return say(
        f"⚠️ {say_names([host.name for host in hosts])} {'do' if many else 'does'} not answer. What the bot shows of "
        f"{'them' if many else 'it'} is what it saw last.",
        *(f"{host.name}: {host.problem}" if many else host.problem for host in hosts),
    )

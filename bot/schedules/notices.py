"""What a digest's channels hear between digests: that a host went away, and that it is back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.fleet.inventory import Inventory
from bot.ledger import Absence, LedgerError
from bot.ledger.absences import Absences
from bot.messages import Announcer, AnnouncerError, Origin
from bot.people.directory import LookupFailed
from commands.base import HostStatus, Reply, name, say
from commands.kit.words import say_names, say_span

log = logging.getLogger(__name__)

AFTER = timedelta(minutes=10)
"""How long a host does not answer before that is news: a restart after updates is over by then."""


@dataclass(frozen=True, slots=True)
class HostNotices:
    """One message when hosts went away, one when they are back, each once: also where the bot restarts in between."""

    channels: Sequence[str]
    inventory: Inventory
    absences: Absences
    announcer: Announcer
    clock: Callable[[], datetime]
    shown_in: Callable[[str], bool] = lambda _channel: True
    """Whether what the fleet is like may be shown in a channel."""
    after: timedelta = AFTER

    def look(self) -> None:
        """To be called after each look at the fleet."""
        try:
            self._look(self.inventory.hosts())
        except LedgerError as error:
            log.error("whether hosts went away could not be recorded, so it is not told: %s", error.cause)

    def _look(self, hosts: Sequence[HostStatus]) -> None:
        known = self.absences.open()
        if new := [host.name for host in hosts if not host.reachable and host.name not in known]:
            self.absences.begin(new)
            known = self.absences.open()
        away = [host for host in hosts if not host.reachable]
        self._tell_away([host for host in away if self._is_news(known[host.name])])
        self._tell_back({host: one for host, one in known.items() if host not in {gone.name for gone in away}}, hosts)

    def _is_news(self, one: Absence) -> bool:
        return not one.told and self._span(one) >= self.after

    def _span(self, one: Absence) -> timedelta:
        """For how long it does not answer."""
        return abs(self.clock() - one.since)

    def _tell_away(self, hosts: Sequence[HostStatus]) -> None:
        if not hosts:
            return
        names = [host.name for host in hosts]
        self.absences.tell(names)
        if not self._tell(_away(hosts)):
            self.absences.untell(names)

    def _tell_back(self, ended: Mapping[str, Absence], hosts: Sequence[HostStatus]) -> None:
        """Nothing is said of hosts that the settings have no more, nor of those of which nobody heard."""
        told = [host.name for host in hosts if host.name in ended and ended[host.name].told]
        if told:
            span = say_span(max(self._span(ended[host]) for host in told))
            answer = "answers" if len(told) == 1 else "answer"
            if not self._tell(say(f"✅ {say_names(told)} {answer} again, after {span}.")):
                return
        if ended:
            self.absences.end(ended)

    def _tell(self, message: Reply) -> bool:
        """Each channel by itself. False where nobody heard it and somebody may later."""
        heard = healing = False
        for channel in dict.fromkeys(self.channels):
            try:
                if self.shown_in(channel):
                    self.announcer.post(Origin(channel, ""), message)
                    heard = True
            except (AnnouncerError, LookupFailed) as error:
                log.error("%s could not be told about hosts: %s", channel, error)
                healing = healing or not error.lasting
        return heard or not healing


def _away(hosts: Sequence[HostStatus]) -> Reply:
    many = len(hosts) > 1
    return say(
        f"⚠️ {say_names([host.name for host in hosts])} {'do' if many else 'does'} not answer. What the bot shows of "
        f"{'them' if many else 'it'} is what it saw last.",
        *(f"{name(host.name)}: {host.problem}" if many else host.problem for host in hosts),
    )

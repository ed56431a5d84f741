"""What somebody is told who uses the bot for the first time: three lines, once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.ledger import Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, Origin
from commands.base import Reply, say
from commands.kit.words import typed

GREETED_WITHIN = 0.5
"""Seconds that it waits for the ledger. Where that takes longer, the next request is the first one."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Orientation:
    """Safe to use from many threads."""

    ledger: Ledger
    announcer: Announcer

    def give(self, origin: Origin, holds: Callable[[str], bool]) -> None:
        """Tell who was let in what they can do here, unless they were told before. `holds` says which rights they
        have. It answers no request, so it takes none of the answers that Slack allows for one."""
        try:
            with self.ledger.within(GREETED_WITHIN):
                if not self.ledger.greetings.begin(origin.person_id):
                    return
            self.announcer.whisper(Origin(origin.channel, origin.person_id), lines(holds))
        except (LedgerError, AnnouncerError) as error:
            log.warning("%s was not told what the bot is for: %s", origin.person_id, error)


def lines(holds: Callable[[str], bool]) -> Reply:
    """The three lines, by what the person may do."""
    deeds = {"create": "take", "apply": "apply", "delete": "delete"}
    mine = [word for right, word in deeds.items() if holds(right)]
    deeds_of_mine = " and ".join([", ".join(mine[:-1]), mine[-1]] if len(mine) > 1 else mine)
    can = f"look at checkpoints of VMs on Hyper-V{f', and {deeds_of_mine} them' if mine else ''}"
    example = typed("web01", "before-upgrade") if holds("create") else typed("list")
    does = "takes one of web01" if holds("create") else "shows the VMs that you may see"
    asks = "What may lose something is asked about first" if mine else "Nothing that you can type here changes a VM"
    return say(
        f"Welcome. Here you can {can}: {example} {does}.",
        f"{asks}, and {typed('history')} shows what was done, by whom.",
        f"{typed('help')} shows what you may type, and {typed('whoami')} why.",
    )

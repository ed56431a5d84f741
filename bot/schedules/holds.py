"""A VM that comes on Hold is told at once where its digest goes, to whose its checkpoints are, once; and its end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.ledger import Ledger, Turn
from bot.messages import Announcer, AnnouncerError, Origin
from bot.people.directory import LookupFailed
from bot.settings import DigestChannelSettings
from commands.base import Paragraph, Reply
from commands.base.health import VMHealth
from commands.base.names import name
from commands.kit import soundness
from commands.kit.patterns import protects

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HoldNotices:
    """Each turn is claimed in the ledger before it is told, so that nothing is told twice."""

    channels: Sequence[DigestChannelSettings]
    ledger: Ledger
    announcer: Announcer
    owners_of: Callable[[str], Sequence[str]]
    """Whose the checkpoints of a VM are, by their user ids."""
    shown_in: Callable[[str], bool] = lambda _channel: True
    """Whether what the fleet is like may be shown in a channel."""

    def tell(self) -> None:
        """To be called after each round of looks."""
        for turn in self.ledger.verdicts.untold():
            if self.ledger.verdicts.claim(turn) and not self._told(turn):
                self.ledger.verdicts.release(turn)

    def _told(self, turn: Turn) -> bool:
        """Whether somebody heard it, or nobody will."""
        health = turn.health
        channels = dict.fromkeys(c.channel for c in self.channels if protects(c.vms, health.vm_name, health.host))
        owners = self.owners_of(health.vm_id)
        message = _held(health) if turn.held else _ended(health)
        heard = passes = False
        for origin in (*(Origin(channel, "") for channel in channels), *(Origin("", owner) for owner in owners)):
            try:
                if not origin.channel or self.shown_in(origin.channel):
                    self.announcer.post(origin, message)
                    heard = True
            except (AnnouncerError, LookupFailed) as error:
                log.error("%s could not be told of a Hold: %s", origin.channel or origin.person_id, error)
                passes = passes or not error.lasting
        return heard or not passes


def _held(health: VMHealth) -> Reply:
    return Reply(
        (
            Paragraph(
                f"⛔ {name(health.vm_name)} on {name(health.host)} is on Hold: do not touch it, do not restart it."
            ),
            *(Paragraph(reason.sentence) for reason in health.why),
            Paragraph(soundness.FIRST),
            Paragraph(soundness.NOT),
            Paragraph(f"{soundness.how_to_see(health.vm_name)} has the text for a support case."),
        )
    )


def _ended(health: VMHealth) -> Reply:
    said = f"{health.verdict.mark} {name(health.vm_name)} on {name(health.host)} is not on Hold any more."
    return Reply((Paragraph(said), *(Paragraph(soundness.told(reason)) for reason in health.why)))

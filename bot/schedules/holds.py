"""A VM that comes on Hold is told at once where its digest goes, to whoever took its checkpoints, once; and its end."""

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
    """The people who took the checkpoints of a VM, by their user ids."""
    shown_in: Callable[[str], bool] = lambda _channel: True
    """Whether what the fleet is like may be shown in a channel."""

    def tell(self) -> None:
        """To be called after each round of looks."""
        for turn in self.ledger.verdicts.untold():
            if self.ledger.verdicts.claim(turn) and not self._told(turn):
                self.ledger.verdicts.release(turn)

    def _told(self, turn: Turn) -> bool:
        """Whether somebody heard it, or there is nobody to tell."""
        health = turn.health
        channels = dict.fromkeys(c.channel for c in self.channels if protects(c.vms, health.vm_name))
        owners = self.owners_of(health.vm_id)
        message = _held(health) if turn.held else _ended(health)
        heard = [self._post(Origin(channel, ""), message) for channel in channels if self._may(channel)]
        heard += [self._whisper(owner, message) for owner in owners]
        return any(heard) or not heard

    def _may(self, channel: str) -> bool:
        try:
            return self.shown_in(channel)
        except LookupFailed as error:
            log.error("%s could not be told of a Hold: %s", channel, error)
            return False

    def _whisper(self, person_id: str, message: Reply) -> bool:
        return self._post(Origin("", person_id), message)

    def _post(self, origin: Origin, message: Reply) -> bool:
        try:
            self.announcer.post(origin, message)
        except AnnouncerError as error:
            log.error("%s could not be told of a Hold: %s", origin.channel or origin.person_id, error)
            return error.lasting
        return True


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

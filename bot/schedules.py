"""What happens by the clock: the daily digest of each channel.

DBOS keeps the schedule in its database and fires it by cron in the settings' time zone; what was missed while the bot
was down is made up for the same day only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from bot.announcer import Announcer, AnnouncerError, Origin
from bot.ledger import Ledger
from bot.settings import DigestSettings
from commands.base import Reply

log = logging.getLogger(__name__)

NAME = "digest"
TOO_LATE = timedelta(hours=12)
"""A digest that is later than this is left to the next morning."""


@dataclass(frozen=True, slots=True)
class Schedules:
    """Posts the digests."""

    settings: DigestSettings
    digest: Callable[[str], Reply]
    """The digest of a channel, made now."""
    announcer: Announcer
    ledger: Ledger
    clock: Callable[[], datetime]

    def declare(self) -> Callable[[datetime, object], None]:
        """Declare the workflow, before DBOS is launched."""

        @DBOS.workflow(name=NAME)
        def digest(scheduled_at: datetime, context: object) -> None:  # noqa: ARG001 - the signature is DBOS's
            if self.clock() - scheduled_at.astimezone(UTC) > TOO_LATE:
                return
            for entry in self.settings.channels:
                DBOS.run_step({"name": f"digest for {entry.channel}"}, self.post, entry.channel, scheduled_at)

        return digest

    def apply(self, workflow: Callable[[datetime, object], None]) -> None:
        """Put the settings' schedule into DBOS, in place of an earlier one. After DBOS was launched."""
        DBOS.apply_schedules(
            [
                {
                    "schedule_name": NAME,
                    "workflow_fn": workflow,
                    "schedule": cron(self.settings),
                    "cron_timezone": str(self.settings.timezone),
                    "automatic_backfill": True,
                }
            ]
        )

    def post(self, channel: str, scheduled_at: datetime) -> None:
        """Post one channel's digest, once for each time it is due."""
        key = f"{channel} {scheduled_at.astimezone(UTC):%Y-%m-%dT%H:%M}Z"
        if not self.ledger.claim_digest(key, channel):
            return
        message = self.digest(channel)
        try:
            ref = self.announcer.post(Origin(channel, ""), message)
        except AnnouncerError as error:
            log.error("the digest for %s could not be posted: %s", channel, error)
            return
        self.ledger.digest_posted(key, ref, message.text)


def cron(settings: DigestSettings) -> str:
    """The settings' time of day as a cron line: `0 9 * * *`, or `0 9 * * 1-5` on weekdays."""
    at = settings.at
    return f"{at.minute} {at.hour} * * {'1-5' if settings.weekdays_only else '*'}"

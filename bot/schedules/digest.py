"""What happens by the clock: the daily digest of each channel.

DBOS keeps the schedule in its database and fires it by cron in the settings' time zone; what was missed while the bot
was down is made up for the same day only.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from backends.base import VM, HostInventory
from bot.durable import Durable
from bot.fleet.digest import Digest, Listed, compose, listed, solved
from bot.fleet.growth import KnownGrowth, held
from bot.fleet.inventory import Inventory
from bot.fleet.message import MOST_ITEMS, as_reply, thread
from bot.ledger import DigestRow, Ledger, LedgerError
from bot.messages import Announcer, AnnouncerError, MessageRef, Origin
from bot.people.directory import LookupFailed
from bot.settings import DigestSettings, Settings
from commands.base import CheckpointNote, Reply, say
from commands.base.health import VMHealth
from commands.kit.patterns import protects

log = logging.getLogger(__name__)

NAME = "digest"
TIMEOUT = timedelta(minutes=3)
"""A scan with all disks takes a busy host a while, and a digest can wait."""

PAUSES = (10.0, 30.0, 90.0, 270.0, 810.0, 2430.0)
"""Seconds before each further try. Slack may be away at nine for a while; an hour later the digest is left out."""

CHARTED, POINTS = timedelta(days=30), 15
"""What the chart of a digest is about, and how many points it has."""

INVITE = "Who looks after me can mend that: invite me there, or take it out of digest.channels."
GRANT = "Who looks after me can mend that: name the channel in a grant, or take it out of digest.channels."
LATER_ONE = "The next one comes at its time; `/checkpoint digest` in the channel shows it now."
"""What helps a channel that gets no digest."""

TOO_LATE = timedelta(hours=12)
"""A digest that is later than this is left to the next morning."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Makes digests from the fleet as it is now."""

    settings: Settings
    inventory: Inventory
    ledger: Ledger
    clock: Callable[[], datetime]
    owners: Callable[[Mapping[str, CheckpointNote]], Mapping[str, CheckpointNote]] = lambda notes: notes
    """The same notes, with the owners who have left told apart."""

    def of(self, channel: str) -> Digest | None:
        """The digest of a channel, about the VMs that the settings' entries give it together; None for a channel that
        gets none."""
        patterns = [p for entry in self.settings.digest.channels if entry.channel == channel for p in entry.vms]
        return self._make(patterns, before=self.ledger.digests.last(channel)) if patterns else None

    def asked_for(self, channel: str, may_view: Callable[[VM], bool]) -> Reply:
        """The digest that a person asks for: the channel's own, for all to see, or else, for them alone, one of
        what they may see."""
        own = self.of(channel)
        return replace(as_reply(own), shared=True) if own is not None else as_reply(self._make(("*",), may_view))

    def _make(
        self,
        patterns: Sequence[str],
        may_view: Callable[[VM], bool] | None = None,
        before: DigestRow | None = None,
    ) -> Digest:
        self.inventory.renew(disks=True, timeout=TIMEOUT)
        for one in self.inventory.inventories(disks=True):
            self.ledger.checkpoints.seen(one)
            self.ledger.samples.add(one)
        return self.from_memory(patterns, may_view, before)

    def from_memory(
        self,
        patterns: Sequence[str],
        may_view: Callable[[VM], bool] | None = None,
        before: DigestRow | None = None,
    ) -> Digest:
        """Of what was last seen: no host is asked."""
        inventories = self.inventory.inventories(disks=True)
        shown = [
            replace(one, vms=tuple(v for v in one.vms if may_view is None or may_view(v.vm))) for one in inventories
        ]
        ids = [c.id for one in shown for v in one.vms for c in v.checkpoints]
        notes, hosts = self.owners(self.ledger.checkpoints.notes(ids)), self.inventory.hosts(disks=True)
        now = self.clock()
        verdicts = self._verdicts(inventories, shown, () if may_view else [h.name for h in hosts if not h.reachable])
        found = compose(shown, notes, hosts, policy=self.settings.policy, now=now, patterns=patterns, verdicts=verdicts)
        if before is not None:
            since = before.claimed_at.date()
            went = solved(listed_by(before), since, inventories=shown, notes=notes, hosts=hosts, now=now)
            found = replace(found, solved=went)
        return self._with_growth(found, shown, patterns)

    def _verdicts(
        self, inventories: Sequence[HostInventory], shown: Sequence[HostInventory], away: Collection[str]
    ) -> Mapping[str, VMHealth]:
        """Those on the VMs that are shown, and on those never seen of hosts that are away: a Hold outlasts a start."""
        seen, wanted = ({v.vm.id for one in some for v in one.vms} for some in (inventories, shown))
        known = self.ledger.verdicts.of()
        return {id: one for id, one in known.items() if id in wanted or (one.host in away and id not in seen)}

    def _with_growth(self, found: Digest, shown: Sequence[HostInventory], patterns: Sequence[str]) -> Digest:
        """What is known of how its VMs and their hosts' volumes grow."""
        growth = KnownGrowth(self.ledger, self.clock)
        vms = [one.vm for inventory in shown for one in inventory.vms if protects(patterns, one.vm.name, one.vm.host)]
        series = self.ledger.samples.of_vms(found.at - CHARTED, [vm.id for vm in vms])
        return replace(
            found,
            filling=growth.of_volumes({vm.host for vm in vms}),
            rates=growth.of_vms(one.seen.vm.id for one in found.stale[:MOST_ITEMS]),
            held=held(series.values(), found.at, days=CHARTED.days, points=POINTS),
        )


def listed_by(row: DigestRow) -> tuple[Listed, ...]:
    """What an earlier digest named. One that cannot be read is passed over."""
    found = []
    for one in row.listed:
        match one:
            case {"id": str(id), "name": str(called), "vm": str(vm), "host": str(host), "size": int(size)}:
                found.append(Listed(id, called, vm, host, size))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Schedules:
    """Posts each channel's digest when it is due."""

    settings: DigestSettings
    digests: Digests
    announcer: Announcer
    ledger: Ledger
    clock: Callable[[], datetime]
    may_post: Callable[[str], bool] = lambda _channel: True
    """Whether what the fleet is like may be shown in a channel. Raises `LookupFailed`."""
    keepers: Callable[[], Collection[str]] = tuple
    """Who can mend the settings, by their user ids."""
    pauses: Sequence[float] = PAUSES

    def declare(self, durable: Durable) -> Callable[[datetime, object], None]:
        """Declare the workflow, before DBOS is launched."""

        @durable.workflow(NAME)
        def digest(scheduled_at: datetime, context: object) -> None:  # noqa: ARG001 - the signature is DBOS's
            late = durable.step("is it too late", lambda: self.is_too_late(scheduled_at))
            if late:
                return
            for channel in self.channels:
                durable.start(f"{DBOS.workflow_id}-{channel}", one_channel, channel, scheduled_at.isoformat(), 0)

        @durable.workflow("digest of a channel")
        def one_channel(channel: str, scheduled_at: str, tries: int) -> None:
            due = datetime.fromisoformat(scheduled_at)
            if not durable.step("post", lambda: self.try_to_post(channel, due, tries)):
                again = f"{DBOS.workflow_id}-again"
                durable.start_later(self.pauses[tries], again, one_channel, channel, scheduled_at, tries + 1)

        return digest

    @property
    def channels(self) -> tuple[str, ...]:
        """Each once, whatever the settings say of it."""
        return tuple(dict.fromkeys(entry.channel for entry in self.settings.channels))

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

    def is_too_late(self, scheduled_at: datetime) -> bool:
        """It is left to the next one."""
        return self.clock() - scheduled_at > TOO_LATE

    def try_to_post(self, channel: str, scheduled_at: datetime, tries: int = 0) -> bool:
        """Post one channel's digest. False when that may be tried again later; what cannot heal is in the log in one
        line, and told to those who may mend it: they read another digest."""
        try:
            self.post(channel, scheduled_at)
        except (AnnouncerError, LedgerError) as failure:
            lasting = failure.lasting if isinstance(failure, AnnouncerError) else not failure.transient
            if not lasting and tries < len(self.pauses):
                log.info("the digest for %s could not be posted yet: %s", channel, failure)
                return False
            log.error("the digest for %s could not be posted: %s", channel, failure)
            self._tell_others(channel, str(failure), INVITE if lasting else LATER_ONE)
        return True

    def _tell_others(self, channel: str, cause: str, mend: str) -> None:
        """Say where it can be read that a channel has no digest, once until it has one: in the first other channel
        that can be written to, or else to those who can mend the settings."""
        last = self.ledger.digests.last(channel)
        news = f"{channel} not posted since {last.occurrence if last else 'ever'}"
        line = say(f"The digest for the channel {channel} could not be posted: {cause}", mend)
        for place in (*(Origin(one, "") for one in self.channels if one != channel), *self._keepers()):
            try:
                if not self._may_post(place.channel):
                    continue
                if self.ledger.digests.claim(news, channel):
                    self._tell_once(news, place, line)
                return
            except (AnnouncerError, LedgerError) as failure:
                log.warning("nobody in %s could be told: %s", place.channel or place.person_id, failure)

    def _keepers(self) -> Sequence[Origin]:
        try:
            return [Origin("", one) for one in self.keepers()]
        except LookupFailed as failure:
            log.warning("who looks after the settings could not be looked up: %s", failure)
            return []

    def _tell_once(self, news: str, place: Origin, line: Reply) -> None:
        """What was claimed. Raises `AnnouncerError`; then it is another one's to tell."""
        try:
            self.announcer.post(place, line)
        except AnnouncerError:
            self.ledger.digests.release(news)
            raise

    def post(self, channel: str, scheduled_at: datetime) -> None:
        """Post one channel's digest, once for each time it is due, also when this runs again after a crash. Raises
        `AnnouncerError` when it is certain that nothing was posted; then it may be tried again."""
        occurrence = _occurrence(channel, scheduled_at)
        if not self._may_post(channel):
            log.error("the digest for %s is not posted: people of another workspace may read there", channel)
            self._tell_others(channel, "people of another workspace may read there", GRANT)
            return
        digest = self.digests.of(channel)
        if digest is None or (digest.quiet and self.settings.empty == "skip"):
            return
        if not self.ledger.digests.claim(occurrence, channel):
            return
        message = as_reply(digest, with_thread=True)
        try:
            ref = self.announcer.post(Origin(channel, ""), message)
        except AnnouncerError:
            self.ledger.digests.release(occurrence)
            raise
        self.ledger.digests.posted(occurrence, ref, message.text, [asdict(one) for one in listed(digest)])
        if ref is not None:
            self._post_thread(ref, digest)

    def _post_thread(self, ref: MessageRef, digest: Digest) -> None:
        """What does not fit. The digest itself is there, so it is not posted again where this fails."""
        try:
            for page in thread(digest):
                self.announcer.reply(ref, page)
        except AnnouncerError as failure:
            log.warning("the thread of the digest in %s is not whole: %s", ref.channel, failure)

    def _may_post(self, channel: str) -> bool:
        try:
            return self.may_post(channel)
        except LookupFailed as failure:
            raise AnnouncerError(f"{channel} could not be looked up: {failure}") from failure


def _occurrence(channel: str, scheduled_at: datetime) -> str:
    return f"{channel} {scheduled_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def cron(settings: DigestSettings) -> str:
    """The settings' time of day as a cron line: `0 9 * * *`, or `0 9 * * 1-5` on weekdays."""
    at = settings.at
    return f"{at.minute} {at.hour} * * {'1-5' if settings.weekdays_only else '*'}"

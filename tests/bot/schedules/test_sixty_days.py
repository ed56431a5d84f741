"""Sixty days by the clock: exactly the right checkpoints are there at the end, and everything was said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest

from backends.base import VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.durable import Durable
from bot.fleet.ownership import Ownership
from bot.messages import Origin
from bot.schedules.digest import Digests, Schedules
from bot.schedules.due import next_run
from bot.schedules.expiry import Expiry
from bot.settings import DigestChannelSettings, DigestSettings
from commands.base import Create, Plan, Schedule, Target, unmarked
from tests.support.people import ADA, BOB, CHANNEL
from tests.support.scheduled import Scheduled, nightly

ZONE = ZoneInfo("Africa/Casablanca")
"""Its clocks change twice within these days."""
BEGIN = datetime(2027, 1, 25, 12, 0, tzinfo=UTC)
DAYS = 60
WEB = "C0WEB"
NINE = time(9, 0)
DIGEST = DigestSettings(
    at=NINE,
    timezone=ZONE,
    channels=(DigestChannelSettings(channel=CHANNEL, vms=("*",)), DigestChannelSettings(channel=WEB, vms=("web*",))),
)


class Story(Scheduled):
    """Schedules, digests at nine, and four looks a day at what expires."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, BEGIN, ZONE.key)
        given = self.settings.model_copy(update={"digest": DIGEST})
        owners = Ownership(self.gate.has_left).of
        digests = Digests(given, self.inventory, self.ledger, self.clock, owners)
        self.digests = Schedules(DIGEST, digests, self.board, self.ledger, self.clock, self.gate.may_post)
        durable = cast(Durable, self.durable)
        self.expiry = Expiry(
            given.keep,
            self.ledger,
            self.housekeeping,
            self.board,
            durable,
            self.clock,
            self.picker.permission.of,
            self.gate.has_left,
        )
        self.housekeeping.register(self.expiry)
        for number in range(1, DAYS + 1):
            day = BEGIN.date() + timedelta(days=number)
            for hour in (4, 16):
                self.durable.at(datetime(day.year, day.month, day.day, hour, tzinfo=UTC), self.expiry.look)
            self.durable.at(nine(day), partial(self.post, nine(day)))

    def post(self, due: datetime) -> None:
        """The digest of each channel; on some days it is tried twice, as after a crash."""
        if not self.digests.is_too_late(due):
            for channel in self.digests.channels * (2 if due.day == 1 else 1):
                assert self.digests.try_to_post(channel, due)

    def take(self, vm: str, name: str, who: str, *, days: int) -> None:
        target = Target.of(self.look(self.vm(vm).id))
        plan = Plan(Create(name, None, days * DAY), (target,), "take it")
        self.changes.submit(f"take {name}", plan, self.people.person(who), Origin(CHANNEL, who))

    def told(self, what: str = "") -> list[str]:
        """All lines with this in them, wherever they were shown."""
        return [line for text in self.board.texts for line in text.splitlines() if what in line]


def nine(day: date) -> datetime:
    return datetime.combine(day, NINE, ZONE)


def nights(schedule: Schedule, until: datetime) -> Iterator[datetime]:
    due = next_run(schedule, BEGIN, ZONE)
    while due < until:
        yield due
        due = next_run(schedule, due, ZONE)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.close()


def test_sixty_days(world: Story) -> None:
    """Three days of downtime, a host that is down for two nights, a channel that is archived for a week, VMs that
    somebody else works on, and at last an owner who leaves."""
    world.add("web01", Past("before-upgrade", 90 * DAY))
    world.add("web02", host="hv02")
    world.add_vm("web03").state = VMState.OFF
    world.add("sql01", Past("nightly 2027-01-01 02.30", 24 * DAY))
    schedule = world.put_schedule(nightly("web*", keep=35 * DAY))
    expected = [f"nightly {at.astimezone(ZONE):%Y-%m-%d %H.%M}" for at in nights(schedule, BEGIN + timedelta(days=60))]

    world.take("sql01", "bobs", BOB, days=20)
    world.forward(days=10)
    world.durable.down = True  # three days
    world.forward(days=3)
    world.start_again()
    world.forward(days=7)
    world.arm(FaultKind.REFUSE_CONNECTION, times=None, host="hv02")  # two nights
    world.forward(days=2)
    world.hosts["hv02"].faults.disarm()
    world.forward(days=3)
    world.board.archived.add(CHANNEL)  # a week
    world.forward(days=7)
    world.board.archived.clear()
    world.forward(days=13)
    world.take("sql01", "adas", ADA, days=14)
    world.forward(days=5)
    before = {vm: world.checkpoints(vm, host) for vm, host in (("web01", "hv01"), ("web02", "hv02"))}
    world.people.deactivate(ADA)
    world.forward(days=10)

    # The clocks were put forward within these days, so that the oldest is not of 35 days by an hour.
    assert before["web01"] == ["before-upgrade", *expected[14:50]]
    assert before["web02"] == [*expected[14:20], *expected[22:50]]
    assert world.checkpoints("web01") == before["web01"]
    assert world.checkpoints("web02", "hv02") == before["web02"]
    assert world.checkpoints("web03") == expected[:1]
    assert world.checkpoints("sql01") == ["nightly 2027-01-01 02.30", "adas"]  # nobody may delete hers any more

    runs = [text for text in world.board.texts if "nightly: " in text or "is paused" in text]
    assert len(runs) == 50 - 2 + 1  # a message a night, but for two of three that were missed; the pause
    alone = [ref.channel for ref, shown in world.board.shown.items() if shown.text in runs]
    assert Counter(alone) == {CHANNEL: 42, "": 7}
    assert len(world.told("web02 was left out: hv02 does not answer")) == 1
    assert len(world.told("web03 was left out: nothing has run on it since the last one")) == 1
    assert len(world.told("is paused")) == 1
    assert not any("sql01" in text or "before-upgrade" in text for text in runs)
    check_notices(world)
    check_digests(world)


def check_notices(world: Story) -> None:
    """Each once; none of what stays, since its owner has left."""
    soon = [text for text in world.board.texts if text.startswith("Your checkpoints whose time is nearly over")]
    assert len(soon) == 1
    assert "sql01: bobs" in soon[0]
    assert [unmarked(line) for line in world.told("time was over")] == ["bobs of sql01 is deleted: its time was over."]


def check_digests(world: Story) -> None:
    """One a day and channel, but for two days of downtime, and for the week in which one was archived."""
    days = [nine(BEGIN.date() + timedelta(days=number)).astimezone(UTC) for number in range(1, DAYS + 1)]
    posted = Counter(ref.channel for ref, one in world.board.shown.items() if one.text.startswith("Checkpoint digest"))
    assert posted == {CHANNEL: DAYS - 2 - 7, WEB: DAYS - 2}
    find = world.ledger.digests.get
    missed = {c: [n for n, at in enumerate(days) if not find(f"{c} {at:%Y-%m-%dT%H:%MZ}")] for c in (CHANNEL, WEB)}
    assert missed == {WEB: [10, 11], CHANNEL: [10, 11, *range(25, 32)]}
    assert len(world.told(f"The digest for the channel {CHANNEL} could not be posted")) == 1

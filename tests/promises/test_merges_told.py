"""Of a merge that goes well or does not, the ledger, the card and the digest never say things that cannot all be so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backends.base import EventLog
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model import power
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.model.storage import GB
from bot.changes.merges import AGAIN, FAILED, IDLE, INTERRUPTED, LINES, MERGED, STALLS
from bot.changes.workflow import Answer
from bot.fleet.digest import compose
from bot.fleet.health.rounds import Health
from bot.fleet.message import as_reply
from bot.ledger import ChangeRow, ChangeState
from bot.messages import Origin
from commands.base import Delete, Plan, Target
from commands.base.health import Verdict
from tests.support.headquarters import settings
from tests.support.moved_clock import MovedWorld
from tests.support.people import ADA, CHANNEL, People

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BEING_MERGED, UNEXPLAINED = "Disks are being merged: web01", "A differencing disk that no checkpoint explains: web01"

CARD = {
    MERGED: "are merged",
    FAILED: "failed (at",
    INTERRUPTED: "was interrupted",
    IDLE: "No merge of the disks",
    STALLS: "has not moved since",
    AGAIN: "are being merged again",
    "": "still to be merged",
}
"""What the card says for the ledger's last event of a merge."""


class Story(MovedWorld):
    """A checkpoint that is deleted, and what three places say of it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, START, settings(folder))
        self.health = Health(self.inventory, self.backends, self.ledger, self.clock)
        self.web01 = self.add_vm("web01", Past("first", 3 * DAY, 5 * GB), Past("second", DAY, GB))
        self.seen: list[str] = []
        """The ledger's events, as they came."""

    def delete(self) -> None:
        seen = self.look(self.web01.id)
        plan = Plan(Delete(), (Target.of(seen, seen.checkpoints[0]),), "delete first of web01")
        self.changes.submit("delete", plan, People().person(ADA), Origin(CHANNEL, ADA))
        self.changes.answer(self.row, Answer("confirm", ADA, "ada", self.clock()))
        assert self.row.state is ChangeState.SUCCEEDED

    @property
    def row(self) -> ChangeRow:
        row = self.ledger.changes.get("delete")
        assert row is not None
        return row

    def ledgers(self) -> str:
        told = [one.event for one in self.ledger.events.of("delete") if one.event in LINES]
        self.seen = told
        return told[-1] if told else ""

    def cards(self) -> str:
        assert self.row.message is not None
        return self.board.shown[self.row.message].text

    def digests(self) -> str:
        self.inventory.refresh(disks=True)
        self.health.look_around()
        return as_reply(
            compose(
                self.inventory.inventories(disks=True),
                {},
                self.inventory.hosts(disks=True),
                policy=self.settings.policy,
                now=self.clock(),
                verdicts=self.ledger.verdicts.of(),
            )
        ).text

    def agree(self) -> None:
        """Each says no more than the disks show, and none what another denies."""
        pending = bool(self.look(self.web01.id).merge_pending)
        ledger, card, digest = self.ledgers(), self.cards(), self.digests()
        assert [key for key, words in CARD.items() if words in card] == [ledger], card
        assert (ledger == MERGED) is not pending, "it is over when the disks show it"
        told = [words for words in (BEING_MERGED, UNEXPLAINED) if words in digest]
        assert bool(told) is pending, digest
        if ledger in (FAILED, IDLE):
            assert told == [UNEXPLAINED]
            assert self.ledger.verdicts.of()[self.web01.id].verdict is Verdict.LOOK
        if ledger in (STALLS, AGAIN):
            assert told == [BEING_MERGED]

    def goes_on(self, **span: float) -> None:
        """Time passes, in steps after which each of the three was brought up to date."""
        self.forward(**span)
        self.forward(minutes=6)
        self.agree()

    def arm(self, kind: FaultKind, cmdlet: str | None = None, *, times: int | None = 1, host: str = "hv01") -> None:
        self.hosts[host].faults.arm(Fault(kind, cmdlet, times))

    def heal(self) -> None:
        self.host().faults.disarm()
        self.forward(minutes=1)

    def restart(self) -> None:
        """Which lets Hyper-V look for what is to be merged."""
        power.stop(self.host(), self.web01.id)
        self.host().all()
        power.start(self.host(), self.web01.id)
        self.host().all()


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.close()


def test_of_a_group_each_merge_is_told_to_its_end(story: Story) -> None:
    other = story.add_vm("web02", Past("first", 3 * DAY, 5 * GB), Past("second", DAY, GB))
    seen = [story.look(vm.id) for vm in (story.web01, other)]
    plan = Plan(Delete(), tuple(Target.of(one, one.checkpoints[0]) for one in seen), "delete first of web01 and web02")
    story.changes.submit("delete", plan, People().person(ADA), Origin(CHANNEL, ADA))
    story.changes.answer(story.row, Answer("confirm", ADA, "ada", story.clock()))
    story.forward(minutes=10)

    assert [one.event for one in story.ledger.events.of("delete") if one.event in LINES] == [MERGED, MERGED]
    assert "still to be merged" not in story.cards()


def goes_well(story: Story) -> None:
    story.delete()
    story.goes_on(minutes=1)


def fails_and_is_done_at_a_restart(story: Story) -> None:
    story.arm(FaultKind.MERGE_REFUSED)
    story.delete()
    story.goes_on(minutes=1)
    story.goes_on(hours=2)
    story.restart()
    story.goes_on(minutes=1)


def fails_for_good(story: Story) -> None:
    story.arm(FaultKind.MERGE_REFUSED, times=None)
    story.delete()
    story.goes_on(minutes=1)
    story.restart()
    story.goes_on(hours=1)


def is_interrupted_and_goes_on(story: Story) -> None:
    story.arm(FaultKind.MERGE_STALL, times=None)
    story.delete()
    story.goes_on(minutes=1)
    story.host().tell(EventLog.VMMS, 19090, story.web01, at=story.host().clock())
    story.goes_on(minutes=1)
    story.heal()
    story.goes_on(minutes=1)


def is_switched_off_and_on_again(story: Story) -> None:
    story.arm(FaultKind.MERGE_OFF, times=None)
    story.delete()
    story.goes_on(minutes=1)
    story.goes_on(hours=1)
    story.heal()
    story.restart()
    story.goes_on(minutes=1)


def stalls_and_goes_on(story: Story) -> None:
    story.arm(FaultKind.MERGE_STALL, times=None)
    story.delete()
    story.goes_on(minutes=1)
    story.goes_on(hours=1)
    story.heal()
    story.goes_on(minutes=1)


STORIES: dict[Callable[[Story], None], list[str]] = {
    goes_well: [MERGED],
    fails_and_is_done_at_a_restart: [FAILED, MERGED],
    fails_for_good: [FAILED],
    is_interrupted_and_goes_on: [INTERRUPTED, MERGED],
    is_switched_off_and_on_again: [IDLE, MERGED],
    stalls_and_goes_on: [STALLS, MERGED],
}


@pytest.mark.parametrize("told", STORIES, ids=lambda one: one.__name__)
def test_ledger_card_and_digest_agree(story: Story, told: Callable[[Story], None]) -> None:
    told(story)
    assert story.seen == STORIES[told]


def test_one_that_ends_without_effect_is_said_with_its_event(story: Story) -> None:
    fails_for_good(story)
    (line,) = (one.why for one in story.ledger.events.of("delete") if one.event in LINES)
    assert "event 19100 of the VMMS log (0x80070020)" in line

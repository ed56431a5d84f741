"""Checkpoints whose time is over: their owners are told before, and then they go, and nothing else does."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import VM, Checkpoint, SnapshotType, VMInventory, VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from bot.changes.permission import Permission
from bot.durable import Durable
from bot.ledger import ChangeState
from bot.messages import AnnouncerError, MessageRef, Origin
from bot.people.identity import Gate
from bot.schedules.expiry import Expiry, stays
from bot.schedules.housekeeping import Housekeeping
from bot.settings import GrantSettings, HousekeepingSettings, KeepSettings
from commands.base import CheckpointNote, Claim, Create, Keep, Person, Plan, Reply, Target, unmarked
from tests.support.board import Board, buttons
from tests.support.headquarters import settings
from tests.support.moved_clock import MovedWorld
from tests.support.people import ADA, BOB, CHANNEL

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


class Office:
    """A moved world in which people take checkpoints, and the clock looks every hour."""

    def __init__(self, folder: Path) -> None:
        self.world = MovedWorld(folder, START, settings(folder))
        self._numbers = itertools.count()
        self.open()

    def open(self) -> None:
        """Start, as after a stop: only what is in the ledger is known."""
        world = self.world
        durable = cast(Durable, world.durable)
        keeper = Housekeeping(
            HousekeepingSettings(),
            ZoneInfo("UTC"),
            world.ledger,
            world.inventory,
            world.changes,
            durable,
            world.clock,
        )
        self.expiry = Expiry(
            KeepSettings(),
            world.ledger,
            keeper,
            world.board,
            durable,
            world.clock,
            Permission(world.settings, world.gate).of,
            world.gate.has_left,
        )
        keeper.declare()
        keeper.register(self.expiry)
        world.changes._by_the_clock.clear()
        world.changes.listen(keeper)

    def ask(self, action: Create | Keep | Claim, target: Target, who: str = ADA) -> None:
        plan = Plan(action, (target,), action.verb)
        person = Person(who, "ada" if who == ADA else "bob")
        self.world.changes.submit(str(uuid.uuid4()), plan, person, Origin(CHANNEL, who))

    def take(self, vm: str, name: str, *, days: float = 14, who: str = ADA) -> None:
        self.world.clock.move_to(self.world.clock() + timedelta(seconds=1))
        self.ask(Create(name, None, days * 86400), self.target(vm), who)

    def target(self, vm: str, checkpoint: str = "") -> Target:
        seen = self.world.look(self.world.vm(vm).id)
        return Target.of(seen, next((c for c in seen.checkpoints if c.name == checkpoint), None))

    def forward(self, *, days: float = 0, hours: float = 0) -> None:
        """Six hours at a time, and the last ones hour by hour; the fleet is scanned each time."""
        left = int(days * 24 + hours)
        while left:
            step = 6 if left > 6 else 1
            left -= step
            self.world.forward(hours=step)
            if self.world.durable.down:
                continue
            self.world.inventory.refresh()
            for one in self.world.inventory.inventories():
                self.world.ledger.checkpoints.seen(one)
            self.expiry.look()

    @property
    def notices(self) -> list[tuple[MessageRef, Reply]]:
        """All that was shown but the cards of changes."""
        return [(ref, shown) for ref, shown in self.world.board.shown.items() if "asked by" not in shown.text]

    @property
    def told(self) -> list[str]:
        return [shown.text for _, shown in self.notices]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.world.close()


def test_an_owner_is_told_two_days_before_with_buttons_and_once_and_again_at_the_end(office: Office) -> None:
    office.world.add_vm("web01", Past("made elsewhere", 90 * DAY))
    office.take("web01", "before")
    office.forward(days=11.9)
    assert office.told == []

    office.forward(days=1)
    ((ref, notice),) = office.notices
    assert ref.channel == ""
    assert "web01: before" in notice.text
    assert "deleted at 2026-12-04 09:00 UTC" in notice.text
    assert [button.label for button in buttons(notice)] == ["Keep 7 days", "Keep for good", "Delete"]

    office.forward(days=1)
    assert office.world.checkpoints("web01") == ["made elsewhere", "before"]
    office.forward(days=3)
    assert office.world.checkpoints("web01") == ["made elsewhere"]
    assert [unmarked(text) for text in office.told[1:]] == ["before of web01 is deleted: its time was over."]


def test_an_owner_who_may_delete_no_more_is_told_once_why_it_stays(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    grants = (GrantSettings(to=(ADA,), role="operator", vms=("*",)),)
    less = office.world.settings.access.model_copy(update={"grants": grants})
    office.expiry.allowed = Permission(
        office.world.settings.model_copy(update={"access": less}), Gate(office.world.people, less)
    ).of

    office.forward(days=20)

    assert office.world.checkpoints("web01") == ["before"]
    (told,) = map(unmarked, office.told)
    assert told.startswith("before of web01 stays when its time is over, and is only listed: ")
    assert "delete" in told


def test_what_is_kept_for_a_shorter_time_than_the_notice_goes_without_one(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "short", days=1)
    office.forward(days=1.2)
    assert office.world.checkpoints("web01") == []
    assert office.told == ["short of web01 is deleted: its time was over."]


def test_what_is_kept_for_less_than_it_was_taken_for_goes_no_sooner_than_the_full_notice_after_that(
    office: Office,
) -> None:
    office.world.add_vm("web01")
    office.take("web01", "long")
    office.forward(hours=1)
    office.ask(Keep(office.world.clock() + timedelta(minutes=1)), office.target("web01", "long"))
    office.forward(hours=1)
    (told,) = office.told
    assert "deleted at 2026-11-22 10:00 UTC" in told
    office.forward(hours=46)
    assert office.world.checkpoints("web01") == ["long"]
    office.forward(hours=3)
    assert office.world.checkpoints("web01") == []
    assert len(office.told) == 2


@pytest.mark.parametrize("action", [Keep(None), Keep(START + timedelta(days=60)), Claim()])
def test_what_somebody_keeps_or_claims_stays(office: Office, action: Keep | Claim) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    office.forward(days=13)
    office.ask(action, office.target("web01", "before"), BOB)
    office.forward(days=7)
    assert office.world.checkpoints("web01") == ["before"]
    assert len(office.told) == 1


def test_that_which_another_ones_hangs_under_stays_and_its_owner_is_told_why(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    office.take("web01", "of bob", days=60, who=BOB)
    office.forward(days=16)
    assert office.world.checkpoints("web01") == ["before", "of bob"]
    assert unmarked(office.told[1]) == (
        "before of web01 stays, although its time is over: of bob hangs under it, which somebody else took."
    )
    assert len(office.told) == 2


def test_what_belongs_to_somebody_who_has_left_stays_and_nobody_is_told(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    office.world.people.deactivate(ADA)
    office.forward(days=16)
    assert office.world.checkpoints("web01") == ["before"]
    assert office.told == []


def test_a_host_that_is_down_for_two_nights_and_a_restart_in_between_change_only_when_it_goes(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before", days=3)
    office.forward(days=2)
    office.world.arm(FaultKind.REFUSE_CONNECTION, times=None)
    office.forward(days=1.2)
    office.open()
    office.forward(days=0.8)
    assert len(office.told) == 1
    office.world.host().faults.disarm()
    office.forward(hours=3)
    assert office.world.checkpoints("web01") == []
    assert len(office.told) == 2


def test_who_is_told_late_has_half_of_the_notice_left(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    office.world.durable.down = True
    office.forward(days=20)
    office.world.durable.down = False
    office.forward(hours=1)
    assert "web01: before" in office.told[0]
    office.forward(hours=22)
    assert office.world.checkpoints("web01") == ["before"]
    office.forward(hours=3)
    assert office.world.checkpoints("web01") == []


def test_who_cannot_be_told_alone_is_told_where_it_was_taken_and_who_cannot_be_told_loses_nothing(
    office: Office,
) -> None:
    barred = {""}

    def post(origin: Origin, message: Reply) -> MessageRef | None:
        if origin.channel in barred:
            raise AnnouncerError("missing_scope", lasting=True)
        return Board.post(office.world.board, origin, message)

    office.world.board.post = post  # type: ignore[method-assign]
    office.world.add_vm("web01")
    office.take("web01", "before", days=3)
    office.forward(days=2)
    assert [ref.channel for ref, _ in office.notices] == [CHANNEL]

    barred.add(CHANNEL)
    office.take("web01", "second", days=3)
    office.forward(days=9)
    assert office.world.checkpoints("web01") == ["second"]


def test_two_bots_tell_it_once(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before")
    office.forward(days=12.5)
    for _ in range(2):
        office.open()
        office.expiry.look()
    assert len(office.told) == 1


def test_the_change_is_an_ordinary_one_of_its_owners(office: Office) -> None:
    office.world.add_vm("web01")
    office.take("web01", "before", days=1)
    office.forward(days=1.2)
    (entry,) = office.world.ledger.history.find(limit=1)
    row = office.world.ledger.changes.get(entry.change_id)
    assert row is not None
    assert (row.verb, row.state, row.person_id) == ("delete", ChangeState.SUCCEEDED, ADA)
    assert row.summary == "delete before of web01 (by expiry)"


PEOPLE = st.sampled_from([None, ADA, BOB])
NOTES = st.builds(
    CheckpointNote,
    owner=PEOPLE,
    taken_by=PEOPLE,
    keeper=PEOPLE,
    pinned=st.booleans(),
    schedule=st.sampled_from(["", "", "nightly"]),
    safety=st.booleans(),
    keep_until=st.none() | st.sampled_from([START - timedelta(days=1), START + timedelta(days=1)]),
)
TYPES = st.sampled_from([SnapshotType.STANDARD, SnapshotType.STANDARD, SnapshotType.RECOVERY, SnapshotType.MISSING])


@st.composite
def trees(draw: st.DrawFn) -> tuple[VMInventory, Mapping[str, CheckpointNote]]:
    """A VM with checkpoints in any order under each other, and what the ledger may know of them."""
    made: list[Checkpoint] = []
    for number in range(draw(st.integers(1, 5))):
        parent = draw(st.none() | st.sampled_from(made)) if made else None
        made.append(Checkpoint(f"c{number}", f"n{number}", "vm", START, parent.id if parent else None, draw(TYPES)))
    notes = {one.id: draw(NOTES) for one in made if draw(st.booleans())}
    return VMInventory(VM("vm", "web01", "hv01", VMState.RUNNING), tuple(made)), notes


@given(trees())
def test_whatever_is_there_only_ones_own_that_nobody_wants_and_nothing_hangs_under_goes(
    given_: tuple[VMInventory, Mapping[str, CheckpointNote]],
) -> None:
    seen, notes = given_
    for one in seen.checkpoints:
        if stays(seen, one.id, notes, START) is not None:
            continue
        note = notes[one.id]
        assert note.taken_by is not None
        assert note.owner == note.taken_by
        assert note.keeper in (None, note.taken_by)
        assert not note.pinned
        assert not note.schedule
        assert note.keep_until is not None and note.keep_until <= START
        assert one.managed_by is None
        below = [notes.get(c.id, CheckpointNote()) for c in seen.subtree(one.id)[1:]]
        assert all(other.taken_by == other.owner == note.taken_by for other in below)

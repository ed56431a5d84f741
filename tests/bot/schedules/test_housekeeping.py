"""Deletes by the clock: oldest first, one merge at a time on a host, in their hours, and never what is to stay."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from backends.base import VMInventory
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import FaultKind
from backends.simulator.model.storage import GB
from bot.ledger import ChangeState, Stage, Wanted
from bot.messages import Origin
from bot.schedules.housekeeping import Housekeeping
from bot.settings import HousekeepingSettings
from bot.settings.kinds import Hours
from commands.base import Delete, Person, Plan, Target
from tests.support.headquarters import settings
from tests.support.moved_clock import MovedWorld
from tests.support.people import ADA, BOB, CHANNEL, EVE

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PARIS = ZoneInfo("Europe/Paris")
OLD = (Past("first", 30 * DAY), Past("second", 20 * DAY), Past("third", 10 * DAY))


@dataclass
class Expiry:
    """Who asks."""

    word: str = "expiry"
    stays: dict[str, str] = field(default_factory=dict)
    told: list[tuple[str, Stage, str]] = field(default_factory=list)
    tight: list[tuple[str, str]] = field(default_factory=list)

    def still(self, wanted: Wanted, seen: VMInventory) -> str:
        assert seen.checkpoint(wanted.checkpoint_id) is not None
        return self.stays.get(wanted.checkpoint_name, "")

    def no_room(self, wanted: Wanted, why: str) -> None:
        self.tight.append((wanted.checkpoint_name, why))

    def over(self, wanted: Wanted) -> None:
        self.told.append((wanted.checkpoint_name, wanted.stage, wanted.why))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[MovedWorld]:
    made = MovedWorld(tmp_path, START, settings(tmp_path))
    yield made
    made.close()


@pytest.fixture
def expiry() -> Expiry:
    return Expiry()


def housekeeping(world: MovedWorld, expiry: Expiry, *, between: Hours | None = None) -> Housekeeping:
    made = Housekeeping(
        HousekeepingSettings(between=between),
        PARIS,
        world.ledger,
        world.inventory,
        world.changes,
        world.durable,
        world.clock,
    )
    made.declare()
    made.register(expiry)
    world.changes.listen(made)
    return made


def wanted(world: MovedWorld, vm: str, checkpoint: str, owner: str = ADA) -> Wanted:
    on = world.vm(vm)
    one = next(c for c in on.ordered() if c.name == checkpoint)
    taken_at = datetime.fromtimestamp(one.created, UTC)
    return Wanted(
        f"{vm}-{checkpoint}",
        "expiry",
        "test",
        owner,
        "ada",
        CHANNEL,
        "hv01",
        on.id,
        vm,
        one.id,
        checkpoint,
        taken_at,
    )


def test_the_oldest_goes_first_and_the_next_when_its_disks_are_merged(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)

    keeper.queue(wanted(world, "web01", "second"), wanted(world, "web01", "first"))

    assert world.checkpoints("web01") == ["second", "third"]
    assert expiry.told == [("first", Stage.MERGING, "")]
    world.forward(minutes=5)
    assert world.checkpoints("web01") == ["third"]
    assert [stage for _, stage, _ in expiry.told] == [Stage.MERGING, Stage.DONE, Stage.MERGING, Stage.DONE]
    row = world.ledger.changes.get("web01-first")
    assert row is not None
    assert (row.state, row.person_id, row.summary) == (ChangeState.SUCCEEDED, ADA, "delete first of web01 (by expiry)")
    assert world.board.texts == []


def test_of_several_vms_the_one_with_the_smallest_merge_goes_first(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry, between=Hours(time(22), time(5)))
    for name, size in (("big01", 30), ("big02", 10), ("big03", 20)):
        world.add_vm(name, Past("first", 30 * DAY, size * GB), Past("second", 20 * DAY, GB))
    world.inventory.refresh(disks=True)
    keeper.queue(*(wanted(world, vm, one) for vm in ("big01", "big02", "big03") for one in ("second", "first")))
    order = [(one.vm_name, one.checkpoint_name) for one in keeper._cheapest_first("hv01")]
    assert order == [(vm, one) for vm in ("big02", "big03", "big01") for one in ("first", "second")]
    world.forward(hours=14)
    done = [world.ledger.changes.get(f"{vm}-{one}") for vm, one in order]
    begun = [one.created_at for one in done if one is not None]
    assert (len(begun), begun) == (6, sorted(begun))


def test_a_merge_that_does_not_fit_is_not_begun(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", Past("first", 30 * DAY, 30 * GB), Past("second", 20 * DAY, GB))
    for volume in world.host().storage.volumes:
        volume.other += volume.free - 20 * GB

    keeper.queue(wanted(world, "web01", "first"))

    assert world.checkpoints("web01") == ["first", "second"]
    ((name, why),) = expiry.tight
    assert (name, expiry.told) == ("first", [("first", Stage.STAYS, why)])
    assert re.search(r"it may need [\d.]+ GB, and \S+ has 20.0 GB free", why)


def test_what_is_to_stay_after_all_stays(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    expiry.stays["first"] = "ada keeps it"

    keeper.queue(wanted(world, "web01", "first"), wanted(world, "web01", "second"))
    world.forward(minutes=5)

    assert world.checkpoints("web01") == ["first", "third"]
    assert expiry.told[0] == ("first", Stage.STAYS, "ada keeps it")


def test_they_begin_in_the_hours_that_the_settings_give(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry, between=Hours(time(22), time(5)))
    world.add_vm("web01", *OLD)

    keeper.queue(wanted(world, "web01", "first"))
    world.forward(hours=11)  # 20:00 UTC is 21:00 in Paris
    assert world.checkpoints("web01") == ["first", "second", "third"]

    world.forward(hours=2)
    assert world.checkpoints("web01") == ["second", "third"]


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (datetime(2026, 11, 20, 20, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, 0, tzinfo=UTC)),
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), datetime(2026, 11, 20, 23, 30, tzinfo=UTC)),
        (datetime(2026, 11, 21, 4, 30, tzinfo=UTC), datetime(2026, 11, 21, 21, 0, tzinfo=UTC)),
        (datetime(2027, 3, 28, 12, 0, tzinfo=UTC), datetime(2027, 3, 28, 20, 0, tzinfo=UTC)),
    ],
)
def test_the_hours_are_those_of_the_time_zone(world: MovedWorld, expiry: Expiry, at: datetime, opens: datetime) -> None:
    assert housekeeping(world, expiry, between=Hours(time(22), time(5))).opens(at) == opens


def test_a_host_that_is_away_is_tried_again(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    world.inventory.refresh()
    one = wanted(world, "web01", "first")
    world.arm(FaultKind.REFUSE_CONNECTION, times=None)

    keeper.queue(one)
    world.forward(minutes=15)
    assert world.checkpoints("web01") == ["first", "second", "third"]
    world.hosts["hv01"].faults.disarm()
    world.forward(minutes=25)

    assert world.checkpoints("web01") == ["second", "third"]


def test_its_owner_needs_the_right_to_it_when_its_turn_comes(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)

    keeper.queue(wanted(world, "web01", "first", owner=EVE))

    assert world.checkpoints("web01") == ["first", "second", "third"]
    ((_, stage, why),) = expiry.told
    assert (stage, why) == (Stage.STAYS, f"no grant for delete on web01 in {CHANNEL}")


def test_what_waited_when_the_bot_stopped_goes_on_at_its_start(world: MovedWorld, expiry: Expiry) -> None:
    first = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    world.ledger.housekeeping.queue(wanted(world, "web01", "first"), wanted(world, "web01", "second"))
    world.ledger.housekeeping.move("web01-first", Stage.DELETING, of=(Stage.WAITING,))  # and there it died

    first.start()
    world.forward(minutes=5)

    assert world.checkpoints("web01") == ["third"]


def test_the_same_is_queued_once(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    one = wanted(world, "web01", "first")

    keeper.queue(one, one)
    keeper.queue(one)

    assert [stage for _, stage, _ in expiry.told].count(Stage.MERGING) == 1


def freeze(world: MovedWorld) -> None:
    world.ledger.freezes.begin("frozen", Person(BOB, "bob"), Origin(CHANNEL, BOB), "")


def lift(world: MovedWorld, keeper: Housekeeping) -> None:
    for who in (ADA, BOB):
        world.ledger.freezes.lift(f"lifted by {who}", Person(who, who), Origin(CHANNEL, who), timedelta(minutes=30))
    keeper.go_on_everywhere()


@pytest.mark.parametrize("lifted", ["after its turn", "before its turn"])
def test_what_a_freeze_stops_goes_when_it_is_lifted(world: MovedWorld, expiry: Expiry, lifted: str) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    one = wanted(world, "web01", "first")
    world.ledger.housekeeping.queue(one)
    world.ledger.housekeeping.move(one.id, Stage.DELETING, of=(Stage.WAITING,))
    seen = world.look(one.vm_id)
    plan = Plan(Delete(), (Target.of(seen, seen.checkpoint(one.checkpoint_id)),), "delete first", clock=one.clock)
    world.ledger.changes.request(one.id, plan, Person(ADA, "ada"), Origin(CHANNEL, ADA))
    world.ledger.changes.move(one.id, ChangeState.QUEUED, by="bot")

    freeze(world)
    if lifted == "after its turn":
        world.changes.stop_queued(Person(BOB, "bob"))
    else:
        lift(world, keeper)
    world.durable.start(one.id, world.changes._change, one.id)  # its turn has come
    if lifted == "after its turn":
        assert world.checkpoints("web01") == ["first", "second", "third"]
        assert expiry.told == []
        lift(world, keeper)

    assert world.checkpoints("web01") == ["second", "third"]
    assert expiry.told == [("first", Stage.MERGING, "")]


def test_a_freeze_that_comes_while_a_host_is_looked_at_holds(world: MovedWorld, expiry: Expiry) -> None:
    class Freezes(Expiry):
        def still(self, wanted: Wanted, seen: VMInventory) -> str:
            freeze(world)
            return super().still(wanted, seen)

    expiry = Freezes()
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    keeper.queue(wanted(world, "web01", "first"))
    assert world.checkpoints("web01") == ["first", "second", "third"]
    keeper._askers["expiry"] = Expiry()
    lift(world, keeper)

    assert world.checkpoints("web01") == ["second", "third"]
    assert expiry.told == []


def test_a_workspace_that_does_not_answer_is_asked_again(world: MovedWorld, expiry: Expiry) -> None:
    keeper = housekeeping(world, expiry)
    world.add_vm("web01", *OLD)
    world.people.out_of_order = True
    keeper.queue(wanted(world, "web01", "first"))
    world.people.out_of_order = False
    world.forward(minutes=15)

    assert world.checkpoints("web01") == ["second", "third"]
    assert [stage for _, stage, _ in expiry.told] == [Stage.MERGING, Stage.DONE]

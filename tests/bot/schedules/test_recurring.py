"""Schedules on a moved clock: each run once, what it made kept as long as it says, and everything said once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backends.base import VMState
from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeState
from bot.messages import MessageRef, Origin
from bot.settings import ConfirmationSettings, GrantSettings, QuotaSettings
from commands.base import Apply, Claim, Person, Plan, Reply, SchedulePlan, Target
from tests.support.board import Board
from tests.support.headquarters import Headquarters, settings
from tests.support.people import ADA, BOB, CHANNEL
from tests.support.scheduled import Scheduled, nightly

START = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Scheduled]:
    made = Scheduled(tmp_path, START)
    yield made
    made.close()


def told(world: Scheduled) -> list[str]:
    return world.board.texts


def test_it_takes_production_checkpoints_named_by_schedule_and_time_and_says_so_in_one_line(world: Scheduled) -> None:
    world.add("web01")
    world.add("web02", host="hv02")
    world.add("sql01")
    world.put_schedule(nightly())

    world.forward(days=1)

    assert world.checkpoints("web01") == world.checkpoints("web02", "hv02") == ["nightly 2026-11-21 02.30"]
    assert world.checkpoints("sql01") == []
    assert told(world) == ["✅ nightly: took nightly 2026-11-21 02.30 of web01 and web02."]
    rows = [world.ledger.changes.get(e.change_id) for e in world.ledger.history.find(limit=9)]
    assert {(row.person_id, row.state, row.summary.split(" of ")[1]) for row in rows if row} == {
        (ADA, ChangeState.SUCCEEDED, "web01 (by schedule nightly)"),
        (ADA, ChangeState.SUCCEEDED, "web02 (by schedule nightly)"),
    }


def test_after_downtime_one_run_is_made_up_not_seven(world: Scheduled) -> None:
    world.add("web01")
    world.put_schedule(nightly())
    world.durable.down = True
    world.forward(days=7)
    assert world.checkpoints("web01") == []

    world.start_again()
    world.forward(hours=1)

    assert world.checkpoints("web01") == ["nightly 2026-11-27 02.30"]


def test_a_run_that_was_asked_for_before_a_crash_is_begun_once_at_the_next_start(world: Scheduled) -> None:
    world.add("web01")
    plan = SchedulePlan("run", world.put_schedule(nightly()))
    world.ledger.schedules.carry_out("the change", plan, Person(ADA, "ada"), Origin(CHANNEL, ADA), ())

    world.recurring.start()
    world.recurring.start()

    assert len(world.checkpoints("web01")) == len(told(world)) == 1
    assert world.ledger.schedules.asked_for() == ()


def test_a_freeze_that_is_lifted_on_the_bots_machine_lets_the_clock_go_on_within_minutes(world: Scheduled) -> None:
    world.add("web01")
    world.put_schedule(nightly())
    world.ledger.freezes.begin("freeze", Person(BOB, "bob"), Origin(CHANNEL, BOB), "")
    world.forward(days=1)
    assert world.checkpoints("web01") == []

    world.ledger.freezes.lift_here("lift", "root")
    world.forward(minutes=6)

    assert world.checkpoints("web01") == ["nightly 2026-11-21 02.30"]


def test_a_clock_that_is_set_back_while_the_next_run_is_waited_for_ends_no_schedule(world: Scheduled) -> None:
    world.add("web01")
    world.put_schedule(nightly())
    sleep, slept = world.durable.sleep, []

    def set_back_once(seconds: float) -> None:
        sleep(seconds)
        slept.append(seconds)
        if len(slept) == 1:
            world.clock.now -= timedelta(seconds=1)

    world.durable.sleep = set_back_once  # type: ignore[method-assign]
    world.forward(days=2)

    assert slept[:2] == [0.0, 1.0]
    assert world.checkpoints("web01") == ["nightly 2026-11-21 02.30", "nightly 2026-11-22 02.30"]


def test_runs_by_hand_push_out_nothing_that_it_keeps(world: Scheduled) -> None:
    world.add("web01")
    schedule = world.put_schedule(nightly(keep_last=2))
    world.forward(days=2)
    nights = ["nightly 2026-11-21 02.30", "nightly 2026-11-22 02.30"]

    for number in range(3):
        plan, change = SchedulePlan("run", schedule), f"change-{number}"
        world.ledger.schedules.carry_out(change, plan, Person(ADA, "ada"), Origin(CHANNEL, ADA), ())
        world.recurring.run_now(schedule, None, change)
        world.forward(minutes=1)

    assert world.checkpoints("web01")[:2] == nights
    assert len(world.checkpoints("web01")) == 5
    world.forward(days=1)
    assert nights[0] not in world.checkpoints("web01")


def test_two_bots_never_run_one_twice(world: Scheduled) -> None:
    world.add("web01")
    world.put_schedule(nightly())
    other = world.another_bot("second")
    world.durable.down = True
    world.forward(days=1)
    world.durable.down = False

    world.recurring.look()
    world.durable._begun = {one for one in world.durable._begun if not one.startswith("schedule-")}
    other.look()

    assert world.checkpoints("web01") == ["nightly 2026-11-21 02.30"]
    assert len(told(world)) == 1


def test_what_is_kept_or_claimed_or_anothers_parent_stays_and_it_is_said_once(world: Scheduled) -> None:
    vm = world.add("web01", Past("before-upgrade", 40 * DAY))
    world.put_schedule(nightly(keep_last=2))
    world.forward(days=2)
    first = world.vm("web01").ordered()[1]
    second = world.vm("web01").ordered()[2]
    world.ledger.checkpoints.keep(_target(world, vm.id, first.id), None, by=ADA)
    claim = Plan(Claim(), (_target(world, vm.id, second.id),), "claim it")
    world.ledger.changes.request("claim", claim, world.people.person(BOB), Origin(CHANNEL, BOB))
    world.ledger.checkpoints.claim(claim.targets[0], "claim")

    world.forward(days=4)

    assert world.checkpoints("web01") == [
        "before-upgrade",
        "nightly 2026-11-21 02.30",
        "nightly 2026-11-22 02.30",
        "nightly 2026-11-25 02.30",
        "nightly 2026-11-26 02.30",
    ]
    said = "\n".join(told(world))
    assert said.count("nightly 2026-11-21 02.30 of web01 stays: 1 checkpoint of others hangs under it") == 0
    assert said.count("nightly 2026-11-21 02.30 of web01 stays: ada keeps it") == 1
    assert said.count("nightly 2026-11-22 02.30 of web01 stays: bob claimed it") == 1


def test_a_vm_on_which_nothing_has_run_is_left_out_and_that_is_said_once(world: Scheduled) -> None:
    world.add_vm("web01").state = VMState.OFF
    world.put_schedule(nightly())

    world.forward(days=5)

    assert world.checkpoints("web01") == ["nightly 2026-11-21 02.30"]
    assert sum("nothing has run on it since the last one" in text for text in told(world)) == 1
    assert told(world)[-1] == "✅ nightly: Nothing was taken. 1 VM left out for a reason told before."


def test_a_vm_of_which_its_owner_lost_a_right_is_left_out_and_that_is_said_once(tmp_path: Path) -> None:
    """Of one she may take checkpoints still, and not delete them; the other she does not even see."""
    given = settings(tmp_path)
    grants = (
        GrantSettings(to=(ADA,), role="owner", vms=("web01",)),
        GrantSettings(to=(ADA,), role="operator", vms=("web02",)),
    )
    access = given.access.model_copy(update={"grants": grants})
    world = Scheduled(tmp_path, START, given=given.model_copy(update={"access": access}))
    try:
        for vm in ("web01", "web02", "web03"):
            world.add(vm)
        world.put_schedule(nightly(keep=7 * DAY))

        world.forward(days=3)

        assert [len(world.checkpoints(vm)) for vm in ("web01", "web02", "web03")] == [3, 0, 0]
        said = "\n".join(told(world))
        assert said.count("web02 was left out: ada may not delete checkpoints of it any more") == 1
        assert said.count("one VM out of sight was left out: ada may not create and delete checkpoints of it") == 1
        assert "web03" not in said
        assert told(world)[-1].endswith("of web01. 2 VMs left out for a reason told before.")
    finally:
        world.close()


def test_however_often_it_is_looked_at_what_is_due_one_look_waits(world: Scheduled) -> None:
    world.add("web01")
    for name in ("nightly", "weekly"):
        world.put_schedule(nightly(name=name))
    for _ in range(5):
        world.start_again()
    assert len(world.durable.waiting) == 1

    world.forward(days=3)

    assert len(world.durable.waiting) - len([id for id in world.durable.waiting if id.endswith("-late")]) == 1


def test_an_owner_who_left_pauses_it_and_that_is_said_once(world: Scheduled) -> None:
    world.add("web01")
    schedule = world.put_schedule(nightly())
    world.forward(days=2)
    world.people.deactivate(ADA)

    world.forward(days=5)

    assert len(world.checkpoints("web01")) == 2
    assert sum("is paused" in text for text in told(world)) == 1
    now = world.ledger.schedules.get(schedule.id)
    assert now is not None
    assert (now.paused_by, now.paused_why) == ("the bot", "deactivated")


def test_while_slack_does_not_say_who_the_owner_is_it_waits_and_is_not_paused(world: Scheduled) -> None:
    world.add("web01")
    world.put_schedule(nightly())
    world.people.out_of_order = True
    world.forward(hours=17, minutes=35)
    world.people.out_of_order = False

    world.forward(hours=3)

    assert world.checkpoints("web01") == ["nightly 2026-11-21 02.30"]


def test_what_somebody_applied_in_between_stays(tmp_path: Path) -> None:
    given = settings(tmp_path).model_copy(update={"confirmation": ConfirmationSettings(actions=())})
    world = Scheduled(tmp_path, START, given=given)
    try:
        vm = world.add("web01")
        world.put_schedule(nightly(keep_last=2))
        world.forward(days=2)
        second = world.vm("web01").ordered()[-1]
        plan = Plan(Apply(safety=False), (_target(world, vm.id, second.id),), "apply it")
        world.changes.submit("apply", plan, world.people.person(BOB), Origin(CHANNEL, BOB))

        world.forward(days=6)

        assert world.checkpoints("web01") == [f"nightly 2026-11-{day} 02.30" for day in (22, 27, 28)]
        said = "\n".join(told(world))
        assert said.count("nightly 2026-11-22 02.30 of web01 stays: bob applied it") == 1
    finally:
        world.close()


def test_what_its_owner_may_have_no_more_of_is_left_out_and_what_goes_makes_room(tmp_path: Path) -> None:
    given = settings(tmp_path).model_copy(update={"quota": QuotaSettings(checkpoints_per_owner=3)})
    world = Scheduled(tmp_path, START, given=given)
    try:
        for vm in ("web01", "web02"):
            world.add(vm)
        schedule = world.put_schedule(nightly(keep_last=1))
        world.forward(days=5)
        assert world.checkpoints("web01") == ["nightly 2026-11-25 02.30"]
        assert world.checkpoints("web02") == ["nightly 2026-11-25 02.30"]

        world.add("web03")
        world.add("web04")
        rehearsed = world.picker.pick(schedule)
        assert [one.seen.vm.name for one in rehearsed.taken] == ["web01", "web02", "web03"]
        assert [(one.vm_name, one.key) for one in rehearsed.left] == [("web04", "quota")]
        world.forward(days=2)

        assert world.checkpoints("web03") == ["nightly 2026-11-27 02.30"]
        assert world.checkpoints("web04") == []
        said = "\n".join(told(world))
        assert said.count("web04 was left out: its owner has all that quota allows: 3 checkpoints") == 1
    finally:
        world.close()


def _target(world: Scheduled, vm_id: str, checkpoint_id: str) -> Target:
    seen = world.look(vm_id)
    return Target.of(seen, seen.checkpoint(checkpoint_id))


@dataclass
class Clumsy(Board):
    """It has a defect, which meets the message of a run."""

    met: bool = False

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        if "took clumsy" in message.text and not self.met:
            self.met = True
            raise RuntimeError
        return super().post(origin, message)


def test_a_defect_in_showing_a_run_is_told_in_its_channel(tmp_path: Path) -> None:
    hq = Headquarters(tmp_path)
    hq.board = Clumsy()
    with hq:
        hq.add_vm("app01")
        hq.core.inventory.refresh(disks=True)
        hq.type("schedule add app* --at 02:00 --name clumsy")
        hq.type("schedule run clumsy")
        hq.board.pulse.wait_for(
            lambda: [one for one in hq.board.texts if "Something went wrong in the bot itself" in one]
        )

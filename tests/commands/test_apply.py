"""Putting a VM back to a checkpoint."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backends.base import CheckpointType, OperationalStatus, SnapshotType, VMState
from commands.base import Apply, CheckpointNote, NotKnown


def test_a_plan_names_the_checkpoint_by_guid_and_the_picture_it_was_made_from(world):
    vm = world.vm("web01")
    first, second = world.checkpoint(vm, "first", days=3), world.checkpoint(vm, "second", days=1)
    (target,) = world.run("apply", "web01", "first").targets
    assert (target.vm_id, target.checkpoint_id) == (vm.id, first.id)
    assert {row[:2] for row in target.picture.tree} == {(first.id, None), (second.id, first.id)}


def test_it_says_what_will_be_lost_and_what_stays(world):
    vm = world.vm("web01", uptime=3 * 86400.0)
    one = world.checkpoint(vm, "before", days=7)
    world.checkpoint(vm, "after", days=1)
    world.book.known[one.id] = CheckpointNote(kind="production")
    consequences = "\n".join(world.run("apply", "web01", "before").consequences)
    assert "web01 is on hv01, running for 3 days." in consequences
    assert "since before (production, 2026-11-15 14:05 UTC, 7 days ago) will be lost" in consequences
    assert "web01 keeps its 1 newer checkpoint." in consequences


def test_a_safety_checkpoint_comes_first_and_can_undo_it(world):
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("apply", "web01", "before")
    assert plan.action == Apply(safety=True, keep_safety=86400.0, start=True)
    assert "kept for 1 day: applying that undoes this" in "\n".join(plan.consequences)


def test_without_a_safety_checkpoint_it_cannot_be_undone(world):
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("apply", "web01", "before", "--no-safety")
    assert plan.action.safety is False
    assert "cannot be undone" in "\n".join(plan.consequences)


def test_the_settings_may_do_without_safety_checkpoints_and_say_how_long_they_last(world):
    world.checkpoint(world.vm("web01"), "before")
    world.policy = replace(world.policy, keep_safety=timedelta(hours=2))
    assert "kept for 2 hours" in "\n".join(world.run("apply", "web01", "before").consequences)
    world.policy = replace(world.policy, safety_checkpoint=False)
    assert world.run("apply", "web01", "before").action.safety is False


@pytest.mark.parametrize(
    ("state", "has_memory", "options", "ending"),
    [
        (VMState.RUNNING, True, (), "then runs on with the memory"),
        (VMState.RUNNING, False, (), "the bot starts the VM and its guest boots"),
        (VMState.RUNNING, False, ("--no-start",), "is off afterwards, and stays off as you asked"),
        (VMState.OFF, True, (), "will be saved"),
        (VMState.PAUSED, True, (), "will be saved"),
        (VMState.OFF, False, (), "will be off"),
        (VMState.PAUSED, False, (), "will be off"),
    ],
)
def test_it_says_how_the_vm_ends_up(world, state, has_memory, options, ending):
    world.checkpoint(world.vm("web01", state=state), "before", has_memory=has_memory)
    assert ending in "\n".join(world.run("apply", "web01", "before", *options).consequences)


def test_a_group_gets_one_plan_with_a_sentence_for_each_way_it_ends(world):
    for number in range(1, 6):
        vm = world.vm(f"web0{number}", state=VMState.OFF if number == 5 else VMState.RUNNING)
        world.checkpoint(vm, "before", days=2)
        world.checkpoint(vm, "after")
    plan = world.run("apply", "web*", "before")
    assert len(plan.targets) == 5
    consequences = "\n".join(plan.consequences)
    assert "Each of web01, web02, web03 and web04 is off in between" in consequences
    assert "web05 is not running and will be off." in consequences
    assert "All of them keep their checkpoints, the newer ones too." in consequences
    assert plan.each[4] == "web05 is on hv01, off: before (type unknown, 2026-11-20 14:05 UTC, 2 days ago)"
    assert [line.split()[0] for line in plan.each] == ["web01", "web02", "web03", "web04", "web05"]


def test_in_a_group_the_vms_without_that_checkpoint_are_named_and_nothing_is_planned(world):
    world.checkpoint(world.vm("web01"), "before")
    world.vm("web02")
    world.vm("web03")
    with pytest.raises(NotKnown, match="web02 and web03 have no checkpoint called before"):
        world.run("apply", "web01,web02,web03", "before")


@pytest.mark.parametrize(
    ("kind", "owner"), [(SnapshotType.RECOVERY, "a backup"), (SnapshotType.REPLICA, "Hyper-V Replica")]
)
def test_a_point_of_a_backup_or_a_replica_is_not_applied(world, kind, owner):
    world.checkpoint(world.vm("web01"), "point", snapshot_type=kind)
    assert f"belongs to {owner}" in world.refuse("apply", "web01", "point")


def test_an_automatic_checkpoint_may_be_applied(world):
    world.checkpoint(world.vm("web01"), "automatic", automatic=True)
    assert world.run("apply", "web01", "automatic").verb == "apply"


def test_fifty_checkpoints_leave_no_room_for_a_safety_checkpoint(world):
    vm = world.vm("web01")
    for number in range(50):
        world.checkpoint(vm, f"c{number}")
    assert "/checkpoint apply web01 c7 --no-safety" in world.refuse("apply", "web01", "c7")
    assert world.run("apply", "web01", "c7", "--no-safety").verb == "apply"


def test_checkpoints_switched_off_leave_no_way_to_take_a_safety_checkpoint(world):
    world.checkpoint(world.vm("web01", checkpoint_type=CheckpointType.DISABLED), "before")
    assert "--no-safety" in world.refuse("apply", "web01", "before")


def test_nothing_is_applied_while_a_backup_runs(world):
    vm = world.vm("web01", operational_status=(OperationalStatus.BACKING_UP,))
    world.checkpoint(vm, "before")
    assert "backup of web01 is running" in world.refuse("apply", "web01", "before")


def test_a_domain_controller_gets_a_caution_and_memory_a_second_one(world):
    vm = world.vm("dc01")
    world.checkpoint(vm, "disks")
    world.checkpoint(vm, "memory", has_memory=True)
    world.policy = replace(world.policy, production_only=("dc*",))
    assert len(world.run("apply", "dc01", "disks").cautions) == 1
    assert "holds memory" in world.run("apply", "dc01", "memory").cautions[1]


def test_what_is_at_stake_comes_first_and_is_asked_about_twice_where_it_is_much(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "before", days=17)
    world.grown(vm, one, 140 * 1024**3)
    plan = world.run("apply", "web01", "before")
    assert (plan.stake, plan.grave) == ("17 days and 140 GB", True)


def test_little_is_asked_about_once(world):
    vm = world.vm("web01")
    world.grown(vm, world.checkpoint(vm, "before", days=0.01), 1024**3)
    plan = world.run("apply", "web01", "before")
    assert (plan.stake, plan.grave) == ("14 minutes and 1.0 GB", False)


def test_without_a_safety_checkpoint_there_is_a_warning_and_a_second_question(world):
    world.checkpoint(world.vm("web01"), "before")
    plan = world.run("apply", "web01", "before", "--no-safety")
    assert plan.grave
    assert "gone for good" in plan.cautions[0]

"""Giving a checkpoint another name."""

from backends.base import SnapshotType
from commands.base import Rename


def test_the_plan_carries_the_new_name(world):
    one = world.checkpoint(world.vm("web01"), "before")
    plan = world.run("rename", "web01", "before", "kernel 6.12 works")
    assert plan.action == Rename("kernel 6.12 works")
    assert plan.targets[0].checkpoint_id == one.id
    assert plan.summary == "rename before of web01 to kernel 6.12 works"
    assert plan.consequences == (
        "web01 is on hv01, running.",
        "It is about before (type unknown, 2026-11-21 14:05 UTC, 1 day ago). Nothing is lost or turned off.",
    )


def test_a_name_that_another_one_has_is_refused(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "before")
    world.checkpoint(vm, "after")
    assert "already has a checkpoint called After" in world.refuse("rename", "web01", "before", "After")


def test_its_own_name_is_refused_but_its_case_may_be_changed(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "is called before already" in world.refuse("rename", "web01", "before", "before")
    assert world.run("rename", "web01", "before", "Before").action.name == "Before"


def test_a_name_that_no_checkpoint_can_have_is_refused(world):
    world.checkpoint(world.vm("web01"), "before")
    assert "1 to 100 characters" in world.refuse("rename", "web01", "before", "x" * 101)


def test_a_backups_recovery_point_keeps_its_name(world):
    world.checkpoint(world.vm("web01"), "point", snapshot_type=SnapshotType.RECOVERY)
    assert "belongs to a backup" in world.refuse("rename", "web01", "point", "mine")

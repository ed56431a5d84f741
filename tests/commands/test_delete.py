"""Removing checkpoints."""

from datetime import timedelta

import pytest

from backends.base import OperationalStatus, SnapshotType, Volume
from commands.base import CheckpointNote, Delete, unmarked


def test_it_says_what_cannot_be_had_back_and_what_stays(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "before", days=7)
    world.checkpoint(vm, "after")
    plan = world.run("delete", "web01", "before")
    assert plan.action == Delete(subtree=False)
    assert plan.targets[0].checkpoint_id == one.id
    consequences = "\n".join(plan.consequences)
    assert "web01 is on hv01, running" in plan.consequences[0]
    assert "before (type unknown, 2026-11-15 14:05 UTC, 7 days ago) of web01 cannot be had back." in consequences
    assert unmarked(plan.loss) in consequences
    assert "The 1 checkpoint under it will still be there." in consequences
    assert "takes time and space" in consequences


def test_a_subtree_is_counted_and_named(world):
    vm = world.vm("web01")
    for name in ("top", "middle", "leaf"):
        world.checkpoint(vm, name)
    plan = world.run("delete", "web01", "top", "--subtree")
    assert plan.action.subtree
    assert "Nor can the 2 checkpoints under it: middle and leaf." in plan.consequences


def test_a_name_with_brackets_deletes_exactly_one_checkpoint(world):
    vm = world.vm("web[1]")
    world.vm("web1")
    one = world.checkpoint(vm, "*")
    world.checkpoint(vm, "other")
    (target,) = world.run("delete", "web[1]", "*").targets
    assert (target.vm_id, target.checkpoint_id) == (vm.id, one.id)


def test_two_of_one_name_are_told_apart_by_short_id(world):
    vm = world.vm("web01")
    old, new = world.checkpoint(vm, "same", days=3), world.checkpoint(vm, "same")
    told = world.refuse("delete", "web01", "same")
    assert f"{old.id[:8]} (3 days old)" in told
    assert f"{new.id[:8]} (1 day old)" in told
    assert world.run("delete", "web01", new.id[:8]).targets[0].checkpoint_id == new.id


@pytest.mark.parametrize(
    ("what", "owner"),
    [
        ({"snapshot_type": SnapshotType.RECOVERY}, "a backup"),
        ({"snapshot_type": SnapshotType.SYNCED_REPLICA}, "Hyper-V Replica"),
        ({"automatic": True}, "Hyper-V"),
    ],
)
def test_what_somebody_else_manages_is_not_deleted(world, what, owner):
    vm = world.vm("web01")
    world.checkpoint(vm, "top", days=2)
    world.checkpoint(vm, "point", **what)
    assert f"point on web01 belongs to {owner}" in world.refuse("delete", "web01", "point")
    assert f"point on web01 belongs to {owner}" in world.refuse("delete", "web01", "top", "--subtree")


def test_the_way_to_have_no_automatic_ones_is_named(world):
    world.checkpoint(world.vm("web01"), "point", automatic=True)
    assert "/checkpoint settings web01 --automatic off" in world.refuse("delete", "web01", "point")


def test_nothing_is_deleted_while_a_backup_runs(world):
    world.checkpoint(world.vm("web01", operational_status=(OperationalStatus.BACKING_UP,)), "before")
    assert "backup of web01 is running" in world.refuse("delete", "web01", "before")


def test_another_persons_checkpoint_and_one_that_is_kept_get_a_caution(world):
    vm = world.vm("web01")
    top, leaf = world.checkpoint(vm, "top"), world.checkpoint(vm, "leaf")
    world.book.known[top.id] = CheckpointNote(owner="U111", keeper="U333", keep_until=world.now + timedelta(days=1))
    world.book.known[leaf.id] = CheckpointNote(owner="U222", owner_name="grace", keeper="U222", pinned=True)
    plan = world.run("delete", "web01", "top")
    assert plan.cautions == (
        "top of web01 was taken by U111.",
        "U333 wants top of web01 until 2026-11-23 14:05 UTC.",
    )
    assert plan.keepers == ("U333",)
    plan = world.run("delete", "web01", "top", "--subtree")
    assert "leaf of web01 was taken by grace." in plan.cautions
    assert plan.keepers == ("U333", "U222")


def test_a_whole_branch_of_somebody_elses_gets_two_cautions_and_not_two_for_each(world):
    vm = world.vm("web01")
    for number in range(40):
        one = world.checkpoint(vm, f"step {number}")
        world.book.known[one.id] = CheckpointNote("U222", owner_name="grace", keeper_name="grace", pinned=True)
    taken, wanted = world.run("delete", "web01", "step 0", "--subtree").cautions
    assert taken.endswith("and 28 more were taken by grace.")
    assert wanted.startswith("grace wants step 0 of web01, step 1 of web01")
    assert wanted.endswith("and 28 more forever.")


def test_ones_own_checkpoint_gets_no_caution(world):
    one = world.checkpoint(world.vm("web01"), "before")
    world.book.known[one.id] = CheckpointNote(owner="U024BE7LH", keeper="U024BE7LH", pinned=True)
    assert world.run("delete", "web01", "before").cautions == ()


def test_a_merge_that_may_not_fit_is_warned_of_and_asked_about_twice(world):
    vm = world.vm("web01")
    one = world.checkpoint(vm, "before")
    world.grown(vm, one, 30 * 1024**3)
    world.hosts["hv01"].volumes = (Volume("C:\\", 900 * 1024**3, 100 * 1024**3),)
    assert not world.run("delete", "web01", "before").grave
    world.hosts["hv01"].volumes = (Volume("C:\\", 900 * 1024**3, 3 * 1024**3),)
    plan = world.run("delete", "web01", "before")
    assert plan.grave
    assert plan.cautions[0].startswith(
        "Up to 30.0 GB may be needed on C:\\ of hv01 to merge the disks of web01, and it has 3.0 GB free."
    )


def test_the_merges_of_a_group_are_added_up_on_each_volume_and_the_cheapest_comes_first(world):
    for name, size in (("web01", 30), ("web02", 10), ("web03", 20)):
        vm = world.vm(name)
        world.grown(vm, world.checkpoint(vm, "before"), size * 1024**3)
    world.hosts["hv01"].volumes = (Volume("C:\\", 900 * 1024**3, 40 * 1024**3),)
    plan = world.run("delete", "web*", "before")
    assert [target.vm_name for target in plan.targets] == ["web02", "web03", "web01"]
    assert plan.grave
    assert (
        "Up to 60.0 GB may be needed on C:\\ of hv01 to merge the disks of web02, web03 and web01" in plan.cautions[0]
    )


def test_a_broken_checkpoint_is_neither_deleted_nor_applied_nor_built_upon(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "bad", snapshot_type=SnapshotType.MISSING)
    for words in (("delete", "web01", "bad"), ("apply", "web01", "bad"), ("keep", "web01", "bad", "7d")):
        assert "bad on web01 is broken" in world.refuse(*words)
    assert "a new one would be built upon it" in world.refuse("create", "web01", "x")
    assert "bad on web01 is broken" in world.refuse("export", "web01", "bad", "D:\\e")
    for words in (("list", "web01"), ("list",)):
        assert "bad of web01 is broken: Hyper-V does not find the files." in world.run(*words).text


def test_the_recovery_point_of_a_dead_backup_goes_after_a_card_that_says_how_to_be_sure(world):
    vm = world.vm("web01")
    world.checkpoint(vm, "young", snapshot_type=SnapshotType.RECOVERY, days=0.5)
    world.checkpoint(vm, "old", snapshot_type=SnapshotType.RECOVERY, days=3)
    assert "belongs to a backup" in world.refuse("delete", "web01", "young")
    assert "belongs to a backup" in world.refuse("delete", "web01", "old", "--subtree")
    plan = world.run("delete", "web01", "old")
    assert plan.grave
    assert plan.ask
    assert "old of web01 is a backup's recovery point" in plan.cautions[0]
    assert "Be sure that none runs" in plan.cautions[0]
    world.change(vm, operational_status=(OperationalStatus.BACKING_UP,))
    assert "backup of web01 is running" in world.refuse("delete", "web01", "old")


def test_a_group_is_deleted_by_name(world):
    ones = [world.checkpoint(world.vm(name), "before") for name in ("web01", "web02")]
    plan = world.run("delete", "web01,web02", "before")
    assert [target.checkpoint_id for target in plan.targets] == [one.id for one in ones]
    assert "before of each of them cannot be had back." in plan.consequences
    assert plan.each[0] == "web01 is on hv01, running: before (type unknown, 2026-11-21 14:05 UTC, 1 day ago)"


def test_a_checkpoint_that_is_not_there_gets_the_nearest_name(world):
    vm = world.vm("web01")
    assert "It has none" in world.refuse("delete", "web01", "before")
    world.checkpoint(vm, "before-upgrade")
    assert "Did you mean before-upgrade?" in world.refuse("delete", "web01", "befor-upgrade")
    assert "Its newest is before-upgrade" in world.refuse("delete", "web01", "xyz")

"""Taking a checkpoint."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backends.base import CheckpointType, OperationalStatus, Unreachable, VMState
from commands.base import Create


def test_a_plan_names_the_vm_by_guid_and_carries_what_was_asked(world):
    vm = world.vm("web01")
    plan = world.run("create", "web01", "before-upgrade", "--keep", "7d", "--note", "kernel 6.12")
    assert plan.action == Create("before-upgrade", None, 7 * 86400.0, "kernel 6.12")
    assert [target.vm_id for target in plan.targets] == [vm.id]
    assert plan.summary == "take before-upgrade of web01"
    assert "It is kept for 7 days." in plan.consequences


def test_what_nobody_says_more_of_is_kept_as_long_as_the_settings_say(world):
    world.policy = replace(world.policy, keep_default=timedelta(days=14))
    world.vm("web01")
    assert world.run("web01", "x").action == Create("x", None, 14 * 86400.0)
    assert world.run("web01", "x", "--keep", "3d").action.keep == 3 * 86400.0
    forever = world.run("web01", "x", "--keep", "Forever")
    assert forever.action == Create("x", None, None, forever=True)
    assert "It is kept for good." in forever.consequences


def test_it_may_be_kept_until_a_day_and_the_answer_repeats_the_exact_time(world):
    world.zone = "Europe/Berlin"
    world.vm("web01")
    until = datetime(2026, 11, 27, 17, tzinfo=UTC)
    for words in (["--keep", "until", "friday", "18:00", "x"], ["x", "--keep=until", "friday", "18:00"]):
        plan = world.run("create", "web01", *words)
        assert plan.action == Create("x", None, (until - world.now).total_seconds(), until=until)
        assert "It is kept until Friday 2026-11-27 18:00 (Europe/Berlin), 17:00 UTC." in plan.consequences
    assert "is over" in world.refuse("web01", "x", "--keep", "21.11.2026")


def test_longer_than_the_settings_allow_is_refused_with_the_limit(world):
    world.policy = replace(world.policy, keep_default=timedelta(days=14), keep_longest=timedelta(days=30))
    world.vm("web01")
    for longer in ("31d", "forever"):
        assert "keep a checkpoint for 30 days at the most" in world.refuse("web01", "x", "--keep", longer)
    assert world.run("web01", "x", "--keep", "30d").action.keep == 30 * 86400.0


def test_without_a_name_it_gets_the_persons_name_and_the_time(world):
    world.vm("web01")
    assert world.run("web01").action.name == "ada 2026-11-22 14:05"


def test_a_second_one_in_the_same_minute_gets_a_number(world):
    world.checkpoint(world.vm("web01"), "ada 2026-11-22 14:05")
    assert world.run("web01").action.name == "ada 2026-11-22 14:05 (2)"


def test_several_vms_get_one_plan(world):
    for name in ("web01", "web02", "db01"):
        world.vm(name, host="hv02" if name == "web02" else "hv01")
    assert [target.vm_name for target in world.run("web01,db01", "x").targets] == ["web01", "db01"]
    plan = world.run("web*", "x")
    assert [target.vm_name for target in plan.targets] == ["web01", "web02"]
    assert plan.each == ("web01 is on hv01, running", "web02 is on hv02, running")
    assert "Nothing is lost, and nothing is turned off." in plan.consequences


def test_blanks_around_a_name_are_dropped(world):
    world.vm("web01")
    assert world.run("web01", "  before  ").action.name == "before"


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "two\nlines", "nul\0", "bell\a", "line\u2028separator"])
def test_a_name_that_no_checkpoint_can_have_is_refused(world, name):
    world.vm("web01")
    assert "checkpoint's name" in world.refuse("web01", name)


@pytest.mark.parametrize("name", ["web[1]", "*", "$(Stop-VM *)", "a'b\"c", "😀" * 100, "نسخة قبل الترقية", "前"])
def test_any_other_name_is_taken_as_it_is(world, name):
    world.vm("web01")
    assert world.run("create", "web01", name).action.name == name


@given(name=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp", "Zs")), min_size=1, max_size=100))
def test_every_printable_name_becomes_the_same_name(world_once, name):
    assume(any(unicodedata.category(one) != "Cf" for one in name))  # something of it can be seen
    assume("," not in name)  # a comma may go on with the VMs: `web01 ,web02`
    assert world_once.run("create", "--", "web01", name).action.name == name.strip()


def test_a_name_that_is_taken_is_refused_whatever_its_case(world):
    world.checkpoint(world.vm("web01"), "Before")
    assert "already has a checkpoint called before" in world.refuse("web01", "before")


def test_a_vm_with_checkpoints_switched_off_is_refused_with_the_way_to_switch_them_on(world):
    world.vm("web01", checkpoint_type=CheckpointType.DISABLED)
    assert "/checkpoint settings web01 --type production" in world.refuse("web01", "x")


def test_a_vm_with_fifty_checkpoints_is_refused(world):
    vm = world.vm("web01")
    for number in range(50):
        world.checkpoint(vm, f"c{number}")
    assert "Hyper-V allows 50" in world.refuse("web01", "x")


def test_a_vm_whose_backup_runs_is_refused(world):
    world.vm("web01", operational_status=(OperationalStatus.BACKING_UP,))
    assert "backup of web01 is running" in world.refuse("web01", "x")


def test_a_vm_that_is_just_starting_is_refused(world):
    world.vm("web01", state=VMState.STARTING)
    assert "starting right now" in world.refuse("web01", "x")


def test_a_merge_under_way_is_a_caution(world):
    world.vm("web01", operational_status=(OperationalStatus.OK, OperationalStatus.MERGING_DISKS))
    assert "being merged" in world.run("web01", "x").cautions[0]


def test_a_type_other_than_the_vms_own_says_that_it_is_set_back(world):
    world.vm("web01")
    plan = world.run("web01", "x", "--type", "standard")
    assert plan.action.checkpoint_type is CheckpointType.STANDARD
    assert any("set back afterwards" in line for line in plan.consequences)
    assert not any("set back" in line for line in world.run("web01", "x", "--type", "production").consequences)


def test_a_production_only_vm_refuses_a_standard_checkpoint(world):
    world.vm("dc01")
    world.policy = replace(world.policy, production_only=("dc*",))
    assert "production checkpoints only" in world.refuse("dc01", "x", "--type", "standard")


@pytest.mark.parametrize("own", [CheckpointType.PRODUCTION, CheckpointType.STANDARD])
def test_a_production_only_vm_is_never_let_fall_back_to_a_standard_one(world, own):
    world.vm("dc01", checkpoint_type=own)
    world.policy = replace(world.policy, production_only=("dc*",))
    assert world.run("dc01", "x").action.checkpoint_type is CheckpointType.PRODUCTION_ONLY


def test_a_paused_production_only_vm_is_refused_because_it_cannot_have_one(world):
    world.vm("dc01", state=VMState.PAUSED)
    world.policy = replace(world.policy, production_only=("dc*",))
    assert "needs it running or off" in world.refuse("dc01", "x")


def test_a_host_that_is_down_says_so(world):
    world.vm("web01")
    world.run("list")
    world.hosts["hv01"].down = True
    with pytest.raises(Unreachable):
        world.run("web01", "x")


def test_a_name_that_lists_vms_is_asked_about(world):
    for name in ("web01", "web02", "web03"):
        world.vm(name)
    plan = world.run("web01", "web02,web03")
    assert plan.ask
    assert plan.cautions == (
        "web02,web03 names VMs too, and here it is the checkpoint's name. "
        "For a checkpoint of both: /checkpoint create web01,web02,web03.",
    )


@pytest.mark.parametrize("name", ["\u200b", "\u2060\u00a0\u200d"])
def test_a_name_that_nobody_could_see_is_refused(world, name):
    world.vm("web01")
    assert "something in it that can be seen" in world.refuse("create", "web01", name)

"""What one owner may have: who has as many is refused a further one, and told what to delete first."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from backends.base import CheckpointType
from commands.base import CheckpointNote, Create, Held, Holding, NotKnown, Plan, Policy, Target
from commands.kit.quota import Allowance
from tests.support.memory import ADA

GB = 1024**3
MINE = CheckpointNote(ADA.id, owner_name="ada")


@pytest.fixture
def web01(world):
    world.policy = replace(world.policy, quota_checkpoints=2)
    return world.vm("web01")


def have(world, vm, name, note=MINE, **more):
    one = world.checkpoint(vm, name, **more)
    world.book.known[one.id] = note
    return one


def test_who_has_as_many_is_told_what_to_delete_first_with_vm_age_and_size(world, web01):
    have(world, web01, "golden", replace(MINE, pinned=True), days=30)
    before = have(world, web01, "before", days=12)
    world.grown(web01, before, 60 * GB)
    told = world.refuse("web01", "x")
    assert "you have 2 checkpoints, 60.0 GB written since them: the settings allow an owner 2 checkpoints." in told
    assert "To delete first: before of web01 (12 days old, 60.0 GB written since); golden of web01 (30 days" in told
    assert "/checkpoint delete web01 before" in told
    assert "/checkpoint list --mine" in told


def test_with_less_than_that_nothing_is_said(world, web01):
    have(world, web01, "before")
    assert isinstance(world.run("web01", "x"), Plan)


def test_what_is_gone_is_not_there_and_what_others_claimed_is_not_theirs(world, web01):
    have(world, web01, "claimed by bob", CheckpointNote("UBOB", taken_by=ADA.id))
    have(world, web01, "nobody's", CheckpointNote())
    have(world, web01, "mine")
    world.book.known["gone"] = MINE
    assert isinstance(world.run("web01", "x"), Plan)


@pytest.mark.parametrize(
    "note", [replace(MINE, schedule="nightly"), replace(MINE, safety=True), CheckpointNote(ADA.id, taken_by="UBOB")]
)
def test_what_they_claimed_and_what_their_schedules_or_an_apply_took_is_theirs(world, web01, note):
    have(world, web01, "mine")
    have(world, web01, "other", note)
    assert "the settings allow an owner 2 checkpoints" in world.refuse("web01", "x")


def test_what_was_written_since_counts_where_the_settings_say_so(world):
    world.policy = replace(world.policy, quota_growth=50 * GB)
    vm = world.vm("web01")
    world.grown(vm, have(world, vm, "before"), 49 * GB)
    assert isinstance(world.run("web01", "x"), Plan)
    world.grown(vm, world.seen(vm).checkpoints[0], 50 * GB)
    assert "allow an owner 50.0 GB written since checkpoints" in world.refuse("web01", "x")


def test_a_group_that_exceeds_it_is_refused_and_the_rest_is_offered(world, web01):
    have(world, web01, "mine")
    world.vm("web02")
    world.vm("web03")
    world.denied.add("web01")
    with pytest.raises(NotKnown) as refused:
        world.run("web*", "x")
    assert "That is 3 more, and you have 1 checkpoint" in refused.value.sentence
    assert [vm.name for vm in refused.value.rest] == ["web02"]
    assert refused.value.instead == ("create", refused.value.rest[0].id, "x")


def test_what_was_asked_for_and_is_not_taken_yet_counts(world, web01):
    have(world, web01, "taken")
    target = Target.of(world.seen(web01))
    for name in ("taken", "asked"):
        plan = Plan(Create(name, CheckpointType.PRODUCTION), (target,), "")
        world.book.pending.append(SimpleNamespace(person_id=ADA.id, verb="create", readable_plan=plan, id=name))
    assert "you have 1 checkpoint, 1 more asked for and not taken yet" in world.refuse("web01", "x")
    world.book.pending[:] = [
        SimpleNamespace(person_id="UBOB", verb="create", id="", readable_plan=world.book.pending[1].readable_plan)
    ]
    assert isinstance(world.run("web01", "x"), Plan)


def test_vms_out_of_sight_count_and_are_not_named(world, web01):
    hidden = world.vm("secret01", host="hv02")
    world.hidden.add("secret01")
    have(world, hidden, "a")
    have(world, hidden, "b")
    told = world.refuse("web01", "x")
    assert "2 of yours are on VMs that are not in sight here." in told
    assert "secret01" not in told


def test_a_host_that_is_down_counts_as_last_seen(world, web01):
    other = world.vm("db01", host="hv02")
    have(world, other, "a")
    have(world, other, "b")
    world.run("list")
    world.hosts["hv02"].down = True
    assert "you have 2 checkpoints" in world.refuse("web01", "x")


def test_an_allowance_is_counted_down_and_what_goes_makes_room(world):
    vm = world.vm("web01")
    held = [Held(world.seen(vm), have(world, vm, name), MINE, GB) for name in "ab"]
    allowance = Allowance(Policy(quota_checkpoints=3, quota_growth=2 * GB), Holding(tuple(held)))
    assert allowance.why_not([]) == (
        "its owner has all that quota allows: 3 checkpoints, and 2.0 GB written since checkpoints"
    )
    assert allowance.why_not([held[0].checkpoint.id]) == ""
    allowance.took([held[0].checkpoint.id])
    assert allowance.left == 1
    allowance.took([])
    assert allowance.left == 0
    assert Allowance(Policy(), Holding(tuple(held))).left is None

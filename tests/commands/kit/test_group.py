"""Groups of VMs: all that stands against them at once, and the same command for the rest."""

from __future__ import annotations

import pytest

from backends.base import OperationalStatus, ReplicationMode, VMState
from commands.base import NotAllowed, NotKnown, UsageError, unmarked
from commands.kit import runner


@pytest.fixture
def shop(world):
    """Six VMs with `before`: one is backed up, one is starting, one may not be changed, and one's host is down; beside
    them one without `before`."""
    for name, more in (
        ("web01", {"operational_status": (OperationalStatus.BACKING_UP,)}),
        ("web02", {}),
        ("web03", {}),
        ("web04", {"state": VMState.STARTING}),
        ("web05", {}),
        ("web06", {"host": "hv02"}),
    ):
        world.checkpoint(world.vm(name, **more), "before")
    world.vm("web07")
    world.inventory.renew()
    world.denied.add("web05")
    world.hosts["hv02"].down = True
    return world


def refused(world, *words):
    with pytest.raises(UsageError) as caught:
        runner.run(words, world.context)
    return caught.value


@pytest.mark.parametrize("verb", ["apply", "delete"])
def test_all_obstacles_are_told_at_once_whatever_their_kind(shop, verb):
    obstacle = refused(shop, verb, "web01,web02,web03,web04,web05,web06,web07,web99", "before")
    told = unmarked(f"{obstacle.sentence} {obstacle.hint}")
    for part in (
        "No grant lets you do this to web05 in this channel.",
        "I know no VM called web99.",
        "web06: hv02 does not answer.",
        "web07 has no checkpoint called before.",
        "A backup of web01 is running",
        "web04 is starting",
        f"For the rest of them: /checkpoint {verb} web02,web03 before.",
    ):
        assert part in told
    assert isinstance(obstacle, NotAllowed), "the ledger keeps that a grant is missing"


def test_of_a_create_too(shop):
    told = shop.refuse("web01,web02,web06,web07,web99", "x")
    assert "I know no VM called web99." in told
    assert "web06: hv02 does not answer." in told
    assert "For the rest of them: /checkpoint create web02,web07 x." in told


def test_the_rest_is_asked_for_with_all_other_words(shop):
    obstacle = refused(shop, "create", "--KEEP", "7d", "web01,", "web02", "x y", "--note", "web01,web02")
    ids = next(one.vm.id for one in shop.context.fleet.known() if one.vm.name == "web02")
    assert obstacle.instead == ("create", "--KEEP", "7d", ids, "x y", "--note", "web01,web02")
    assert '/checkpoint create --KEEP 7d web02 "x y" --note web01,web02.' in unmarked(obstacle.hint)
    assert runner.run(obstacle.instead, shop.context).summary


def test_a_vm_behind_two_dashes_is_found_among_the_words(world):
    world.vm("-odd")
    obstacle = refused(world, "create", "--keep=7d", "--", "-odd,nosuch", "x")
    assert obstacle.instead[:3] == ("create", "--keep=7d", "--")
    assert "/checkpoint create --keep=7d -- -odd x." in unmarked(obstacle.hint)


def test_a_name_that_a_list_would_tear_apart_goes_by_its_id(world):
    odd = world.vm("a,b")
    world.vm("web01", state=VMState.STARTING)
    assert f"/checkpoint create {odd.id[:8]} x." in world.refuse("create", f"web01,{odd.id[:8]}", "x")


def test_where_a_grant_alone_is_missing_the_gate_says_so(shop):
    assert shop.run("apply", "web02,web05", "before").targets


def test_a_vm_that_may_not_be_seen_is_answered_as_one_that_is_not_there(shop):
    shop.hidden.add("web02")
    obstacle = refused(shop, "apply", "web02,web03", "before")
    assert isinstance(obstacle, NotKnown)
    assert obstacle.hidden
    assert "I know no VM called web02." in unmarked(obstacle.sentence)
    assert "/checkpoint apply web03 before." in unmarked(obstacle.hint)


def test_names_that_are_nothing_and_names_that_are_two_are_told_together(world):
    world.vm("web01")
    for host in ("hv01", "hv02"):
        world.vm("twin", host=host)
    told = world.refuse("create", "web01,twin,nosuch", "x")
    assert "twin may be 2 VMs." in told
    assert "I know no VM called nosuch." in told
    assert "/checkpoint create web01 x." in told


def test_the_rest_of_a_pattern_has_no_replica_in_it(world):
    world.checkpoint(world.vm("web01"), "x")
    world.vm("web02")
    world.vm("web03", replication_mode=ReplicationMode.REPLICA)
    assert "/checkpoint create web02 x." in world.refuse("create", "web*", "x")


def test_a_question_about_several_goes_on_with_those_that_are_known(world):
    world.vm("web01")
    assert "For the rest of them: /checkpoint list web01." in world.refuse("list", "web01,nosuch")


def test_a_long_list_is_offered_and_not_written_out(world):
    world.vm("web00", state=VMState.STARTING)
    for number in range(1, 20):
        world.vm(f"web{number:02}")
    obstacle = refused(world, "create", "web*", "x")
    assert len(obstacle.instead[1].split(",")) == 19
    assert "For the rest" not in obstacle.hint


def test_what_stands_against_a_single_vm_keeps_its_hint(world):
    world.checkpoint(world.vm("web01"), "before")
    assert world.refuse("create", "web01", "before").endswith("Choose another name.")

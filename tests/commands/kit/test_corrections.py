"""The commands that are offered to who mistyped a word."""

import pytest

from commands.base import Slip
from commands.kit import corrections


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("lst web01", ["list web01"]),
        ("aply web01 before", ["apply web01 before"]),
        ("show web1 before", ["show web01 before"]),
        ("web1 fresh", ["create web01 fresh"]),
        ("show web01,web2 before", ["show web01,web02 before"]),
        ("show web1,wab02 before", ["show web01,web02 before"]),
        ("show web01 befor", ["show web01 before"]),
        ("create web01 x --kep 7d", ["create web01 x --keep 7d"]),
        ("create web01 x --kep=7d", ["create web01 x --keep=7d"]),
        ("create web01 x --type prodution", ["create web01 x --type production"]),
        ("create web01 x --type=standart", ["create web01 x --type=standard"]),
        ("list @shp", ["list @shop"]),
        ("web01 list", ["list web01", "create web01 list"]),
        ("nothing-like-it", []),
    ],
)
def test_a_slip_is_put_right_and_the_other_words_stay(world, typed, offered):
    for name in ("web01", "web02"):
        world.checkpoint(world.vm(name), "before")
    found = world.offers(*typed.split())
    assert found[: len(offered)] == offered
    assert bool(found) == bool(offered)


def test_a_bare_word_that_is_nearly_a_command_and_nearly_a_vm_asks_which_was_meant(world):
    world.vm("lsit01")
    assert world.offers("lsit") == ["list", "create lsit01"]
    assert "Did you mean /checkpoint list or the VM lsit01?" in world.refuse("lsit")


def test_a_vm_that_may_not_be_seen_is_not_offered(world):
    world.vm("web01")
    world.hidden.add("web01")
    assert world.offers("show", "web1", "x") == []


def test_of_two_slips_both_are_put_right_in_one_command():
    slips = (Slip("web1", ("web01", "web11")), Slip("wab2", ("web02",)))
    assert corrections.of(slips, ("list", "web1,wab2")) == (("list", "web01,web02"),)


def test_a_slip_that_is_none_of_the_words_offers_nothing():
    assert corrections.of((Slip("x z", ("z",)),), ("show", "x", "y")) == ()
    assert corrections.of((), ("show", "x")) == ()

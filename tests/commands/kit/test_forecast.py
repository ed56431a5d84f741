"""How growth is told, and where."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from commands.base import Filling, Plan, Rate, Reply, unmarked
from commands.kit.forecast import a_day, fills, when_full
from tests.support.memory import World

GB = 1024**3
D = Filling("hv01", "D:\\", 40 * GB, 9.2, 7.4, 11.8)
FULL = "D:\\ on hv01 has 40.0 GB free and is full in about 9 days (7 to 12) at today's rate."


@pytest.fixture
def filling(world: World) -> World:
    vm = world.vm("web01")
    world.checkpoint(vm, "before")
    world.vm("db01", host="hv02")
    world.growth.rates[vm.id] = Rate(2.1 * GB, 1.8 * GB, 2.5 * GB)
    world.growth.volumes.append(D)
    return world


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ((9.2, 7.4, 11.8), "in about 9 days (7 to 12)"),
        ((1.2, 1.0, 1.3), "in about 1 day"),
        ((1.4, 0.3, 2.0), "in about 1 day (1 to 2)"),
        ((0.4, 0.1, 3.0), "within a day"),
    ],
)
def test_a_volume_is_full_in_days_with_their_range(days: tuple[float, float, float], told: str) -> None:
    assert when_full(Filling("hv01", "D:\\", 1, *days)) == told


def test_sizes_and_names_are_said_as_everywhere() -> None:
    assert a_day(Rate(2.1 * GB, 0, 0)) == "2.1 GB a day"
    assert unmarked(fills(D)) == FULL


def test_what_was_free_hours_ago_is_said_to_be_so_old() -> None:
    told = unmarked(fills(replace(D, age=timedelta(hours=20, minutes=9))))
    assert told == "D:\\ on hv01 had 40.0 GB free 20 hours ago and is full in about 9 days (7 to 12) at today's rate."
    assert unmarked(fills(replace(D, age=timedelta(minutes=119)))) == FULL


def test_the_list_of_a_vm_says_what_it_writes_and_which_volume_fills(filling: World) -> None:
    told = filling.run("list", "web01")
    assert isinstance(told, Reply)
    assert "web01 writes about 2.1 GB a day to the disks of its checkpoints." in told.text
    assert FULL in told.text


def test_the_list_of_many_has_a_column_for_it(filling: World) -> None:
    told = filling.run("list")
    assert isinstance(told, Reply)
    assert "VM | Host | State | Checkpoints | Oldest | Stale | Writes" in told.text
    assert "2.1 GB a day" in told.text
    assert told.text.count("is full in about") == 1


def test_show_says_it_too(filling: World) -> None:
    told = filling.run("show", "web01", "before")
    assert isinstance(told, Reply)
    assert "Written a day | about 2.1 GB a day" in told.text
    assert f"Room | {FULL}" in told.text


def test_the_plan_of_a_create_carries_it_for_its_card(filling: World) -> None:
    plan = filling.run("create", "web01", "x")
    assert isinstance(plan, Plan)
    assert plan.outlook == ("web01 writes about 2.1 GB a day to the disks of its checkpoints.", FULL)


def test_where_nothing_is_known_nothing_is_said(world: World) -> None:
    world.checkpoint(world.vm("web01"), "before")
    for words in (("list",), ("list", "web01"), ("show", "web01", "before")):
        told = world.run(*words)
        assert isinstance(told, Reply)
        assert "full" not in told.text
        assert "a day" not in told.text
    plan = world.run("create", "web01", "x")
    assert isinstance(plan, Plan)
    assert plan.outlook == ()

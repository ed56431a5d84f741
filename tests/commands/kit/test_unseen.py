"""What a pattern may leave out: the hosts that were not seen just now are named in the plan."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commands.base import HostStatus, Plan, unmarked
from commands.kit import unseen
from tests.support.memory import World

OF_HV02 = "hv02 was last seen 11 minutes ago; what was made there since is not among these."


@pytest.fixture
def halved(world: World) -> World:
    """Two hosts with a VM each, one of which does not answer any more."""
    world.checkpoint(world.vm("web01"), "before")
    world.vm("db01", host="hv02")
    world.inventory.renew()
    world.now += timedelta(minutes=11)
    world.hosts["hv02"].down = True
    return world


def outlook(world: World, *words: str) -> tuple[str, ...]:
    plan = world.run(*words)
    assert isinstance(plan, Plan)
    return plan.outlook


@pytest.mark.parametrize("verb", ["create", "apply", "delete"])
@pytest.mark.parametrize("vms", ["web*", "@shop", "web0?,web01", "web01, @shop"])
def test_a_change_of_a_pattern_names_the_hosts_that_were_not_seen_just_now(halved: World, verb: str, vms: str) -> None:
    assert outlook(halved, verb, vms, "x" if verb == "create" else "before") == (OF_HV02,)


@pytest.mark.parametrize("vms", ["web01", "hv01/web*"])
def test_nothing_is_said_of_hosts_that_are_not_meant(halved: World, vms: str) -> None:
    assert outlook(halved, "create", vms, "x") == ()


def test_nothing_is_said_where_every_host_answers(halved: World) -> None:
    halved.hosts["hv02"].down = False
    assert outlook(halved, "create", "web*", "x") == ()


def test_a_host_that_has_shown_nothing_yet_is_told_as_such(world: World) -> None:
    world.vm("web01")
    world.hosts["hv02"].down = True
    assert outlook(world, "create", "web*", "x") == (
        "hv02 has shown nothing since the bot was started; what is there is not among these.",
    )


def test_of_many_hosts_some_are_named_and_the_longest_time() -> None:
    hosts = [HostStatus(f"hv{number:02}", False, age=timedelta(minutes=number)) for number in range(2, 9)]
    (told,) = unseen._sentences(hosts)
    assert unmarked(told) == (
        "hv02, hv03, hv04 and 4 more were last seen up to 8 minutes ago; what was made there since is not among these."
    )

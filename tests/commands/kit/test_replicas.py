"""A copy that Hyper-V Replica keeps, and every command that may mean it by mistake."""

import re

import pytest

from backends.base import ReplicationMode, VMState
from commands.base import Plan
from commands.kit import runner
from tests.support.memory import ToBeLookedAt

CHANGES = {
    "create": ("{}", "x"),
    "apply": ("{}", "first"),
    "delete": ("{}", "first"),
    "rename": ("{}", "first", "second"),
    "export": ("{}", "first", "D:\\exports"),
    "keep": ("{}", "first", "7d"),
    "claim": ("{}", "first"),
    "settings": ("{}", "--automatic", "on"),
    "health": ("{}", "--acknowledge", "looked"),
}
"""How each command that changes something is typed."""


def test_every_command_that_changes_something_is_tried_here():
    gives = {name: str(one.callback.__annotations__["return"]) for name, one in runner.load().commands.items()}
    assert {name for name, what in gives.items() if re.search(r"\bPlan\b", what)} == set(CHANGES)


@pytest.mark.parametrize("mode", [ReplicationMode.REPLICA, ReplicationMode.EXTENDED_REPLICA])
@pytest.mark.parametrize("verb", CHANGES)
def test_a_replica_is_acted_on_only_where_it_is_named_and_then_asked_about(world, verb, mode):
    vm = world.vm("web02", state=VMState.OFF, replication_mode=mode)
    world.checkpoint(vm, "first")
    world.health = ToBeLookedAt()
    typed = [verb, *CHANGES[verb]]

    told = world.refuse(*(word.format("web*") for word in typed))
    assert told == (
        "web02 on hv01 is a replica of a VM elsewhere, and no pattern means it. Name it by itself if the copy is meant."
    )

    for called in ("web02", vm.id, vm.id[:8], "WEB02"):
        plan = world.run(*(word.format(called) for word in typed))
        assert isinstance(plan, Plan)
        assert plan.ask
        assert "A replica of a VM elsewhere, not the VM itself: web02 on hv01." in plan.cautions


def test_the_rest_of_a_group_goes_on_without_the_replica(world):
    world.vm("web01")
    world.vm("web02", replication_mode=ReplicationMode.REPLICA)
    told = world.refuse("create", "web*", "x")
    assert "web02 on hv01 is a replica of a VM elsewhere" in told
    assert "/checkpoint create web01 x" in told


def test_a_list_names_it_beside_a_pattern(world):
    world.vm("web01")
    world.vm("db02", replication_mode=ReplicationMode.REPLICA)
    assert world.run("create", "web*,db02", "x").ask


def test_an_offer_to_go_on_with_the_rest_names_no_replica(world):
    world.checkpoint(world.vm("web01"), "x")
    world.vm("web02", replication_mode=ReplicationMode.REPLICA)
    assert "For the rest" not in world.refuse("create", "web*", "x")


def test_where_a_host_is_down_the_vm_itself_may_be_there(world):
    world.vm("web01", replication_mode=ReplicationMode.REPLICA)
    world.hosts["hv02"].down = True
    assert "hv02 could not be asked, so the VM itself may be there." in world.run("create", "web01", "x").cautions

"""How a VM takes checkpoints."""

from dataclasses import replace

from backends.base import CheckpointType
from commands.base import Configure


def test_without_options_they_are_shown(world):
    world.vm("web01", automatic_checkpoints=True)
    told = world.run("settings", "web01").text
    assert "takes production checkpoints" in told
    assert "Automatic ones are on" in told


def test_what_is_so_already_changes_nothing(world):
    world.vm("web01")
    assert "Nothing to change" in world.run("settings", "web01", "--type", "production", "--automatic", "off").text


def test_a_plan_carries_only_what_changes(world):
    world.vm("web01")
    plan = world.run("settings", "web01", "--type", "production-only", "--automatic", "off")
    assert plan.action == Configure(CheckpointType.PRODUCTION_ONLY, None)
    assert plan.summary == "web01: set its checkpoint type to production only"
    assert world.run("settings", "web01", "--automatic", "on").action == Configure(None, automatic=True)


def test_a_production_only_vm_does_not_become_standard(world):
    world.vm("dc01")
    world.policy = replace(world.policy, production_only=("dc*",))
    assert "production checkpoints only" in world.refuse("settings", "dc01", "--type", "standard")


def test_several_vms_at_once_are_refused(world):
    world.vm("web01")
    world.vm("web02")
    assert "one VM at a time" in world.refuse("settings", "web*", "--automatic", "off")

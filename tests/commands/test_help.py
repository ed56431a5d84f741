"""What can be typed, and how."""

from datetime import time

import pytest

import commands
from commands.base import FreezePlan, Grant, Paragraph, Plan, Reply, Schedule, SchedulePlan, UsageError
from tests.support.memory import ToBeLookedAt


def test_every_command_is_listed(world):
    told = world.run("help").text
    for name in commands.load().commands:
        assert f"\n{name} | " in told


@pytest.mark.parametrize("name", sorted(commands.load().commands))
def test_every_command_has_a_page_with_usage_and_examples(world, name):
    told = world.run("help", name).text
    assert f"/checkpoint {name}" in told
    assert "For example:" in told
    assert world.run(name, "--help").text == told


@pytest.mark.parametrize("name", sorted(commands.load().commands))
def test_every_example_is_understood(world, name):
    """Each is run in a world that has what the examples name: none is refused for how it is typed."""
    world.health = ToBeLookedAt()
    world.schedules.schedules = [Schedule("id", "nightly", ("*",), "U0BOB", "bob", "C0OPS", at=time(2))]
    for vm in ("web01", "web02", "dev01", "app01", "sql01"):
        made = world.vm(vm)
        for checkpoint in ("before-upgrade", "golden"):
            world.checkpoint(made, checkpoint)
    example_id = "1a2b3c4d"
    for line in commands.load().commands[name].epilog.splitlines():
        words = [word.strip("'") for word in _split(line)]
        words = ["before-upgrade" if word == example_id else word for word in words]
        if "create" in (name, words[0]):
            words = ["fresh" if word == "before-upgrade" else word for word in words]
        assert isinstance(world.run(*words), Plan | Reply | SchedulePlan | FreezePlan)


def _split(line):
    quoted = line.split("'")
    return [word for n, piece in enumerate(quoted) for word in ([piece] if n % 2 else piece.split())]


def test_an_alias_has_the_page_of_its_command(world):
    assert world.run("help", "revert").text == world.run("help", "apply").text


def test_an_unknown_topic_gets_the_nearest_one(world):
    with pytest.raises(UsageError):
        world.run("help", "aply")
    assert "/checkpoint help apply" in world.refuse("help", "aply")
    assert world.offers("help", "aply") == ["help apply"]


class TestForSomebodyWhoMayOnlyLook:
    @pytest.fixture
    def world(self, world):
        world.grants = (Grant("viewer", ("view",), ("*",)),)
        return world

    def test_only_what_they_may_do_is_listed(self, world):
        told = world.run("help").text
        assert "\nlist | " in told
        assert "\nwhoami | " in told
        assert not any(
            f"\n{name} | " in told for name in ("create", "delete", "apply", "keep", "claim", "rename", "freeze")
        )
        assert "takes a checkpoint" not in told
        assert "further commands need a right that no grant gives you here" in told

    def test_the_page_of_another_command_says_which_role_would_allow_it_and_whom_to_ask(self, world):
        world.ask = ("S0ADMINS",)
        reply = world.run("help", "keep")
        assert "No grant lets you do that here. The role operator or owner would allow it." in reply.text
        assert Paragraph("The settings name whom to ask for a grant.", to=("S0ADMINS",)) in reply.parts
        assert "For example:" not in reply.text

    @pytest.mark.parametrize(("name", "option"), [("settings", "--type"), ("health", "--acknowledge")])
    def test_options_that_change_something_are_left_out(self, world, name, option):
        for told in (world.run("help", name).text, world.run(name, "--help").text):
            assert f"/checkpoint {name}" in told
            assert option not in told

    def test_a_command_that_they_may_not_use_is_not_suggested(self, world):
        world.vm("web01")
        assert world.offers("delte", "web01") == []
        assert world.offers("lst", "web01") == ["list web01"]

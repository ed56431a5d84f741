"""Kills after which the bot does not find the world as it left it."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from backends.simulator.fleets.seed import Past, add_past
from tests.crash.hosts import effects
from tests.crash.invariants import violations
from tests.crash.scenarios import APPLY, CREATE, OTHER_TYPE, Scenario
from tests.crash.world import World, live_buttons


def begin(world: World, scenario: Scenario) -> None:
    """Ask for the change, confirm it, and go on until the bot is dead."""
    world.live()
    world.type(scenario.types[0])

    def killed() -> bool:
        world.press_what_waits()
        return world.dead

    world.wait_until(killed)


def end(world: World) -> None:
    """Start the bot again, and wait until nothing is left to do."""
    world.live()
    world.wait_until(world.over)
    world.stop()


def test_a_change_that_had_begun_fails_when_its_vm_moved_meanwhile(tmp_path: Path) -> None:
    with World(tmp_path, APPLY, ("VM 1 / check: done, not recorded",)) as world:
        begin(world, APPLY)
        (web01,) = (vm for vm in world.host.all() if vm.name == "web01")
        add_past(world.host, web01, Past("by somebody else", 60.0))
        end(world)

        (row,) = world.rows()
        assert row.state == "failed"
        assert "there is a new checkpoint by somebody else." in row.result
        assert effects(world.host) == []


def test_a_host_that_is_down_when_the_bot_comes_back_is_waited_for(tmp_path: Path) -> None:
    with World(tmp_path, CREATE, ("Checkpoint-VM 1 / begun",)) as world:
        begin(world, CREATE)
        with world.host_down():
            world.live()
            time.sleep(1.5)
            assert [row.state for row in world.rows()] == ["running"]
        world.wait_until(world.over)
        world.stop()

        assert list(violations(world, CREATE)) == []


@pytest.mark.parametrize(
    ("scenario", "place"),
    [(OTHER_TYPE, "VM 1 / create: recorded"), (APPLY, "VM 1 / apply: recorded")],
    ids=["checkpoint type", "power state"],
)
def test_what_was_changed_for_the_time_is_set_right_when_the_host_is_back(
    tmp_path: Path, scenario: Scenario, place: str
) -> None:
    with World(tmp_path, scenario, (place,)) as world:
        begin(world, scenario)
        with world.host_down():
            world.live()
            world.wait_until(lambda: [row.state for row in world.rows()] == ["unknown"])
        world.wait_until(world.over)
        world.stop()

        assert list(violations(world, scenario)) == []


def test_a_safety_checkpoint_is_told_of_when_nothing_was_applied(tmp_path: Path) -> None:
    with World(tmp_path, APPLY, ("VM 1 / remember safety: recorded",)) as world:
        begin(world, APPLY)
        with world.host_down():
            end(world)

        (row,) = world.rows()
        assert row.state == "failed"
        assert "web01 was not put back to good" in row.result
        assert "had been taken, and stays" in row.result
        assert "Nothing was changed" not in row.result
        assert effects(world.host) == ["web01: create safety"]


def test_who_asked_for_something_that_had_not_become_a_change_is_told_to_ask_again(tmp_path: Path) -> None:
    with World(tmp_path, CREATE, ("command: not begun",)) as world:
        begin(world, CREATE)
        world.live()
        world.wait_until(world.whispers)
        world.stop()

        (told,) = world.whispers()
        assert told.startswith("I was stopped while I looked into what you asked at")
        assert "/checkpoint web01 fresh" in told
        assert world.rows() == ()
        assert effects(world.host) == []


def test_a_change_that_the_bot_died_in_too_often_is_told_of(tmp_path: Path) -> None:
    with World(tmp_path, CREATE, ("VM 1 / create: ledger written (1)",)) as world:
        begin(world, CREATE)
        world.give_up_on_jobs()
        world.live()
        world.wait_until(lambda: not world.jobs_left())
        world.stop()
        world.live()
        world.stop()

        (row,) = world.rows()
        assert row.state == "unknown"
        # A copy may stand beside it, where the bot died between a post and its record.
        assert any("Something went wrong in the bot itself" in message.seen for message in world.messages())


def test_a_question_that_expires_while_the_bot_is_dead_is_shown_as_expired(tmp_path: Path) -> None:
    with World(tmp_path, APPLY, ("the card waits",), expires_after=timedelta(seconds=3)) as world:
        begin(world, APPLY)
        time.sleep(3)
        end(world)

        (row,) = world.rows()
        message = world.messages()[-1]  # a kill right after the post leaves a copy before it
        assert row.state == "expired"
        assert "expired" in message.seen
        assert live_buttons(message, row) == []
        assert effects(world.host) == []

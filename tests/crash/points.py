"""One point: the bot dies there, is started again, and what must hold is looked at."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.crash.hosts import ARRIVED, BEGUN, HALF_WAY
from tests.crash.invariants import extra_messages, violations
from tests.crash.life import NotAlive
from tests.crash.scenarios import Scenario
from tests.crash.world import World
from tests.support.waiting import DEADLINE

LOOK_EVERY = 0.05
STARTING = ("start: not begun", "start: done")
BY_ITSELF = 0.5
"""Seconds after a start in which the bot goes on alone, where it can; then a card that waits is pressed."""


@dataclass(frozen=True)
class Point:
    """Where the bot dies in a scenario: a place for each life that is cut short."""

    scenario: Scenario
    places: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.scenario.name}: {', then '.join(self.places) or 'nowhere'}"


@dataclass(frozen=True)
class Verdict:
    """What became of a point."""

    point: Point
    kills: int
    outcome: str
    seconds: float
    extra_messages: int
    violations: tuple[str, ...]
    passed: tuple[str, ...]
    """The places of the last life, and the moments of all."""


def points_of(scenario: Scenario) -> tuple[Point, ...]:
    """Every place that a dry run passes. On a slow host, those at which it goes on after the bot is back."""
    dry = try_out(Point(scenario))
    if dry.violations:
        raise AssertionError(f"{dry.point}: {'; '.join(dry.violations)}")
    under_way = [place for place in dry.passed if place.rpartition(" / ")[2] in (ARRIVED, BEGUN, HALF_WAY)]
    return tuple(Point(scenario, (place,)) for place in (under_way if scenario.outlasts_the_bot else dry.passed))


def pairs_of(points: tuple[Point, ...], count: int, random: Random) -> Iterator[Point]:
    """Points at which the bot dies again in its second life: while it starts, and at places that come later."""
    pairs = [(random.choice(points).places[0], place) for place in STARTING]
    for _ in range(count - len(STARTING)):
        first, second = sorted(random.sample(range(len(points)), 2))
        pairs.append((points[first].places[0], points[second].places[0]))
    yield from (Point(points[0].scenario, pair) for pair in pairs)


def try_out(point: Point) -> Verdict:
    """Go through the scenario with these kills, and look at what came of it. A folder with the bot's log and data is
    left when something did not hold."""
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="crash-"))
    with World(folder, point.scenario, point.places) as world:
        broken, passed = _drive(world, point.scenario)
        broken = (*broken, *violations(world, point.scenario))
        verdict = Verdict(
            point,
            kills=world.kills,
            outcome=", ".join(row.state for row in world.rows()),
            seconds=time.monotonic() - begun,
            extra_messages=extra_messages(world),
            violations=(*broken, f"look into {folder}") if broken else (),
            passed=passed,
        )
    if not broken:
        shutil.rmtree(folder)
    return verdict


def _drive(world: World, scenario: Scenario) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Go through the scenario, and stop the bot: what went wrong, and what was passed. A bot that is killed in its last
    moments lives once more."""
    try:
        while True:
            late = () if _go_through(world, scenario) else (f"it is not over after {DEADLINE:g} s",)
            passed = world.stop()
            if late or passed is not None:
                return late, passed or ()
    except NotAlive as found:
        return (str(found),), ()


def _go_through(world: World, scenario: Scenario) -> bool:
    """Type, press and start again until nothing is left to do. False when that takes too long."""
    until = time.monotonic() + DEADLINE
    world.live()
    started = 0.0
    while time.monotonic() < until:
        if world.dead:
            world.live()
            started = time.monotonic()
        missing = scenario.types[len(world.rows()) :]
        if missing:
            world.type(missing[0])
        elif world.over():
            if world.untold():
                world.look_an_hour_later()
            else:
                world.press_copies()
                return True
        elif time.monotonic() - started > BY_ITSELF:
            world.press_what_waits()
        time.sleep(LOOK_EVERY)
    return False

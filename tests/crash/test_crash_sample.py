"""A sample of the crash test that fits in the time of the other tests. `python -m tests.crash` is the whole."""

from __future__ import annotations

import os
from random import Random

import pytest

from tests.crash.points import Point, Verdict, points_of, try_out
from tests.crash.scenarios import APPLY, DELETE, EXPIRY, GROUP_CREATE, OTHER_TYPE, SCHEDULED, Scenario

SEED = os.environ.get("CRASH_SEED", "1")
"""Another one chooses other points."""


@pytest.mark.parametrize("scenario", [OTHER_TYPE, APPLY, DELETE, GROUP_CREATE], ids=lambda scenario: scenario.name)
def test_what_was_asked_for_happens_once_though_the_bot_is_killed(scenario: Scenario) -> None:
    known = points_of(scenario)
    at_the_host = [point for point in known if "-VM" in point.places[0]]
    for some in (at_the_host, [point for point in known if point not in at_the_host]):
        verdict = first_with_a_kill(some, Random(f"{SEED} {scenario.name}"))
        assert verdict.violations == (), str(verdict.point)


BY_THE_CLOCK = (
    (SCHEDULED, ("command: ledger written (1)", "Checkpoint-VM 1 / half way", "Remove-VMSnapshot 2 / half way")),
    (EXPIRY, ("concluded / tell the end: ledger written (1)", "Remove-VMSnapshot 1 / half way")),
)
"""Places that each time passes, so that no dry run has to find them."""


@pytest.mark.parametrize(("scenario", "places"), BY_THE_CLOCK, ids=lambda one: getattr(one, "name", ""))
def test_what_comes_by_the_clock_happens_once_though_the_bot_is_killed(
    scenario: Scenario, places: tuple[str, ...]
) -> None:
    place = Random(f"{SEED} {scenario.name}").choice(places)

    verdict = try_out(Point(scenario, (place,)))

    assert verdict.violations == (), place
    assert verdict.kills == 1


@pytest.mark.usefixtures("jobs_on_postgresql")
@pytest.mark.parametrize(("scenario", "places"), BY_THE_CLOCK[:1], ids=lambda one: getattr(one, "name", ""))
def test_what_the_workflows_keep_in_postgresql_happens_once_though_the_bot_is_killed(
    scenario: Scenario, places: tuple[str, ...]
) -> None:
    verdict = try_out(Point(scenario, (places[1],)))

    assert verdict.violations == (), places[1]
    assert verdict.kills == 1


def first_with_a_kill(points: list[Point], random: Random) -> Verdict:
    """VMs of a group overtake each other, so not every place is passed each time."""
    for point in random.sample(points, 3):
        verdict = try_out(point)
        if verdict.kills or verdict.violations:
            return verdict
    raise AssertionError("nothing was killed at three points")

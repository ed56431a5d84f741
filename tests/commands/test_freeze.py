"""`/checkpoint freeze`: what somebody wants of it. What it does is tested with the changes that it stops."""

from __future__ import annotations

import pytest

from commands import run
from commands.base import FreezePlan, UsageError
from commands.freeze import MOST
from commands.kit.runner import is_question
from tests.support.memory import World


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("freeze",), FreezePlan("freeze")),
        (("freeze", "apps", "go", "missing"), FreezePlan("freeze", "apps go missing")),
        (("freeze", "--lift"), FreezePlan("lift")),
    ],
)
def test_freezes_for_a_reason_or_lifts(world: World, words: tuple[str, ...], wanted: FreezePlan) -> None:
    assert run(words, world.context) == wanted
    assert not is_question(words)


@pytest.mark.parametrize("words", [("freeze", "--lift", "why"), ("freeze", "x" * (MOST + 1))])
def test_refuses_what_makes_no_sense(world: World, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        run(words, world.context)

"""Whatever is typed becomes one answer or one plan, or a sentence on what to type instead."""

from __future__ import annotations

import os
import statistics
import time

import pytest

import commands
from bot.dispatch import grammar
from commands.base import FreezePlan, Plan, Reply, SchedulePlan, UsageError
from tests.support.memory import World
from tests.support.texts import texts

COUNT = int(os.environ.get("GENERATED_TEXTS", "1500"))
"""200000 before a release: `GENERATED_TEXTS=200000`."""


@pytest.fixture
def world_with_checkpoints(world: World) -> World:
    for name in ("web01", "web02", "db 01", "DB–01"):
        vm = world.vm(name)
        for checkpoint in ("before-upgrade", "golden"):
            world.checkpoint(vm, checkpoint)
    return world


def test_no_text_is_an_error_or_more_than_one_command(world_with_checkpoints: World) -> None:
    context = world_with_checkpoints.context
    took, outcomes = [], dict.fromkeys((Reply, Plan, SchedulePlan, FreezePlan, UsageError), 0)
    for text in texts(COUNT, seed=11):
        begin = time.perf_counter()
        try:
            words = grammar.split(text)
        except UsageError:
            words = None
        took.append(time.perf_counter() - begin)
        outcomes[_outcome(words, context, text)] += 1
    median, most = statistics.median(took) * 1e6, max(took) * 1e3
    print(f"{COUNT} texts: the grammar took {median:.0f} µs (median), {most:.1f} ms at the most")
    print({kind.__name__: count for kind, count in outcomes.items()})
    assert sum(outcomes.values()) == COUNT
    assert all(outcomes[kind] for kind in (Reply, Plan, UsageError))


def _outcome(words: tuple[str, ...] | None, context: commands.base.Context, text: str) -> type:
    if words is None:
        return UsageError
    try:
        answer = commands.run(words, context)
    except UsageError as refused:
        assert refused.sentence.strip(), text
        return UsageError
    assert isinstance(answer, Reply | Plan | SchedulePlan | FreezePlan), text
    return type(answer)

"""A small fleet in memory, and one person who types."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.support.memory import World


@pytest.fixture
def world() -> Iterable[World]:
    made = World()
    yield made
    made.inventory.close()


@pytest.fixture(scope="module")
def world_once() -> Iterable[World]:
    """A world with one VM that many examples may look at and none changes."""
    made = World()
    made.vm("web01")
    yield made
    made.inventory.close()

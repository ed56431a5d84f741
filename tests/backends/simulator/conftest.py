"""A simulated host whose time stands still until somebody waits, and a console to it."""

from __future__ import annotations

import pytest

from backends.simulator.fleets.seed import new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.fleet import SimulatedHost
from tests.backends.simulator.host_console import Console


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def host(clock: ManualClock) -> SimulatedHost:
    return new_host("hv01", clock=clock)


@pytest.fixture
def console(host: SimulatedHost) -> Console:
    return Console(host)

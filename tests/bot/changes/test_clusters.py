"""Every change verb on a cluster that the bot reaches itself, with something happening to its node."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.bot.changes.contract_moments import QUICK, ClusterMoments
from tests.support.clusters import ClusterWorld


class TestCluster(ClusterMoments):
    @pytest.fixture
    def make_world(self) -> Callable[[], ClusterWorld]:
        return lambda: ClusterWorld(durations=QUICK)

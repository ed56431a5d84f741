"""Every change verb on a cluster at a site, with something happening to its node: the worker goes after the VM."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.backends.sites.conftest import Site, SitedClusterWorld
from tests.bot.changes.contract_moments import QUICK, ClusterMoments
from tests.support.clusters import ClusterWorld


class TestClusterAtASite(ClusterMoments):
    AT_MOST = 1

    @pytest.fixture
    def make_world(self, lyon: Site) -> Callable[[], ClusterWorld]:
        return lambda: SitedClusterWorld(lyon, durations=QUICK)

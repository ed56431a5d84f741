"""A host and a cluster of a site keep the contracts of theirs, through the database and a worker."""

from __future__ import annotations

import pytest

from backends.base import Backend
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from tests.backends.cluster.contract_cluster import ClusterAsABackend, ClusterContract
from tests.backends.hyperv.contract_backend import BackendContract
from tests.backends.sites.conftest import Site, SitedClusterWorld


class TestSiteBackend(BackendContract):
    @pytest.fixture
    def host(self, site: Site) -> SimulatedHost:
        return site.host

    @pytest.fixture
    def backend(self, site: Site) -> Backend:
        return site.backend


class TestSiteClusterAsABackend(ClusterAsABackend):
    @pytest.fixture
    def world(self, lyon: Site) -> SitedClusterWorld:
        return SitedClusterWorld(lyon, durations=Durations(scale=0.0), names=("hv01",))


class TestSiteCluster(ClusterContract):
    @pytest.fixture
    def world(self, lyon: Site) -> SitedClusterWorld:
        return SitedClusterWorld(lyon)

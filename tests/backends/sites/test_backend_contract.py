"""A host of a site keeps the contract of every backend, through the database and a worker."""

from __future__ import annotations

import pytest

from backends.base import Backend
from backends.simulator.model.fleet import SimulatedHost
from tests.backends.hyperv.contract_backend import BackendContract
from tests.backends.sites.conftest import Site


class TestSiteBackend(BackendContract):
    @pytest.fixture
    def host(self, site: Site) -> SimulatedHost:
        return site.host

    @pytest.fixture
    def backend(self, site: Site) -> Backend:
        return site.backend

"""The backend keeps the contract on a plain and on a JEA endpoint, in process and over WinRM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.base import Backend
from backends.simulator.model.fleet import SimulatedHost
from tests.backends.hyperv.contract_backend import BackendContract
from tests.backends.hyperv.hosts import WAYS, instant_host, powershell


@pytest.fixture
def host() -> SimulatedHost:
    return instant_host()


@pytest.mark.parametrize("way", WAYS)
class TestHyperVBackend(BackendContract):
    @pytest.fixture
    def backend(self, host: SimulatedHost, way: str) -> Iterator[Backend]:
        with WAYS[way](powershell(host)) as backend:
            yield backend


class TestPowerShell7(BackendContract):
    @pytest.fixture
    def host(self) -> SimulatedHost:
        return instant_host(powershell="7.4")

    @pytest.fixture
    def backend(self, host: SimulatedHost) -> Iterator[Backend]:
        with WAYS["in process"](powershell(host)) as backend:
            yield backend

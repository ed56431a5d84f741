"""Both sessions keep the contract: the one in process and the one over WinRM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backends.remoting import Session
from backends.simulator.model.fleet import SimulatedHost
from tests.backends.hyperv.hosts import instant_host, powershell, session_in_process, session_over_winrm
from tests.backends.hyperv.psrp.contract_session import SessionContract


@pytest.fixture
def host() -> SimulatedHost:
    return instant_host()


class TestInProcess(SessionContract):
    @pytest.fixture
    def session(self, host: SimulatedHost) -> Iterator[Session]:
        with session_in_process(powershell(host)) as session:
            yield session


class TestOverWinRM(SessionContract):
    @pytest.fixture
    def session(self, host: SimulatedHost) -> Iterator[Session]:
        with session_over_winrm(powershell(host)) as session:
            yield session

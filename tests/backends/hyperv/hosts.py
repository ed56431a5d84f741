"""Simulated hosts for these tests, and the ways to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from backends.base import HostConnection
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.connect import connect
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Session
from backends.simulator.fleets.seed import new_host
from backends.simulator.model.clock import ManualClock
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.model.texts import Language
from backends.simulator.powershell.bot_endpoint import NAME, bot_configuration
from backends.simulator.powershell.endpoint import PLAIN_NAME, plain_configuration
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from backends.simulator.winrm import WinRMServer

Way = Callable[[SimulatedPowerShell], AbstractContextManager[HyperVBackend]]

USERS = {"bot": "s3cret"}


def instant_host(name: str = "hv01", *, language: Language = Language.EN, powershell: str = "5.1") -> SimulatedHost:
    """A host on which nothing takes time but merges."""
    durations = Durations(scale=0.0)
    return new_host(name, clock=ManualClock(), durations=durations, language=language, powershell=powershell)


def powershell(host: SimulatedHost) -> SimulatedPowerShell:
    """With a plain endpoint and the bot's own."""
    return SimulatedPowerShell(host, [plain_configuration(), bot_configuration()])


def connection_to(server: WinRMServer, configuration_name: str | None = None) -> HostConnection:
    return HostConnection(
        "hv01", "127.0.0.1", server.port, ssl=False, username="bot", password="s3cret",
        configuration_name=configuration_name,
    )  # fmt: skip


@contextmanager
def in_process(shell: SimulatedPowerShell, configuration: str = PLAIN_NAME) -> Iterator[HyperVBackend]:
    session = SimulatedSession(shell, configuration=configuration)
    yield HyperVBackend("hv01", session, find_endpoint=configuration != PLAIN_NAME)


@contextmanager
def over_winrm(shell: SimulatedPowerShell, configuration: str | None = None) -> Iterator[HyperVBackend]:
    with WinRMServer(shell, users=USERS, faults=shell.host.faults) as server:
        backend = connect(connection_to(server, configuration))
        yield backend
        backend.close()


@contextmanager
def in_process_restricted(shell: SimulatedPowerShell) -> Iterator[HyperVBackend]:
    with in_process(shell, NAME) as backend:
        yield backend


@contextmanager
def over_winrm_restricted(shell: SimulatedPowerShell) -> Iterator[HyperVBackend]:
    with over_winrm(shell, NAME) as backend:
        yield backend


WAYS: dict[str, Way] = {
    "in process": in_process,
    "in process, JEA": in_process_restricted,
    "over WinRM": over_winrm,
    "over WinRM, JEA": over_winrm_restricted,
}


@contextmanager
def session_in_process(shell: SimulatedPowerShell) -> Iterator[Session]:
    yield SimulatedSession(shell)


@contextmanager
def session_over_winrm(shell: SimulatedPowerShell) -> Iterator[Session]:
    with WinRMServer(shell, users=USERS, faults=shell.host.faults) as server:
        session = PsrpSession(connection_to(server))
        yield session
        session.close()

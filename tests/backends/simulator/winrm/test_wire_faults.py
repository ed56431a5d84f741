from __future__ import annotations

import socket
import time
from contextlib import suppress
from threading import Event

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError, WSManFaultError
from pypsrp.powershell import RunspacePool

from backends.simulator.model.faults import Fault, FaultKind, Faults
from backends.simulator.winrm import WinRMServer
from backends.simulator.winrm.wire import Wire
from tests.backends.simulator.winrm.winrm_fakes import USERS, ScriptedInterpreter, connect, hello, invoke, plain
from tests.support.waiting import DEADLINE


class Waits(Event):
    """An event that is never set, and that remembers how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return False


def server(**more: object) -> WinRMServer:
    interpreter = ScriptedInterpreter(Hello=hello, Other=hello)
    return WinRMServer(interpreter, users=USERS, allow_unencrypted=True, **more)


def test_a_refused_connection_is_closed_at_once_and_the_next_one_is_not():
    with server() as host:
        host.faults.arm(Fault(FaultKind.REFUSE_CONNECTION))
        with pytest.raises(requests.exceptions.ConnectionError):
            RunspacePool(plain(host)).open()
        with RunspacePool(plain(host)) as pool:
            assert invoke(pool, "Hello").output == ["hello"]


@pytest.mark.parametrize("status", [500, 503, 418])
def test_an_http_status_comes_bare(status: int):
    with server() as host, RunspacePool(plain(host)) as pool:
        host.faults.arm(Fault(FaultKind.HTTP_STATUS, code=status))
        with pytest.raises(WinRMTransportError) as error:
            invoke(pool, "Hello")
        assert (error.value.code, error.value.response_text) == (status, "")
        assert invoke(pool, "Hello").output == ["hello"]


def test_a_bare_401_is_an_authentication_error_that_no_password_caused():
    with server() as host:
        host.faults.arm(Fault(FaultKind.HTTP_STATUS, code=401))
        with pytest.raises(AuthenticationError):
            RunspacePool(connect(host)).open()
        assert host.failed_logons == 0


def test_a_wsman_fault_has_the_number_that_was_armed():
    with server() as host, RunspacePool(plain(host)) as pool:
        host.faults.arm(Fault(FaultKind.WSMAN_FAULT, code=2150859174))
        with pytest.raises(WSManFaultError) as fault:
            invoke(pool, "Hello")
        assert fault.value.code == 2150859174
        assert fault.value.machine == "HV01"


def test_a_fault_that_names_a_cmdlet_leaves_other_pipelines_alone():
    with server() as host, RunspacePool(plain(host)) as pool:
        host.faults.arm(Fault(FaultKind.WSMAN_FAULT, cmdlet="hello", code=1))
        assert invoke(pool, "Other").output == ["hello"]
        with pytest.raises(WSManFaultError):
            invoke(pool, "Hello")
        assert host.open_commands == 0
        assert invoke(pool, "Hello").output == ["hello"]


def test_latency_strikes_each_request_once():
    with server() as host, RunspacePool(plain(host)) as pool:
        host.faults.arm(Fault(FaultKind.LATENCY, times=4, seconds=0.001))
        invoke(pool, "Hello", "Other")
        assert host.faults.armed(FaultKind.LATENCY) == Fault(FaultKind.LATENCY, times=1, seconds=0.001)


def test_delays_last_as_long_as_the_fault_says():
    faults, clock = Faults(), Waits()
    wire = Wire(faults, clock)
    faults.arm(Fault(FaultKind.LATENCY, seconds=0.02))
    faults.arm(Fault(FaultKind.LATENCY, seconds=7, cmdlet="Get-VM"))
    faults.arm(Fault(FaultKind.SLOW_SHELL, seconds=30))
    wire.at_request()
    wire.at_pipeline(["Get-VMSnapshot", "Get-VM"])
    wire.at_shell()
    assert clock.waits == [0.02, 7, 30]


def test_a_slow_shell_opens_in_the_end():
    with server() as host:
        host.faults.arm(Fault(FaultKind.SLOW_SHELL, seconds=0.01))
        with RunspacePool(plain(host)) as pool:
            assert invoke(pool, "Hello").output == ["hello"]
        assert host.faults.armed(FaultKind.SLOW_SHELL) is None


@pytest.mark.parametrize("ssl", [False, True])
@pytest.mark.parametrize("kind", [FaultKind.RESET_RECEIVE, FaultKind.RESET_BEFORE_ANSWER])
def test_a_reset_breaks_the_connection_after_the_cmdlet_has_run(kind: FaultKind, ssl: bool):
    interpreter = ScriptedInterpreter(Hello=hello)
    with WinRMServer(interpreter, users=USERS, ssl=ssl) as host:
        pool = RunspacePool(connect(host))
        pool.open()
        host.faults.arm(Fault(kind, cmdlet="Hello"))
        with pytest.raises(requests.exceptions.RequestException) as broken:
            invoke(pool, "Hello")
        assert ssl or "reset by peer" in str(broken.value)
        assert len(interpreter.ran) == 1
        with RunspacePool(connect(host)) as again:
            assert invoke(again, "Hello").output == ["hello"]


def test_a_reset_leaves_the_shell_open_on_the_host():
    with server() as host:
        pool = RunspacePool(plain(host))
        pool.open()
        host.faults.arm(Fault(FaultKind.RESET_RECEIVE))
        with pytest.raises(requests.exceptions.RequestException):
            invoke(pool, "Hello")
        assert len(host.shells) == 1


def test_stopping_the_server_ends_a_latency():
    with server() as host:
        host.faults.arm(Fault(FaultKind.LATENCY, seconds=3600))
        client = socket.create_connection(("127.0.0.1", host.port), timeout=DEADLINE)
        client.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
        while host.faults.armed(FaultKind.LATENCY):
            time.sleep(0.001)
    with client, suppress(ConnectionError):
        while client.recv(65536):
            pass

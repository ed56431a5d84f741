from __future__ import annotations

from threading import Event, Thread

import pytest
from pypsrp.exceptions import WSManFaultError
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.shell import WinRS

from backends.simulator.powershell.shell import Sink, Statement
from backends.simulator.winrm import Quotas, WinRMServer
from tests.backends.simulator.winrm.winrm_fakes import USERS, ScriptedInterpreter, hello, invoke, plain
from tests.support.waiting import DEADLINE

SHELL_NOT_FOUND = 2150858843


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def server(interpreter: ScriptedInterpreter | None = None, **more: object) -> WinRMServer:
    options: dict[str, object] = {"users": USERS, "allow_unencrypted": True}
    return WinRMServer(interpreter or ScriptedInterpreter(Hello=hello), **(options | more))


def test_a_shell_is_open_until_it_is_deleted():
    with server() as host:
        with RunspacePool(plain(host)) as pool:
            (shell,) = host.shells
            assert shell.identity.shell_id == pool.id
            assert (shell.identity.owner, shell.identity.configuration) == ("admin", "Microsoft.PowerShell")
            assert pool.is_alive()
        assert host.shells == ()
        assert host.requests["Delete"] == 1


def test_an_unknown_shell_has_the_number_that_clients_know():
    with server() as host:
        pool = RunspacePool(plain(host))
        pool.open()
        host.shells[0].close()
        pool.shell._selector_set.values[0] = ("ShellId", "DEADBEEF-0000-0000-0000-000000000000", {})
        with pytest.raises(WSManFaultError) as fault:
            invoke(pool, "Hello")
        assert fault.value.code == SHELL_NOT_FOUND
        assert "was not found on the server" in fault.value.reason
        assert not pool.is_alive()


def test_another_user_may_not_use_somebodys_shell():
    with server(users={"admin": "pass word", "other": "pass word"}) as host, RunspacePool(plain(host)) as pool:
        thief = RunspacePool(plain(host, username="other"))
        thief.shell._selector_set = pool.shell._selector_set
        with pytest.raises(WSManFaultError) as fault:
            thief.shell.receive("stdout")
        assert fault.value.code == 5


def test_an_unknown_configuration_is_refused_as_a_host_does():
    with server() as host:
        with pytest.raises(WSManFaultError) as fault:
            RunspacePool(plain(host), configuration_name="Nowhere").open()
        assert fault.value.code == 2150858811
        assert "http://schemas.microsoft.com/powershell/Nowhere" in fault.value.reason
        assert host.shells == ()


def test_a_cmd_shell_is_for_administrators_alone():
    with server() as host:
        shell = WinRS(plain(host))
        with pytest.raises(WSManFaultError) as fault:
            shell.open()
        assert (fault.value.code, fault.value.reason) == (5, "Access is denied.")


def test_a_pool_takes_another_number_of_runspaces_while_it_is_open():
    with server() as host, RunspacePool(plain(host), max_runspaces=3) as pool:
        pool.max_runspaces = 5
        pool.min_runspaces = 2
        assert (pool.max_runspaces, pool.min_runspaces, pool.get_available_runspaces()) == (5, 2, 5)


def test_a_user_has_no_more_shells_than_the_quota_allows():
    with server(quotas=Quotas(shells_per_user=2), users={**USERS, "other": "pass word"}) as host:
        pools = [RunspacePool(plain(host)) for _ in range(3)]
        pools[0].open()
        pools[1].open()
        with pytest.raises(WSManFaultError) as fault:
            pools[2].open()
        assert fault.value.code == 2150859173
        assert "maximum number of 2 concurrent shells" in fault.value.reason
        with RunspacePool(plain(host, username="other")) as own:
            assert invoke(own, "Hello").output == ["hello"]
        pools[0].close()
        again = RunspacePool(plain(host))
        again.open()
        assert len(host.shells) == 2


def test_a_default_host_allows_thirty_shells_and_a_thousand_commands():
    assert (Quotas().shells_per_user, Quotas().commands_per_shell) == (30, 1000)


def test_commands_that_are_never_closed_fill_the_shell():
    with server(quotas=Quotas(commands_per_shell=5)) as host, RunspacePool(plain(host)) as pool:
        for _ in range(20):
            invoke(pool, "Hello")
        assert host.open_commands == 0
        leaked = [PowerShell(pool).add_cmdlet("Hello") for _ in range(6)]
        for pipeline in leaked[:5]:
            pipeline.invoke()
        assert host.open_commands == 5
        with pytest.raises(WSManFaultError) as fault:
            leaked[5].invoke()
        assert fault.value.code == "w:InternalError"
        assert "maximum number of concurrent commands per shell" in fault.value.reason
        leaked[0].close()
        assert invoke(pool, "Hello").output == ["hello"]


def test_a_shell_that_nobody_uses_is_closed_after_its_idle_time():
    clock = Clock()
    with server(clock=clock) as host:
        pool = RunspacePool(plain(host))
        pool.open()
        clock.now += 7199
        assert invoke(pool, "Hello").output == ["hello"]
        clock.now += 7199
        assert len(host.shells) == 1
        clock.now += 1
        assert host.shells == ()
        assert not pool.is_alive()


def test_a_client_may_ask_for_another_idle_time():
    clock = Clock()
    with server(clock=clock) as host:
        RunspacePool(plain(host), idle_timeout=60).open()
        clock.now += 59
        assert len(host.shells) == 1
        clock.now += 1
        assert host.shells == ()


def test_a_shell_with_a_request_under_way_is_not_idle():
    clock, started, go_on = Clock(), Event(), Event()

    def wait(statement: Statement, sink: Sink, stop: Event) -> None:
        started.set()
        go_on.wait(DEADLINE)

    with server(ScriptedInterpreter(Wait=wait), clock=clock) as host, RunspacePool(plain(host)) as pool:
        thread = Thread(target=invoke, args=(pool, "Wait"))
        thread.start()
        assert started.wait(DEADLINE)
        while host.requests["Receive"] < 2:
            thread.join(0.01)
        clock.now += 100_000
        assert len(host.shells) == 1
        go_on.set()
        thread.join(DEADLINE)


def test_a_receive_that_waits_is_aborted_when_the_shell_is_deleted():
    faults: list[object] = []
    with server() as host, RunspacePool(plain(host)) as pool:
        other = RunspacePool(plain(host))
        other.shell._selector_set = pool.shell._selector_set

        def receive() -> None:
            try:
                other.shell.receive("stdout")
            except WSManFaultError as fault:
                faults.append(fault.code)

        thread = Thread(target=receive)
        thread.start()
        while host.requests["Receive"] < 2:
            thread.join(0.01)
        pool.close()
        thread.join(DEADLINE)
    assert faults == [995]


def test_a_command_that_was_terminated_is_unknown_and_may_be_terminated_again():
    with server() as host, RunspacePool(plain(host)) as pool:
        pipeline = invoke(pool, "Hello")
        pipeline.close()
        with pytest.raises(WSManFaultError) as fault:
            pool.shell.receive("stdout", command_id=pipeline.id)
        assert fault.value.code == SHELL_NOT_FOUND
        assert "command identifier that does not exist" in fault.value.reason


def test_a_terminated_pipeline_hears_of_it():
    stopped = Event()

    def endless(statement: Statement, sink: Sink, stop: Event) -> None:
        if stop.wait(DEADLINE):
            stopped.set()
            sink.output("too late")

    with server(ScriptedInterpreter(Wait=endless)) as host, RunspacePool(plain(host)) as pool:
        pipeline = PowerShell(pool).add_cmdlet("Wait")
        pipeline.begin_invoke()
        pool.shell.signal("http://schemas.microsoft.com/wbem/wsman/1/windows/shell/signal/Terminate", pipeline.id)
        assert stopped.wait(DEADLINE)
        assert host.open_commands == 0


def test_an_unknown_signal_is_refused():
    with server() as host, RunspacePool(plain(host)) as pool, pytest.raises(WSManFaultError) as fault:
        pool.shell.signal("powershell/signal/dance", "7F3B0F0E-33C5-4B6E-8F6E-0D7A7A1B2C3D")
    assert fault.value.code == 87


def test_disconnecting_is_refused():
    with server() as host, RunspacePool(plain(host)) as pool:
        with pytest.raises(WSManFaultError) as fault:
            pool.disconnect()
        assert fault.value.code == 2150859205
        assert invoke(pool, "Hello").output == ["hello"]


def test_listing_shells_is_refused():
    with server() as host, pytest.raises(WSManFaultError) as fault:
        RunspacePool.get_runspace_pools(plain(host))
    assert fault.value.code == 2150858753


def test_a_client_can_ask_for_the_envelope_size():
    with server() as host:
        wsman = plain(host)
        wsman.update_max_payload_size()
        assert wsman.max_envelope_size == 512_000


def test_stopping_the_server_releases_whoever_waits():
    stopped = Event()

    def endless(statement: Statement, sink: Sink, stop: Event) -> None:
        if stop.wait(DEADLINE):
            stopped.set()

    host = server(ScriptedInterpreter(Wait=endless))
    host.start()
    pool = RunspacePool(plain(host))
    pool.open()
    pipeline = PowerShell(pool).add_cmdlet("Wait")
    pipeline.begin_invoke()
    threads = [Thread(target=_quietly, args=(pipeline.end_invoke,))]
    threads[0].start()
    while host.requests["Receive"] < 2:
        threads[0].join(0.01)
    host.stop()
    host.stop()
    threads[0].join(DEADLINE)
    assert not threads[0].is_alive()
    assert stopped.wait(DEADLINE)


def test_a_host_that_went_down_comes_back_on_its_port():
    with server() as first:
        port = first.port
    with server(port=port) as second, RunspacePool(plain(second)) as pool:
        assert second.port == port
        assert invoke(pool, "Hello").output == ["hello"]


def test_a_server_that_was_not_started_has_no_port():
    with pytest.raises(RuntimeError):
        _ = server().port


def _quietly(call: object) -> None:
    try:
        call()
    except Exception:
        return

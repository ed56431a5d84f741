"""The session over real WinRM: warm, bounded in time, and never sending a change twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event

import pytest
from pypsrp.powershell import PowerShell

from backends.base import AuthenticationFailed, HostConnection, TimedOut, UnknownOutcome, Unreachable
from backends.hyperv.psrp.pool import IDLE_LIMIT
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet
from backends.simulator.model.errors import ErrorData
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.powershell.shell import Sink
from backends.simulator.winrm import Quotas, WinRMServer
from tests.backends.hyperv.psrp.scripted import Scripted, hang, say
from tests.support.waiting import DEADLINE, comes

USERS = {"bot": "s3cret"}
ASK = (Cmdlet("Get-Answer"),)
CHANGE = (Cmdlet("Set-Answer"),)
HANG = (Cmdlet("Wait-Forever"),)
SHELL_UNKNOWN = 2150858843
NOTHING_YET = 2150858793
INTERNAL_ERROR = 1359

Connect = Callable[..., PsrpSession]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def host() -> Scripted:
    return Scripted(
        {"Get-Answer": say("42"), "Set-Answer": say("done"), "Wait-Forever": hang, "Get-Ready": say("ready")}
    )


@pytest.fixture
def server(host: Scripted) -> Iterator[WinRMServer]:
    with WinRMServer(host, users=USERS) as running:
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(server: WinRMServer, clock: Clock) -> Iterator[Connect]:
    opened: list[PsrpSession] = []

    def make(**settings: object) -> PsrpSession:
        connection = HostConnection("hv01", "127.0.0.1", server.port, ssl=False, username="bot", password="s3cret")
        opened.append(PsrpSession(replace(connection, **settings), clock=clock))  # type: ignore[arg-type]
        return opened[-1]

    yield make
    for session in opened:
        session.close()


def _warm(session: PsrpSession, server: WinRMServer) -> None:
    """Have a shell open, and idle again."""
    session.invoke((Cmdlet("Get-Ready"),), deadline=30)
    assert _soon(lambda: server.open_commands == 0 and not session._pool._lent)


# ---------------------------------------------------------------- the ordinary way


def test_a_warm_pipeline_takes_three_requests_and_leaves_nothing_open(connect: Connect, server: WinRMServer) -> None:
    session = connect()
    _warm(session, server)
    before = sum(server.requests.values())
    for _ in range(5):
        assert session.invoke(ASK, deadline=10).output == ("42",)
    assert _soon(lambda: sum(server.requests.values()) - before == 15)
    assert _soon(lambda: server.open_commands == 0)
    assert server.requests["Command"] == server.requests["Signal"] == 6


def test_a_shell_takes_more_pipelines_than_a_host_lets_stand_open(host: Scripted, clock: Clock) -> None:
    with WinRMServer(host, users=USERS, quotas=Quotas(commands_per_shell=5)) as server:
        session = PsrpSession(_to(server), clock=clock)
        for _ in range(12):
            session.invoke(ASK, deadline=10)
        assert server.requests["Create"] == 1
        session.close()


def test_parameters_and_errors_and_warnings_cross_over(connect: Connect, host: Scripted) -> None:
    def run(sink: Sink, stop: Event) -> None:
        sink.warning("mind the gap")
        sink.error(ErrorData("ObjectInUse,Some.Class", 19, "ResourceBusy", "in Gebrauch", hresult=-2147024864))
        sink.output("after")

    host.commands["Get-Trouble"] = run
    result = connect().invoke((Cmdlet("Get-Trouble"),), deadline=10)
    (error,) = result.errors
    assert (error.error_id, error.command, error.category) == ("ObjectInUse", "Some.Class", "ResourceBusy")
    assert (error.message, error.hresult) == ("in Gebrauch", 0x80070020)
    assert (result.output, result.warnings, result.terminated) == (("after",), ("mind the gap",), False)


def test_an_error_that_ends_the_pipeline_is_told_from_one_that_does_not(connect: Connect, host: Scripted) -> None:
    result = connect().invoke((Cmdlet("Get-Nothing"),), deadline=10)
    assert result.terminated
    assert [error.error_id for error in result.errors] == ["CommandNotFoundException"]


def test_progress_is_passed_on_while_the_call_runs(connect: Connect, host: Scripted) -> None:
    seen, go_on = list[int](), Event()

    def run(sink: Sink, stop: Event) -> None:
        sink.progress("Exporting", 30)
        assert go_on.wait(DEADLINE)
        sink.progress("Exporting", 100)

    def on_progress(percent: int) -> None:
        seen.append(percent)
        go_on.set()

    host.commands["Export-Answer"] = run
    result = connect().invoke((Cmdlet("Export-Answer"),), deadline=10, on_progress=on_progress)
    assert seen == [30, 100]
    assert result.progress == (30, 100)


def test_progress_that_cannot_be_shown_does_not_harm_the_call(
    connect: Connect, host: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(percent: int) -> None:
        raise RuntimeError("Slack is away")

    def run(sink: Sink, stop: Event) -> None:
        for percent in (1, 2):
            sink.progress("", percent)
        sink.output("done")

    host.commands["Set-Answer"] = run
    assert connect().invoke(CHANGE, deadline=10, change=True, on_progress=fail).output == ("done",)
    assert caplog.text.count("could not be shown") == 1


def test_calls_one_after_the_other_take_turns_on_the_shells_that_are_warm(
    connect: Connect, server: WinRMServer
) -> None:
    session = connect(shells=2)
    for _ in range(5):
        session.invoke(ASK, deadline=10)
    assert server.requests["Create"] == 1


def test_calls_share_a_small_number_of_shells(connect: Connect, server: WinRMServer) -> None:
    session = connect(shells=2)
    with ThreadPoolExecutor(10) as threads:
        results = list(threads.map(lambda _: session.invoke(ASK, deadline=20).output, range(30)))
    assert results == [("42",)] * 30
    assert server.requests["Create"] <= 2


def test_closing_ends_the_shells_on_the_host(connect: Connect, server: WinRMServer) -> None:
    session = connect()
    session.invoke(ASK, deadline=10)
    session.close()
    session.close()
    assert server.shells == ()
    with pytest.raises(Unreachable, match="closing"):
        session.invoke(ASK, deadline=10)


def test_a_forgotten_session_ends_its_shells_too(server: WinRMServer) -> None:
    session = PsrpSession(_to(server))
    session.invoke(ASK, deadline=10)
    del session
    assert _soon(lambda: not server.shells)


def test_idle_shells_are_closed_before_the_host_does_it(connect: Connect, server: WinRMServer, clock: Clock) -> None:
    session = connect()
    _warm(session, server)
    first = set(server.shells)
    clock.now += IDLE_LIMIT
    session.invoke(ASK, deadline=10)
    assert _soon(lambda: len(server.shells) == 1)
    assert not first & set(server.shells)


# ---------------------------------------------------------------- deadlines


def test_a_read_that_hangs_ends_at_its_deadline(connect: Connect) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"did not answer within 0\.3 s\."):
        connect().invoke(HANG, deadline=0.3)
    assert time.monotonic() - began < DEADLINE / 2


@pytest.mark.parametrize("ssl", [False, True])
def test_the_thread_of_a_call_that_was_given_up_ends_too(host: Scripted, ssl: bool) -> None:
    with WinRMServer(host, users=USERS, ssl=ssl) as server:
        connection = replace(_to(server), name="hung", ssl=ssl, ca_bundle=str(server.ca_file) if ssl else None)
        session = PsrpSession(connection)
        with pytest.raises(TimedOut):
            session.invoke(HANG, deadline=0.5)
        assert _soon(lambda: all(thread.name != "shell on hung" for thread in threading.enumerate()))
        session.close()


def test_a_change_that_hangs_has_an_unknown_outcome(connect: Connect, server: WinRMServer) -> None:
    session = connect()
    _warm(session, server)
    with pytest.raises(UnknownOutcome, match="may have happened"):
        session.invoke(HANG, deadline=1.5, change=True)


def test_a_change_whose_shell_does_not_start_in_time_was_not_run(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    server.faults.arm(Fault(FaultKind.SLOW_SHELL, seconds=3))
    with pytest.raises(Unreachable):
        connect().invoke(CHANGE, deadline=0.3, change=True)
    assert not host.ran


def test_a_change_that_waits_for_a_shell_in_vain_was_not_run(connect: Connect, host: Scripted) -> None:
    session = connect(shells=1)
    with ThreadPoolExecutor() as threads:
        hanging = threads.submit(session.invoke, HANG, deadline=1.5)
        assert _soon(lambda: host.ran["Wait-Forever"] == 1)
        with pytest.raises(Unreachable, match="busy"):
            session.invoke(CHANGE, deadline=0.2, change=True)
        with pytest.raises(TimedOut, match="busy"):
            session.invoke(ASK, deadline=0.2)
        assert isinstance(hanging.exception(), TimedOut)
    assert host.ran["Set-Answer"] == 0


def test_a_call_after_one_that_hung_gets_a_shell_of_its_own(connect: Connect) -> None:
    session = connect(shells=1)
    with pytest.raises(TimedOut):
        session.invoke(HANG, deadline=0.3)
    assert session.invoke(ASK, deadline=10).output == ("42",)


def test_one_hung_host_does_not_slow_the_others(host: Scripted, clock: Clock) -> None:
    servers = [WinRMServer(host, users=USERS) for _ in range(3)]
    hung = WinRMServer(Scripted({"Get-Answer": hang}), users=USERS)
    began, ended = time.monotonic(), dict[int, float]()
    for server in (*servers, hung):
        server.start()
    sessions = [
        PsrpSession(replace(_to(server), name=f"hv{n}"), clock=clock) for n, server in enumerate((*servers, hung))
    ]

    def call(number: int) -> object:
        try:
            return sessions[number % 4].invoke(ASK, deadline=1.0 if number % 4 == 3 else 15.0).output
        except (TimedOut, Unreachable) as error:
            return error
        finally:
            ended[number] = time.monotonic() - began

    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(call, range(20)))
    for number, result in enumerate(results):
        assert isinstance(result, TimedOut | Unreachable) if number % 4 == 3 else result == ("42",)
    assert max(ended.values()) < 15
    for session in sessions:
        session.close()
    for server in (*servers, hung):
        server.stop()


# ---------------------------------------------------------------- faults


def test_a_read_is_asked_again_when_its_answer_is_lost(connect: Connect, server: WinRMServer, host: Scripted) -> None:
    server.faults.arm(Fault(FaultKind.RESET_RECEIVE))
    assert connect().invoke(ASK, deadline=10).output == ("42",)
    assert host.ran["Get-Answer"] == 2


def test_a_read_is_asked_again_once_only(connect: Connect, server: WinRMServer, host: Scripted) -> None:
    server.faults.arm(Fault(FaultKind.RESET_RECEIVE, times=None))
    with pytest.raises(Unreachable):
        connect().invoke(ASK, deadline=10)
    assert host.ran["Get-Answer"] == 2


@pytest.mark.parametrize("kind", [FaultKind.RESET_RECEIVE, FaultKind.RESET_BEFORE_ANSWER])
def test_a_change_whose_answer_is_lost_is_sent_once_and_its_outcome_unknown(
    connect: Connect, server: WinRMServer, host: Scripted, kind: FaultKind
) -> None:
    session = connect()
    _warm(session, server)
    server.faults.arm(Fault(kind))
    with pytest.raises(UnknownOutcome):
        session.invoke(CHANGE, deadline=10, change=True)
    assert host.ran["Set-Answer"] == 1
    assert session.invoke(ASK, deadline=10).output == ("42",)


def test_a_command_that_is_done_without_a_word_of_how_is_a_lost_answer_and_asked_about_once(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    session = connect()
    _warm(session, server)
    server.faults.arm(Fault(FaultKind.DONE_WITHOUT_STATE, "Set-Answer", times=None))
    before, began = server.requests["Receive"], time.monotonic()
    with pytest.raises(UnknownOutcome):
        session.invoke(CHANGE, deadline=60, change=True)
    assert server.requests["Receive"] == before + 1
    assert time.monotonic() - began < 10
    assert host.ran["Set-Answer"] == 1


def test_a_question_that_is_done_without_a_word_of_how_is_asked_once_more_and_no_oftener(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    session = connect()
    server.faults.arm(Fault(FaultKind.DONE_WITHOUT_STATE, "Get-Answer", times=None))
    with pytest.raises(Unreachable, match="not how it ended"):
        session.invoke(ASK, deadline=60)
    assert host.ran["Get-Answer"] == 2


def test_a_host_that_does_not_hold_a_question_is_not_asked_again_at_once(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    def begin(sink: Sink, stop: Event) -> None:
        server.faults.arm(Fault(FaultKind.WSMAN_FAULT, "Wait-Forever", times=None, code=NOTHING_YET))
        sink.output("begun")
        stop.wait(10)

    host.commands["Wait-Forever"] = begin
    session = connect()
    _warm(session, server)
    before = server.requests["Receive"]
    with pytest.raises(UnknownOutcome):
        session.invoke(HANG, deadline=2, change=True)
    assert 2 <= server.requests["Receive"] - before < 10


@pytest.mark.parametrize("status", [500, 503])
def test_a_change_answered_with_a_bare_error_has_an_unknown_outcome(
    connect: Connect, server: WinRMServer, host: Scripted, status: int
) -> None:
    session = connect()
    _warm(session, server)
    server.faults.arm(Fault(FaultKind.HTTP_STATUS, code=status))
    with pytest.raises(UnknownOutcome):
        session.invoke(CHANGE, deadline=10, change=True)
    assert host.ran["Set-Answer"] <= 1


def test_a_change_whose_shell_is_gone_did_not_leave_and_goes_over_a_fresh_one(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    session = connect(shells=1)
    _warm(session, server)
    server.faults.arm(Fault(FaultKind.WSMAN_FAULT, cmdlet="Set-Answer", code=SHELL_UNKNOWN))
    assert session.invoke(CHANGE, deadline=10, change=True).output == ("done",)
    assert host.ran["Set-Answer"] == 1
    assert server.requests["Create"] == 2


def test_a_change_answered_with_a_fault_that_says_nothing_has_an_unknown_outcome(
    connect: Connect, server: WinRMServer
) -> None:
    session = connect()
    _warm(session, server)
    server.faults.arm(Fault(FaultKind.WSMAN_FAULT, cmdlet="Set-Answer", code=INTERNAL_ERROR))
    with pytest.raises(UnknownOutcome):
        session.invoke(CHANGE, deadline=10, change=True)


def test_a_change_whose_shell_goes_while_it_runs_has_an_unknown_outcome(
    connect: Connect, server: WinRMServer, host: Scripted
) -> None:
    """The same fault as above, of which the host had taken the change already."""

    def vanish(sink: Sink, stop: Event) -> None:
        server.faults.arm(Fault(FaultKind.WSMAN_FAULT, cmdlet="Set-Answer", code=SHELL_UNKNOWN))
        sink.output("begun")
        stop.wait(1)

    host.commands["Set-Answer"] = vanish
    session = connect()
    _warm(session, server)
    with pytest.raises(UnknownOutcome):
        session.invoke(CHANGE, deadline=10, change=True)
    assert host.ran["Set-Answer"] == 1


@pytest.mark.parametrize("auth", ["negotiate", "basic"])
def test_a_connection_that_the_host_closed_meanwhile_costs_no_change(host: Scripted, clock: Clock, auth: str) -> None:
    with WinRMServer(host, users=USERS, quotas=Quotas(connection_idle=0.5), allow_unencrypted=True) as server:
        connection = replace(_to(server), auth=auth, allow_unencrypted=True)  # type: ignore[arg-type]
        session = PsrpSession(connection, clock=clock)
        _warm(session, server)
        time.sleep(0.8)
        assert session.invoke(CHANGE, deadline=10, change=True).output == ("done",)
        assert host.ran["Set-Answer"] == 1
        session.close()


def test_a_shell_that_lay_idle_for_long_is_asked_whether_it_lives(
    connect: Connect, server: WinRMServer, clock: Clock
) -> None:
    session = connect(shells=1)
    _warm(session, server)
    clock.now += 31
    session.invoke(ASK, deadline=10)
    session.invoke(ASK, deadline=10)
    assert server.requests["Get"] == 1
    assert server.requests["Create"] == 1


@pytest.mark.parametrize("ssl", [False, True])
def test_a_shell_outlives_the_connection_that_its_host_closed_for_being_idle(
    host: Scripted, clock: Clock, ssl: bool
) -> None:
    with WinRMServer(host, users=USERS, ssl=ssl, quotas=Quotas(connection_idle=0.5)) as server:
        session = PsrpSession(
            replace(_to(server), ssl=ssl, ca_bundle=str(server.ca_file) if ssl else None), clock=clock
        )
        _warm(session, server)
        for _ in range(2):
            time.sleep(0.8)
            clock.now += 31
            assert session.invoke(CHANGE, deadline=10, change=True).output == ("done",)
        assert host.ran["Set-Answer"] == 2
        assert server.requests["Create"] == 1
        session.close()
        assert server.shells == ()


def test_a_shell_that_does_not_live_as_it_should_is_ended_on_its_host(
    connect: Connect, server: WinRMServer, clock: Clock
) -> None:
    session = connect()
    _warm(session, server)
    (old,) = server.shells
    clock.now += 31
    server.faults.arm(Fault(FaultKind.WSMAN_FAULT, code=NOTHING_YET))
    assert session.invoke(ASK, deadline=10).output == ("42",)
    assert _soon(lambda: len(server.shells) == 1)
    assert old not in server.shells
    assert session._book.all_lost == ()


def test_a_shell_that_its_host_has_not_any_more_is_asked_for_once(
    connect: Connect, server: WinRMServer, clock: Clock
) -> None:
    session = connect()
    _warm(session, server)
    server._service.shells.close()
    clock.now += 31
    assert session.invoke(ASK, deadline=10).output == ("42",)
    assert _soon(lambda: len(session._book._open) == 1)
    assert session._book.all_lost == ()
    assert server.requests["Get"] == 1
    assert server.requests["Delete"] == 0


def test_a_password_that_was_changed_meanwhile_is_tried_once(
    connect: Connect, server: WinRMServer, host: Scripted, clock: Clock
) -> None:
    session = connect()
    _warm(session, server)
    server.stop()
    clock.now += 31
    with WinRMServer(host, users={"bot": "another"}, port=server.port) as changed:
        errors = [_raised(session) for _ in range(2)]
        assert changed.failed_logons == 1
    assert all(isinstance(error, AuthenticationFailed) for error in errors)


def test_a_pipeline_that_cannot_be_ended_does_not_lose_its_result(
    connect: Connect, server: WinRMServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = Event()

    def reset(self: PowerShell) -> None:
        tried.set()
        raise ConnectionResetError

    session = connect(shells=1)
    _warm(session, server)
    with monkeypatch.context() as patched:
        patched.setattr(PowerShell, "close", reset)
        assert session.invoke(CHANGE, deadline=10, change=True).output == ("done",)
        assert tried.wait(DEADLINE)
    assert session.invoke(ASK, deadline=10).output == ("42",)
    assert server.requests["Create"] == 2


def test_a_wrong_password_is_tried_once_and_then_left_alone(
    connect: Connect, server: WinRMServer, clock: Clock
) -> None:
    session = connect(password="wrong")
    with ThreadPoolExecutor(5) as threads:
        errors = list(threads.map(lambda _: _raised(session), range(5)))
    assert all(isinstance(error, AuthenticationFailed) for error in errors)
    assert "hv01 refused bot or its password" in str(errors[0])
    assert server.failed_logons == 1
    clock.now += 899
    assert "left alone" in str(_raised(session))
    assert server.failed_logons == 1
    clock.now += 1
    _raised(session)
    assert server.failed_logons == 2


def test_a_host_that_is_down_is_said_to_be_so_and_then_left_alone(server: WinRMServer, clock: Clock) -> None:
    session = PsrpSession(_to(server), clock=clock)
    server.stop()
    assert "does not answer at 127.0.0.1" in str(_raised(session))
    assert "does not answer at 127.0.0.1" in str(_raised(session))
    assert "left alone for another 1 s" in str(_raised(session))
    clock.now += 1
    assert "does not answer" in str(_raised(session))
    assert "left alone for another 2 s" in str(_raised(session))


def test_a_host_that_answers_again_is_used_again_at_once(connect: Connect, server: WinRMServer, clock: Clock) -> None:
    session = connect()
    server.faults.arm(Fault(FaultKind.REFUSE_CONNECTION, times=2))
    _raised(session)
    _raised(session)
    clock.now += 1
    assert session.invoke(ASK, deadline=10).output == ("42",)
    assert session.invoke(ASK, deadline=10).output == ("42",)


def test_an_unknown_session_configuration_is_called_by_its_name(connect: Connect) -> None:
    assert "no session configuration called Nope" in str(_raised(connect(configuration_name="Nope")))


def test_the_quota_of_shells_is_told_from_a_dead_host(host: Scripted) -> None:
    with WinRMServer(host, users=USERS, quotas=Quotas(shells_per_user=0)) as server:
        assert "no more shells" in str(_raised(PsrpSession(_to(server))))


# ---------------------------------------------------------------- ways in


def test_a_method_that_the_host_does_not_offer_is_not_taken_for_a_wrong_password(host: Scripted) -> None:
    with WinRMServer(host, users=USERS, auth=["basic"], allow_unencrypted=True) as server:
        error = _raised(PsrpSession(_to(server)))
    assert not isinstance(error, AuthenticationFailed)
    assert "does not offer negotiate authentication" in str(error)


@pytest.mark.parametrize("auth", ["negotiate", "ntlm", "basic"])
def test_https_is_verified_with_the_authority_given(host: Scripted, auth: str) -> None:
    with WinRMServer(host, users=USERS, ssl=True) as server:
        trusted = replace(_to(server), ssl=True, auth=auth, ca_bundle=str(server.ca_file))  # type: ignore[arg-type]
        session = PsrpSession(trusted)
        assert session.invoke(ASK, deadline=10).output == ("42",)
        session.close()
        assert "is not trusted" in str(_raised(PsrpSession(replace(trusted, ca_bundle=None))))


def test_a_client_certificate_logs_on(host: Scripted) -> None:
    with WinRMServer(host, users=USERS, ssl=True, auth=["certificate"]) as server:
        certificate, key = server.client_certificate("bot")
        connection = replace(
            _to(server), ssl=True, auth="certificate", username=None, password=None, ca_bundle=str(server.ca_file),
            certificate_pem=str(certificate), certificate_key_pem=str(key),
        )  # fmt: skip
        session = PsrpSession(connection)
        assert session.invoke(ASK, deadline=10).output == ("42",)
        session.close()


def test_basic_over_plain_http_needs_to_be_allowed_in_so_many_words(host: Scripted) -> None:
    with WinRMServer(host, users=USERS, allow_unencrypted=True) as server:
        refused = PsrpSession(replace(_to(server), auth="basic"))
        assert "shows the password to everyone" in str(_raised(refused))
        assert not server.requests
        session = PsrpSession(replace(_to(server), auth="basic", allow_unencrypted=True))
        assert session.invoke(ASK, deadline=10).output == ("42",)
        session.close()


def test_proxies_and_passwords_of_the_environment_are_not_for_hosts(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert connect().invoke(ASK, deadline=10).output == ("42",)


def _to(server: WinRMServer) -> HostConnection:
    return HostConnection("hv01", "127.0.0.1", server.port, ssl=False, username="bot", password="s3cret")


def _raised(session: PsrpSession) -> Exception:
    with pytest.raises((Unreachable, TimedOut)) as caught:
        session.invoke(ASK, deadline=10)
    return caught.value


def _soon(happened: Callable[[], bool]) -> bool:
    return comes(happened, DEADLINE)

"""Shells that nobody listens to any more: known also after a crash, and ended before anything is concluded."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.base import AuthenticationFailed, HostConnection, Unreachable
from backends.hyperv.connect import connect
from backends.hyperv.psrp.faults import ACCESS_DENIED
from backends.hyperv.psrp.lost import FORGOTTEN_AFTER, ShellBook
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.winrm import WinRMServer
from tests.backends.hyperv.psrp.scripted import Scripted, say

ASK = (Cmdlet("Get-Answer"),)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shells" / "hv01.json"


@pytest.fixture
def server() -> Iterator[WinRMServer]:
    with WinRMServer(Scripted({"Get-Answer": say("42")}), users={"bot": "s3cret"}) as running:
        yield running


def connection_to(server: WinRMServer, password: str = "s3cret") -> HostConnection:
    return HostConnection("hv01", "127.0.0.1", server.port, ssl=False, username="bot", password=password)


def session_on(server: WinRMServer, file: Path, password: str = "s3cret") -> PsrpSession:
    return PsrpSession(connection_to(server, password), book=ShellBook(file))


def test_the_shells_of_a_program_that_died_are_ended_by_the_next(server: WinRMServer, file: Path) -> None:
    dead = session_on(server, file)
    dead.invoke(ASK, deadline=10)
    assert len(server.shells) == 1

    session_on(server, file).end_lost_calls()

    assert server.shells == ()
    dead.close()


def test_whoever_connects_to_a_host_next_can_end_them(server: WinRMServer, file: Path) -> None:
    dead = session_on(server, file)
    dead.invoke(ASK, deadline=10)

    connect(connection_to(server), shells=file).end_lost_calls()

    assert server.shells == ()
    dead.close()


def test_the_shells_of_a_program_that_closed_its_session_are_not_lost(server: WinRMServer, file: Path) -> None:
    session = session_on(server, file)
    session.invoke(ASK, deadline=10)
    session.close()

    assert ShellBook(file).all_lost == ()


def test_a_shell_that_a_host_did_not_confirm_may_be_there_all_the_same(server: WinRMServer, file: Path) -> None:
    session = session_on(server, file)
    server.faults.arm(Fault(FaultKind.WSMAN_FAULT, times=None, code=ACCESS_DENIED))

    with pytest.raises(Unreachable):
        session.invoke(ASK, deadline=10)

    assert ShellBook(file).all_lost != ()


def test_a_shell_that_could_not_be_closed_is_lost(server: WinRMServer, file: Path) -> None:
    session = session_on(server, file)
    session.invoke(ASK, deadline=10)
    while server.open_commands:
        time.sleep(0.01)
    server.faults.arm(Fault(FaultKind.HTTP_STATUS, times=None, code=503))
    session.close()
    server.faults.disarm()
    assert len(server.shells) == 1

    session_on(server, file).end_lost_calls()

    assert server.shells == ()


def test_a_shell_that_the_host_would_not_end_stays_lost(server: WinRMServer, file: Path) -> None:
    dead = session_on(server, file)
    dead.invoke(ASK, deadline=10)
    session = session_on(server, file)
    server.faults.arm(Fault(FaultKind.WSMAN_FAULT, times=None, code=ACCESS_DENIED))

    with pytest.raises(Unreachable):
        session.end_lost_calls()
    assert len(ShellBook(file).all_lost) == 1

    server.faults.disarm()
    session.end_lost_calls()
    assert server.shells == ()
    dead.close()


def test_shells_in_use_are_left_alone(server: WinRMServer, file: Path) -> None:
    session = session_on(server, file)
    session.invoke(ASK, deadline=10)
    session.end_lost_calls()
    assert len(server.shells) == 1
    session.close()


def test_a_shell_that_the_host_has_ended_itself_is_no_trouble(server: WinRMServer, file: Path) -> None:
    ShellBook(file).opened("11111111-1111-1111-1111-111111111111")
    session_on(server, file).end_lost_calls()
    assert ShellBook(file).all_lost == ()


def test_a_wrong_password_is_not_tried_over_and_over(server: WinRMServer, file: Path) -> None:
    ShellBook(file).opened("11111111-1111-1111-1111-111111111111")
    session = session_on(server, file, password="wrong")
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            session.end_lost_calls()
    assert server.failed_logons == 1


def test_a_closed_shell_is_not_lost(file: Path) -> None:
    book = ShellBook(file)
    book.opened("one")
    book.opened("two")
    book.closed("one")
    assert ShellBook(file).all_lost == ("two",)


def test_a_shell_that_was_given_up_is_lost_here_and_after_a_crash(file: Path) -> None:
    book = ShellBook(file)
    book.opened("one")
    assert book.all_lost == ()
    book.lost("one")
    assert book.all_lost == ("one",)
    assert ShellBook(file).all_lost == ("one",)
    book.opened("two")
    assert set(ShellBook(file).all_lost) == {"one", "two"}


def test_lost_shells_are_forgotten_when_the_host_has_long_ended_them(file: Path) -> None:
    now = 1_000_000.0
    book = ShellBook(file, lambda: now)
    book.opened("old")
    book.lost("old")
    now += FORGOTTEN_AFTER + 1
    book.opened("new")
    assert book.all_lost == ()


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, null]"])
def test_a_file_that_is_not_what_it_should_be_names_no_shells(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert ShellBook(file).all_lost == ()


def test_without_a_file_only_shells_of_this_program_are_known() -> None:
    book = ShellBook()
    book.opened("one")
    book.lost("one")
    assert book.all_lost == ("one",)
    book.closed("one")
    assert book.all_lost == ()


def test_a_file_that_cannot_be_written_is_said_once_and_is_no_word_about_the_host(
    server: WinRMServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "shells").write_text("in the way of the folder")
    session = session_on(server, tmp_path / "shells" / "hv01.json")

    assert session.invoke(ASK, deadline=10).output == ("42",)
    session.close()

    assert [one.getMessage() for one in caplog.records if "cannot be written" in one.getMessage()] != []
    assert sum("cannot be written" in one.getMessage() for one in caplog.records) == 1

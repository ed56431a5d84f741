from __future__ import annotations

import base64
import socket
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import suppress
from urllib.error import HTTPError
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psrpcore import ClientRunspacePool
from pypsrp.powershell import RunspacePool

from backends.simulator.winrm import Quotas, WinRMServer, wsman
from backends.simulator.winrm.refusals import WSManFault, shell_not_found
from backends.simulator.winrm.runspaces import Runspaces
from tests.backends.simulator.winrm.winrm_fakes import USERS, ScriptedInterpreter, connect, hello, invoke, plain
from tests.support.waiting import DEADLINE

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
BASIC = "Basic " + base64.b64encode(b"admin:pass word").decode()
LAUGHS = '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><lolz>&b;</lolz>'


@pytest.fixture(scope="module")
def host() -> Iterator[WinRMServer]:
    interpreter = ScriptedInterpreter(Hello=hello)
    with WinRMServer(interpreter, users=USERS, allow_unencrypted=True) as server:
        yield server


def post(server: WinRMServer, body: bytes, *, path: str = "/wsman", method: str = "POST") -> tuple[int, bytes]:
    url = f"http://127.0.0.1:{server.port}{path}"
    headers = {"Authorization": BASIC, "Content-Type": "application/soap+xml;charset=UTF-8"}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        return error.code, error.read()


def fragment(message: bytes) -> bytes:
    return bytes(16) + b"\x03" + len(message).to_bytes(4) + message


def pipeline(clixml: bytes) -> bytes:
    """A CREATE_PIPELINE message."""
    ids = bytes(16) + uuid.UUID("7F3B0F0E-33C5-4B6E-8F6E-0D7A7A1B2C3D").bytes_le
    return b"\x02\x00\x00\x00\x06\x10\x02\x00" + ids + clixml


def envelope(
    action: str, body: str, *, shell: str = "", uri: str = "http://schemas.microsoft.com/powershell/X"
) -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in wsman.NAMESPACES.items())
    selector = f'<w:SelectorSet><w:Selector Name="ShellId">{shell}</w:Selector></w:SelectorSet>' if shell else ""
    return (
        f"<s:Envelope {spaces}><s:Header><a:Action>{action}</a:Action><a:MessageID>uuid:1</a:MessageID>"
        f"<w:ResourceURI>{uri}</w:ResourceURI>{selector}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def fault_code(answer: bytes) -> str | None:
    detail = ElementTree.fromstring(answer).find(".//{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}WSManFault")
    return None if detail is None else detail.get("Code")


def lives(server: WinRMServer) -> bool:
    with RunspacePool(plain(server)) as pool:
        return invoke(pool, "Hello").output == ["hello"]


@pytest.mark.parametrize(
    "body",
    [
        b"rubbish",
        b"<s:Envelope",
        b"<a/>",
        b"\xff\xfe\x00",
        b"\xc3\x28",
        LAUGHS.encode(),
        LAUGHS.encode("utf-16"),
        b"<a>" * 100_000,
        b"<a>" * 50_000 + b"</a>" * 50_000,
        envelope("", ""),
        envelope(f"{SHELL}/Receive", "", shell="x").replace(b"s:Body", b"s:Nobody"),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_a_message_that_is_none_gets_a_fault_and_the_server_lives_on(host: WinRMServer, body: bytes):
    status, answer = post(host, body)
    assert status == 500
    assert fault_code(answer) == "2150858817"
    assert lives(host)


@given(st.binary(min_size=1, max_size=200))
def test_whatever_bytes_come_as_a_message_they_get_a_fault(body: bytes):
    with pytest.raises(WSManFault):
        wsman.parse(body)


@pytest.mark.parametrize("verb", ["Command", "Send", "Receive", "Signal"])
def test_a_message_without_its_body_gets_a_fault(host: WinRMServer, verb: str):
    with RunspacePool(plain(host)) as pool:
        for body in ("", f"<rsp:{verb}/>", "<rsp:CommandLine/>", "<rsp:Receive><rsp:Nothing/></rsp:Receive>"):
            status, answer = post(host, envelope(f"{SHELL}/{verb}", body, shell=pool.id))
            assert status == 500
            assert fault_code(answer) in ("2150858817", "87")
        assert invoke(pool, "Hello").output == ["hello"]


@pytest.mark.parametrize(
    "fragments",
    [
        "!!!",
        "AAAA",
        base64.b64encode(bytes(20)).decode(),
        base64.b64encode(fragment(b"hello")).decode(),
        base64.b64encode(fragment(b"hello")[:-1]).decode(),
        base64.b64encode(fragment(b"hello") + fragment(b"hello") + b"rest").decode(),
        base64.b64encode(fragment(pipeline(b"<S>"))).decode(),
        base64.b64encode(fragment(pipeline(b'<Ref RefId="9"/>'))).decode(),
        base64.b64encode(fragment(pipeline(b"<I32>many</I32>"))).decode(),
        base64.b64encode(fragment(pipeline(LAUGHS.encode()))).decode(),
        base64.b64encode(fragment(pipeline(b"<Obj>" * 20_000 + b"</Obj>" * 20_000))).decode(),
    ],
)
def test_fragments_that_are_none_get_a_fault_and_leave_no_command_behind(host: WinRMServer, fragments: str):
    line = (
        '<rsp:CommandLine CommandId="7F3B0F0E-33C5-4B6E-8F6E-0D7A7A1B2C3D"><rsp:Command/>'
        f"<rsp:Arguments>{fragments}</rsp:Arguments></rsp:CommandLine>"
    )
    with RunspacePool(plain(host)) as pool:
        status, answer = post(host, envelope(f"{SHELL}/Command", line, shell=pool.id))
        assert (status, fault_code(answer)) == (500, "2150858817")
        assert host.open_commands == 0
        assert invoke(pool, "Hello").output == ["hello"]


@given(st.lists(st.binary(max_size=120) | st.binary(max_size=60).map(fragment), max_size=4))
def test_whatever_bytes_come_as_fragments_the_pool_reads_what_comes_next(rubbish: list[bytes]):
    runspaces = Runspaces(1024)
    for fragments in rubbish:
        with suppress(WSManFault):
            runspaces.receive(fragments)
    client = ClientRunspacePool()
    client.open()
    while payload := client.data_to_send():
        runspaces.receive(payload.data)
    assert runspaces.outbox.take(1024, timeout=0).fragments


def test_a_plain_client_on_a_tls_port_harms_nobody():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True) as server:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE),
            socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as client,
        ):
            client.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n")
            with suppress(ConnectionError):
                assert not client.recv(100).startswith(b"HTTP")
        with RunspacePool(connect(server)) as pool:
            assert invoke(pool, "Hello").output == ["hello"]


def test_a_shell_with_rubbish_inside_is_not_opened(host: WinRMServer):
    body = (
        f'<rsp:Shell><creationXml xmlns="http://schemas.microsoft.com/powershell">{"A" * 80}</creationXml></rsp:Shell>'
    )
    uri = "http://schemas.microsoft.com/powershell/Microsoft.PowerShell"
    status, answer = post(host, envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", body, uri=uri))
    assert (status, fault_code(answer)) == (500, "2150858817")
    assert host.shells == ()


def test_an_action_that_does_not_exist_is_refused(host: WinRMServer):
    assert fault_code(post(host, envelope("http://example.com/Dance", ""))[1]) == "2150858753"


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "POST", 404), ("/wsman", "GET", 405), ("/WSMAN/", "POST", 200)]
)
def test_only_post_to_wsman_is_served(host: WinRMServer, path: str, method: str, status: int):
    assert post(host, b"", path=path, method=method)[0] == status


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / SPDY/9\r\n\r\n", 400),
        (b"\x00\xff\x16\x03\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST /wsman HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nX: y\r\nno colon\r\nContent-Length: 0\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: -5\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n", 413),
        (b"POST /wsman HTTP/1.1\r\nContent-Length: " + b"9" * 10_000 + b"\r\n\r\n", 413),
        (b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"POST /wsman HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_is_no_request_is_answered_and_the_connection_closed(host: WinRMServer, request_bytes: bytes, status: int):
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(request_bytes)
        with client.makefile("rb") as reader:
            assert reader.readline().split()[1] == str(status).encode()
    assert lives(host)


def test_several_requests_share_a_connection_and_a_client_may_wait_for_continue(host: WinRMServer):
    head = (
        f"POST /wsman HTTP/1.1\r\nAuthorization: {BASIC}\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n".encode()
    )
    with socket.create_connection(("127.0.0.1", host.port)) as client, client.makefile("rb") as reader:
        for _ in range(3):
            client.sendall(head)
            assert (reader.readline(), reader.readline()) == (b"HTTP/1.1 100 Continue\r\n", b"\r\n")
            client.sendall(b"junk")
            assert reader.readline() == b"HTTP/1.1 500 Internal Server Error\r\n"
            headers = dict(line.strip().split(b": ") for line in iter(reader.readline, b"\r\n"))
            assert b"2150858817" in reader.read(int(headers[b"Content-Length"]))


def test_a_client_that_vanishes_in_mid_request_harms_nobody(host: WinRMServer):
    with socket.create_connection(("127.0.0.1", host.port)) as client:
        client.sendall(b"POST /wsman HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
    assert lives(host)


def test_a_connection_that_nothing_is_asked_on_is_closed():
    interpreter = ScriptedInterpreter(Hello=hello)
    quotas = Quotas(connection_idle=0.05)
    with WinRMServer(interpreter, users=USERS, allow_unencrypted=True, quotas=quotas) as server:
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE) as client:
                assert client.recv(1) == b""


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        ("PT20S", 20),
        ("PT0.5S", 0.5),
        ("P1DT2H3M4S", 93784),
        ("PT1M", 60),
        ("", 7),
        ("PT", 7),
        ("rubbish", 7),
        ("P1Y", 7),
    ],
)
def test_durations_are_read_as_seconds(duration: str, seconds: float):
    assert wsman.seconds(duration, 7) == seconds


@pytest.mark.parametrize("duration", ["-PT5S", "PT-5S", " -P1D"])
def test_a_time_out_that_runs_backwards_is_refused(duration: str):
    with pytest.raises(wsman.WSManFault) as refused:
        wsman.seconds(duration, 60.0)
    assert refused.value.code == 2150858881


def test_a_fault_names_the_machine_and_what_it_answers():
    fault = ElementTree.fromstring(wsman.fault(shell_not_found("<&>"), "uuid:<1>", 'HV"01'))
    detail = fault.find(".//{http://schemas.microsoft.com/wbem/wsman/1/wsmanfault}WSManFault")
    assert detail is not None
    assert (detail.get("Machine"), detail.get("Code")) == ('HV"01', "2150858843")
    assert fault.findtext(".//a:RelatesTo", None, wsman.NAMESPACES) == "uuid:<1>"
    assert "<&>" in (fault.findtext(".//s:Text", None, wsman.NAMESPACES) or "")

"""What went wrong on the way is said in words: a balancer's page, a shell that was killed, a certificate."""

from __future__ import annotations

import http.server
import logging
import socket
import ssl
import threading
from dataclasses import replace
from typing import ClassVar

import pytest
import requests
import urllib3
from pypsrp.exceptions import WinRMTransportError, WSManFaultError
from urllib3.exceptions import MaxRetryError, NameResolutionError

from backends.base import HostConnection, Unreachable
from backends.hyperv.psrp import faults
from backends.hyperv.psrp.session import PsrpSession
from backends.remoting import Cmdlet
from backends.simulator.model.faults import Fault, FaultKind
from backends.simulator.winrm import WinRMServer
from tests.backends.hyperv.psrp.scripted import Scripted, say
from tests.support.waiting import DEADLINE

USERS = {"bot": "s3cret"}
HV01 = HostConnection("hv01", "hv01.example.net")
PAGE = "<html><body><h1>503 Service Unavailable</h1>No server is available.</body></html>"


def _fault(code: int | None, reason: str | None = None) -> WSManFaultError:
    return WSManFaultError(code, "hv01", reason, None, None, None)


def test_a_page_of_a_balancer_is_said_to_be_one_though_it_reads_as_xml() -> None:
    fault = _fault(None)
    fault.__context__ = WinRMTransportError("http", 503, PAGE)
    error = faults.unreachable(fault, HV01)
    assert "a balancer or proxy before it, answered that it is not available (HTTP status 503)" in str(error)
    assert "None" not in str(error)


@pytest.mark.parametrize("code", [995, 1726, 0x800706BE, 0xC0000005, 0xC0000017, 0xC0000044])
def test_a_shell_that_was_killed_is_not_a_bare_number(code: int) -> None:
    sentence = str(faults.unreachable(_fault(code), HV01))
    assert "PowerShell on hv01 was ended in the middle of it, for want of memory perhaps" in sentence
    assert "MaxMemoryPerShellMB" in sentence


def test_any_other_fault_is_in_the_hosts_words_with_one_full_stop() -> None:
    sentence = str(faults.unreachable(_fault(2150858999, "The shell is\n  paused."), HV01))
    assert sentence == "WinRM on hv01 refused (fault 2150858999): The shell is paused."
    silent = str(faults.unreachable(_fault(77), HV01))
    assert silent == "WinRM on hv01 refused (fault 77): It gave no reason."


def test_a_certificate_is_refused_with_one_full_stop() -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_message = "unable to get local issuer certificate."
    assert ".." not in str(faults.unreachable(error, HV01))


def test_what_goes_wrong_is_logged_by_the_bot_alone(caplog: pytest.LogCaptureFixture) -> None:
    with WinRMServer(Scripted({"Get-Answer": say("42")}), users=USERS) as server, caplog.at_level(logging.WARNING):
        connection = HostConnection("hv01", "127.0.0.1", server.port, ssl=False, username="bot", password="s3cret")
        session = PsrpSession(connection)
        server.faults.arm(Fault(FaultKind.HTTP_STATUS, code=503, times=None))
        with pytest.raises(Unreachable, match="HTTP status 503"):
            session.invoke((Cmdlet("Get-Answer"),), deadline=20)
        session.close()
    assert [record.name for record in caplog.records if record.name.startswith("pypsrp")] == []


# ---------------------------------------------------------------- which certificates are trusted


def _over_https(server: WinRMServer, **more: str) -> PsrpSession:
    return PsrpSession(HostConnection("hv01", "127.0.0.1", server.port, username="bot", password="s3cret", **more))  # type: ignore[arg-type]


def test_without_a_bundle_the_systems_store_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL is told where the system keeps it."""
    with WinRMServer(Scripted({"Get-Answer": say("42")}), users=USERS, ssl=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(server.ca_file))
        session = _over_https(server)
        assert session.invoke((Cmdlet("Get-Answer"),), deadline=20).output == ("42",)
        session.close()


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_variables_of_the_environment_have_no_say_in_what_is_trusted(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    with WinRMServer(Scripted({"Get-Answer": say("42")}), users=USERS, ssl=True) as server:
        monkeypatch.setenv(variable, str(server.ca_file))
        session = _over_https(server)
        with pytest.raises(Unreachable, match="is not trusted"):
            session.invoke((Cmdlet("Get-Answer"),), deadline=20)
        session.close()
        monkeypatch.setenv(variable, "/no/such/file.pem")
        trusted = _over_https(server, ca_bundle=str(server.ca_file))
        assert trusted.invoke((Cmdlet("Get-Answer"),), deadline=20).output == ("42",)
        trusted.close()


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"])
def test_proxies_of_the_environment_have_no_say(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    with WinRMServer(Scripted({"Get-Answer": say("42")}), users=USERS) as server:
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
        session = PsrpSession(
            HostConnection("hv01", "127.0.0.1", server.port, ssl=False, username="bot", password="s3cret")
        )
        assert session.invoke((Cmdlet("Get-Answer"),), deadline=20).output == ("42",)
        session.close()


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (9, "compare the clocks"),
        (18, "as ca_bundle"),
        (19, "as ca_bundle"),
        (20, "as ca_bundle"),
        (23, "has revoked it"),
        (62, "by a name that is in it, as address"),
    ],
)
def test_each_kind_of_bad_certificate_has_its_own_way_out(code: int, mend: str) -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, "bad"
    told = str(faults.unreachable(error, HV01))
    assert told.startswith("The certificate of hv01 is not trusted: bad. ")
    assert mend in told


class Impostor(http.server.BaseHTTPRequestHandler):
    """Answers every request with the same, which is no WinRM."""

    answer: ClassVar[tuple[int, bytes, str]]

    def do_POST(self) -> None:
        status, body, location = self.answer
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST  # noqa: N815 - the name is the base class's

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("status", "body", "location", "told"),
    [
        (200, b"<html><head><br></head>A log-in page</html>", "", "is not WinRM: a proxy, a log-in page"),
        (200, b"<html><body>It works!</body></html>", "", "is not WinRM: a proxy, a log-in page"),
        (200, b"", "", "is not WinRM: a proxy, a log-in page"),
        (302, b"", "/login", "is not WinRM: a proxy, a log-in page"),
        (302, b"", "http://127.0.0.1:1/", "is not WinRM: a proxy, a log-in page"),
        (500, b"<html><br></html>", "", "answered with HTTP status 500 instead of WinRM"),
        (407, b"<html></html>", "", "answered with HTTP status 407 instead of WinRM"),
        (502, b"Bad Gateway", "", "a balancer or proxy before it"),
        (504, b"", "", "a balancer or proxy before it"),
    ],
)
def test_what_answers_and_is_no_winrm_is_not_said_to_be_silent(
    status: int, body: bytes, location: str, told: str
) -> None:
    handler = type("Answer", (Impostor,), {"answer": (status, body, location)})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        here = HostConnection("hv01", "127.0.0.1", server.server_port, ssl=False, auth="basic", allow_unencrypted=True)
        session = PsrpSession(replace(here, username="bot", password="s3cret"))
        try:
            with pytest.raises(Unreachable) as caught:
                session.invoke((Cmdlet("Get-VM"),), deadline=DEADLINE)
        finally:
            session.close()
            server.shutdown()
    assert told in str(caught.value)


def test_a_port_that_speaks_no_tls_is_named_as_that() -> None:
    with WinRMServer(Scripted({}), users=USERS) as server:
        connection = HostConnection("hv01", "127.0.0.1", server.port, username="bot", password="s3cret")
        session = PsrpSession(connection)
        with pytest.raises(Unreachable, match=r"find no way to speak TLS at port .* set ssl: false"):
            session.invoke((Cmdlet("Get-VM"),), deadline=DEADLINE)
        session.close()


def test_a_name_that_no_name_server_knows_is_said_to_be_that() -> None:
    pool = urllib3.HTTPConnectionPool("nowhere.invalid")
    error = NameResolutionError("nowhere.invalid", pool, socket.gaierror(-2, "Name or service not known"))  # type: ignore[arg-type]
    told = str(faults.unreachable(requests.ConnectionError(MaxRetryError(pool, "/wsman", error)), HV01))
    assert "No address is known for hv01.example.net, where hv01 is said to be." in told
    assert faults.never_ran(error)

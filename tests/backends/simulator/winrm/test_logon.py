from __future__ import annotations

import base64
import urllib.request
from urllib.error import HTTPError

import pytest
import requests
from pypsrp.exceptions import AuthenticationError, WinRMTransportError
from pypsrp.powershell import RunspacePool
from pypsrp.wsman import WSMan

from backends.simulator.winrm import WinRMServer
from backends.simulator.winrm.accounts import Accounts
from tests.backends.simulator.winrm.winrm_fakes import (
    USERS,
    ScriptedInterpreter,
    connect,
    hello,
    invoke,
    plain,
    recording,
)


def greet(wsman: WSMan) -> list[object]:
    with RunspacePool(wsman) as pool:
        return invoke(pool, "Hello").output


@pytest.mark.parametrize("auth", ["negotiate", "ntlm"])
def test_ntlm_over_http_works_with_message_encryption(auth: str):
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server:
        assert greet(connect(server, auth=auth)) == ["hello"]


@pytest.mark.parametrize("auth", ["negotiate", "ntlm", "basic"])
def test_https_works_with_the_authority_verified(auth: str):
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True) as server:
        assert greet(connect(server, auth=auth)) == ["hello"]


def test_message_encryption_works_inside_https_too():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True) as server:
        assert greet(connect(server, encryption="always")) == ["hello"]


def test_https_does_not_work_without_its_authority():
    with (
        WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True) as server,
        pytest.raises(requests.exceptions.SSLError),
    ):
        greet(connect(server, cert_validation=True))


def test_a_client_certificate_says_who_it_is():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True, auth=("certificate",)) as server:
        certificate, key = server.client_certificate("admin")
        files = {"certificate_pem": str(certificate), "certificate_key_pem": str(key)}
        with RunspacePool(connect(server, auth="certificate", **files)) as pool:
            assert invoke(pool, "Hello").output == ["hello"]
            assert [shell.identity.owner for shell in server.shells] == ["admin"]


def test_a_certificate_of_somebody_unknown_is_refused():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True, auth=("certificate",)) as server:
        certificate, key = server.client_certificate("mallory")
        files = {"certificate_pem": str(certificate), "certificate_key_pem": str(key)}
        with pytest.raises(AuthenticationError):
            greet(connect(server, auth="certificate", **files))
        assert server.shells == ()


def test_basic_over_http_is_refused_unless_unencrypted_traffic_is_allowed():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server:
        with pytest.raises(AuthenticationError):
            greet(plain(server))
        assert server.failed_logons == 0
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, allow_unencrypted=True) as server:
        assert greet(plain(server)) == ["hello"]


def test_plain_messages_after_ntlm_over_http_are_refused_with_an_empty_500():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server:
        with pytest.raises(WinRMTransportError) as refusal:
            greet(connect(server, encryption="never"))
        assert (refusal.value.code, refusal.value.response_text) == (500, "")
        assert not server.requests


@pytest.mark.parametrize("auth", ["negotiate", "ntlm", "basic"])
def test_a_wrong_password_is_refused_and_counted_once(auth: str):
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, ssl=True) as server:
        with pytest.raises(AuthenticationError):
            greet(connect(server, auth=auth, password="wrong"))
        assert server.failed_logons == 1
        assert greet(connect(server, auth=auth)) == ["hello"]
        assert server.failed_logons == 1


def test_an_unknown_user_is_refused():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server:
        with pytest.raises(AuthenticationError):
            greet(connect(server, user="nobody"))
        assert server.failed_logons == 1


def test_hosts_in_one_process_have_accounts_of_their_own():
    interpreter = ScriptedInterpreter(Hello=hello)
    with (
        WinRMServer(interpreter, users={"admin": "one"}) as first,
        WinRMServer(interpreter, users={"LAB\\admin": "two"}) as second,
    ):
        assert greet(connect(first, password="one")) == ["hello"]
        assert greet(connect(second, user="LAB\\Admin", password="two")) == ["hello"]
        with pytest.raises(AuthenticationError):
            greet(connect(first, user="LAB\\admin", password="two"))
        with pytest.raises(AuthenticationError):
            greet(connect(second, password="one"))


def test_neither_the_password_nor_the_messages_can_be_read_on_the_wire():
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server, recording(server) as recorder:
        assert greet(connect(server, port=recorder.port)) == ["hello"]
        seen = bytes(recorder.seen)
    assert seen.count(b"HTTP-SPNEGO-session-encrypted") > 10
    for secret in ("pass word", "pass word".encode("utf-16-le"), "hello", "Hello", "Envelope"):
        raw = secret if isinstance(secret, bytes) else secret.encode()
        assert raw not in seen
        assert base64.b64encode(raw).rstrip(b"=")[:-1] not in seen


def test_the_proxy_does_see_plain_messages():
    """So that the proof above proves something."""
    with (
        WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS, allow_unencrypted=True) as server,
        recording(server) as recorder,
    ):
        greet(plain(server, port=recorder.port))
        assert b"Envelope" in recorder.seen


@pytest.mark.parametrize("token", ["AAAA", "not base64!", base64.b64encode(b"NTLMSSP\x00\x03" + bytes(60)).decode()])
def test_a_token_of_rubbish_is_refused_and_the_server_lives_on(token: str):
    with WinRMServer(ScriptedInterpreter(Hello=hello), users=USERS) as server:
        request = urllib.request.Request(server.url, data=b"", headers={"Authorization": f"Negotiate {token}"})
        with pytest.raises(HTTPError) as refusal:
            urllib.request.urlopen(request)
        assert refusal.value.code == 401
        assert refusal.value.headers["WWW-Authenticate"] == "Negotiate"
        assert greet(connect(server)) == ["hello"]


def test_an_account_that_the_file_cannot_hold_is_refused_at_once():
    with pytest.raises(ValueError, match="colon"):
        Accounts({"admin": "a:b"})


def test_an_unknown_authentication_is_refused_at_once():
    with pytest.raises(ValueError, match="kerberos"):
        WinRMServer(ScriptedInterpreter(), users=USERS, auth=("kerberos",))

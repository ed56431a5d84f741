"""The settings of a connection: what is refused before a byte leaves, and what is encrypted."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import requests

from backends.base import HostConnection, name
from backends.hyperv.psrp.connection import problem, transport
from bot.settings import HostDefaults

HTTPS = HostConnection("hv01", "hv01.example.net", username="bot", password="s3cret")
HTTP = replace(HTTPS, port=5985, ssl=False)


def test_the_password_is_not_shown() -> None:
    assert "s3cret" not in repr(HTTPS)


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        (HTTPS, None),
        (HTTP, None),
        (replace(HTTPS, auth="basic"), None),
        (replace(HTTP, auth="basic", allow_unencrypted=True), None),
        (replace(HTTP, auth="basic"), "shows the password to everyone"),
        (replace(HTTP, auth="certificate"), "certificate needs ssl: true"),
        (replace(HTTPS, auth="certificate"), "certificate_pem"),
        (replace(HTTPS, ca_bundle="/no/such/file.pem"), "there is no file"),
        (replace(HTTPS, auth="basic", password=None), "password: is missing: auth basic needs it"),
        (replace(HTTPS, auth="kerberos"), "pip install '.[kerberos]'"),
        (replace(HTTPS, auth="credssp"), "pip install '.[credssp]'"),
    ],
)
def test_settings_that_cannot_work_are_said_in_a_sentence(connection: HostConnection, expected: str | None) -> None:
    said = problem(connection)
    if expected is None:
        assert said is None
    else:
        assert said is not None
        assert expected in said
        assert said.startswith(name("hv01"))


def test_messages_over_plain_http_are_always_encrypted_where_the_method_can() -> None:
    for auth in ("negotiate", "ntlm"):
        assert transport(replace(HTTP, auth=auth)).transport.wrap_required
    assert not transport(replace(HTTP, auth="basic", allow_unencrypted=True)).transport.wrap_required
    assert not transport(HTTPS).transport.wrap_required


def test_certificates_are_always_checked() -> None:
    assert transport(HTTPS).transport.cert_validation is True
    assert str(transport(replace(HTTPS, ca_bundle="/etc/ca.pem")).transport.cert_validation) == "/etc/ca.pem"


def test_only_a_configuration_of_the_hosts_own_may_be_the_bots_endpoint() -> None:
    assert not HTTPS.is_custom
    assert not replace(HTTPS, configuration_name="Microsoft.PowerShell").is_custom
    assert replace(HTTPS, configuration_name="CheckpointBot").is_custom


def test_a_setting_of_a_host_is_a_field_of_its_connection_and_nothing_is_copied_by_hand() -> None:
    known = {one.name for one in fields(HostConnection)} - {"name", "address", "shells"}
    assert known == set(HostDefaults.model_fields)


@pytest.mark.parametrize("connection", [HTTPS, HTTP, replace(HTTPS, auth="basic"), replace(HTTP, address="::1")])
@pytest.mark.parametrize("content", [None, b"<s:Envelope/>"])
@pytest.mark.parametrize("cookie", [None, "node=2"])
def test_a_message_is_prepared_as_requests_would_do_it(
    connection: HostConnection, content: bytes | None, cookie: str | None
) -> None:
    http = transport(connection).transport
    session = http.session
    assert session is not None
    if cookie:
        session.cookies.set(*cookie.split("="))
    headers = {"Content-Type": "application/soap+xml;charset=UTF-8"} if content else {}
    request = requests.Request("POST", http.endpoint, data=content, headers={**session.headers, **headers})
    made, theirs = session.prepare_request(request), requests.Session.prepare_request(session, request)
    assert (made.method, made.url, made.body, made.hooks) == (theirs.method, theirs.url, theirs.body, theirs.hooks)
    assert made.headers == theirs.headers
    assert made.headers.get("Cookie") == cookie

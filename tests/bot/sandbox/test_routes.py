"""The sandbox's own routes: only this machine and only its own page, acting and looking by HTTP, and keeping."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from slack_sdk import WebClient

from bot.sandbox import PortTaken, Sandbox, SandboxError


def ask(
    sandbox: Sandbox, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
) -> tuple[int, str, dict[str, str]]:
    address = urlsplit(sandbox.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0)
    sent = {"Content-Type": "application/json", **(headers or {})}
    connection.request(method, path, None if body is None else json.dumps(body), sent)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


def post(sandbox: Sandbox, path: str, body: object) -> dict[str, Any]:
    return json.loads(ask(sandbox, "POST", path, body)[1])


def get(sandbox: Sandbox, path: str) -> dict[str, Any]:
    return json.loads(ask(sandbox, "GET", path)[1])


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
@pytest.mark.parametrize("path", ["/", "/sandbox/state", "/api/auth.test", "/link/", "/hooks/x"])
def test_another_host_name_is_refused(sandbox: Sandbox, host: str, path: str) -> None:
    assert ask(sandbox, "GET", path, headers={"Host": host})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_cannot_act(sandbox: Sandbox, origin: str) -> None:
    body = {"user": "ada", "channel": "#ops", "text": "x"}
    assert ask(sandbox, "POST", "/sandbox/message", body, {"Origin": origin})[0] == 403
    assert ask(sandbox, "POST", "/sandbox/message", body, {"Content-Type": "text/plain"})[0] == 415
    assert sandbox.messages("#ops") == []


def test_its_own_page_may_act_under_either_name(sandbox: Sandbox) -> None:
    for name in ("127.0.0.1", "localhost"):
        host = f"{name}:{urlsplit(sandbox.url).port}"
        headers = {"Host": host, "Origin": f"http://{host}"}
        body = {"user": "ada", "channel": "#ops", "text": name}
        assert ask(sandbox, "POST", "/sandbox/message", body, headers)[0] == 200
    assert [m.text for m in sandbox.messages("#ops")] == ["127.0.0.1", "localhost"]


def test_it_listens_on_loopback_only(sandbox: Sandbox) -> None:
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", urlsplit(sandbox.url).port or 0), timeout=1)


def test_every_answer_carries_a_strict_policy(sandbox: Sandbox) -> None:
    for path in ("/", "/page/app.js", "/sandbox/state"):
        headers = ask(sandbox, "GET", path)[2]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_person_acts_and_looks_by_http(sandbox: Sandbox, client: WebClient) -> None:
    outcome = post(sandbox, "/sandbox/command", {"user": "dev", "channel": "#ops", "text": "/checkpoint list"})
    assert (outcome["ok"], outcome["error"]) == (False, "dispatch_failed")
    assert "dispatch_failed" in get(sandbox, "/sandbox/ephemeral?user=dev")["messages"][0]["text"]
    assert get(sandbox, "/sandbox/messages?channel=%23ops")["messages"] == []
    assert get(sandbox, "/sandbox/state?user=stranger")["channels"][0]["shared_with"] == ["Fabrikam"]
    assert get(sandbox, "/sandbox/views?user=dev") == {"ok": True, "views": [], "home": None}
    assert post(sandbox, "/sandbox/faults", {"calls": [{"method": "auth.test", "error": "fatal_error"}]})["ok"]
    assert not client.api_call("api.test").get("error")
    assert "dispatch" not in json.dumps(get(sandbox, "/sandbox/log"))


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("command", {"user": "nobody", "channel": "#ops", "text": "/checkpoint"}, "no user nobody"),
        ("command", {"user": "dev", "channel": "#nowhere", "text": "/checkpoint"}, "no channel #nowhere"),
        ("command", {"user": "dev", "channel": "#ops", "text": "/other"}, "not a valid command"),
        ("command", {"user": "dev", "text": "/checkpoint"}, "channel is missing"),
        ("command", {"user": "former", "channel": "#ops", "text": "/checkpoint"}, "deactivated"),
        ("command", {"user": "dev", "channel": "#incidents", "text": "/checkpoint"}, "is not in incidents"),
        ("press", {"user": "dev", "channel": "#ops", "ts": "1.000000", "action_id": "go"}, "no message"),
        ("submit", {"user": "dev", "view_id": "V1"}, "no view"),
        ("faults", {"socket": "drop"}, "no connection"),
        ("faults", {"socket": "explode"}, "cannot be made to"),
        ("user", {"user": "dev", "is_king": True}, "no flag is_king"),
        ("message", [], "JSON object"),
    ],
)
def test_what_a_person_could_not_do_is_said(sandbox: Sandbox, path: str, body: object, complaint: str) -> None:
    status, text, _ = ask(sandbox, "POST", f"/sandbox/{path}", body)
    assert status == 400
    assert complaint in json.loads(text)["error"]


def test_people_and_groups_can_be_changed_while_it_runs(sandbox: Sandbox, client: WebClient) -> None:
    assert post(sandbox, "/sandbox/user", {"user": "dev", "deleted": True})["ok"]
    assert post(sandbox, "/sandbox/group", {"group": "vm-admins", "users": ["dev"]})["ok"]
    assert client.users_info(user="U0DEV0001")["user"]["deleted"]
    assert client.usergroups_users_list(usergroup="S0VMADMIN")["users"] == ["U0DEV0001"]


def test_messages_and_files_survive_a_restart(tmp_path: Path) -> None:
    kept = tmp_path / "slack.json"
    with Sandbox(data_file=kept) as first:
        client = WebClient(first.bot_token, base_url=first.api_url)
        client.chat_postMessage(channel="C0OPS0001", text="kept", blocks=[{"type": "divider"}])
        client.chat_postMessage(channel="U0DEV0001", text="direct")
        client.chat_postEphemeral(channel="C0OPS0001", user="U0ADA0001", text="gone")
        client.files_upload_v2(channel="C0OPS0001", filename="a.txt", content="abc")
    with Sandbox(data_file=kept) as second:
        assert [m.text for m in second.messages("#ops", user="ada")] == ["kept", ""]
        assert second.messages("@checkpoint", user="dev")[0].text == "direct"
        file_id = second.messages("#ops")[1].files[0]["id"]
        assert ask(second, "GET", f"/sandbox/files/{file_id}")[1] == "abc"
        client = WebClient(second.bot_token, base_url=second.api_url)
        assert client.chat_postMessage(channel="C0OPS0001", text="next")["ts"] > second.messages("#ops")[1].ts
        client.chat_update(channel="C0OPS0001", ts=second.messages("#ops")[0].ts, text="kept on")


def test_a_port_that_is_taken_is_said_at_once(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.url).port or 0
    with pytest.raises(PortTaken, match=f"Port {port} of this machine is taken by another program"):
        Sandbox(port=port).start()


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /sandbox/events?user=ada",
        "GET /sandbox/messages?channel=%23ops",
        "GET /page/app.js",
        "POST /sandbox/message",
    ],
)
def test_a_page_that_is_closed_leaves_nothing_in_the_log(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, request_line: str
) -> None:
    address = urlsplit(sandbox.url)
    for wait in (0, 0.005, 0.05):
        page = socket.create_connection((address.hostname or "", address.port or 0))
        headers = f"Host: {address.netloc}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n"
        page.sendall(f"{request_line} HTTP/1.1\r\n{headers}".encode())
        time.sleep(wait)
        page.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        page.close()
        sandbox.say("ada", "#ops", "x" * 50_000)
    sandbox.say("ada", "#ops", "and on")
    assert [record.getMessage() for record in caplog.records if record.levelname != "INFO"] == []


def test_a_sandbox_that_does_not_run_says_so() -> None:
    idle = Sandbox()
    with pytest.raises(SandboxError, match="not been started"):
        idle.url  # noqa: B018
    with pytest.raises(SandboxError, match="not running"):
        idle.command("ada", "#ops", "/checkpoint")
    idle.stop()


def test_waiting_in_vain_shows_what_there_was(sandbox: Sandbox) -> None:
    sandbox.say("ada", "#ops", "only this")
    with pytest.raises(SandboxError, match="only this"):
        sandbox.wait_for(lambda: sandbox.messages("#general"), timeout=0.05)

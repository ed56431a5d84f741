"""HTTP in place of Socket Mode: what Slack signs is served as over a connection, and everything else is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.dispatch.requests import Pressed, Typed
from bot.ledger import Ledger, LedgerError
from bot.slack.http import LARGEST, HttpServer, read_body
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from bot.slack.signatures import PATH, Refused, Signatures
from tests.support.slack import DeskOfATest
from tests.support.waiting import DEADLINE

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
NOWHERE = "http://127.0.0.1:9/api/"
COMMAND = {
    "command": "/checkpoint",
    "text": "list “web01”",
    "user_id": "U1",
    "channel_id": "C1",
    "team_id": "T1",
    "trigger_id": "1.2.a",
    "response_url": "https://hooks.slack.com/commands/T1/1/x",
}
PRESS = {
    "type": "block_actions",
    "user": {"id": "U1", "team_id": "T1"},
    "team": {"id": "T1"},
    "channel": {"id": "C1"},
    "trigger_id": "1.2.b",
    "message": {"ts": "1.1"},
    "actions": [{"type": "button", "action_id": "bot.confirm.0", "value": "7", "action_ts": "5"}],
}


@dataclass
class Heard:
    """The `Announcer` of people who are answered alone."""

    texts: list[str] = field(default_factory=list)

    def whisper(self, origin, message) -> None:
        self.texts.append(message.text)


@dataclass
class Slack:
    """What Slack sends."""

    port: int

    def send(self, body: bytes, kind: str = FORM, *, secret: str = SECRET, age: float = 0, signed: bytes = b"", **more):
        """Signed with the secret, unless a test says otherwise. Status and text of the answer."""
        stamp = str(int(time.time() - age))
        signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=signed or body)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}
        return self.send_as_it_is(body, {**headers, **more.pop("headers", {})}, **more)

    def send_as_it_is(self, body: bytes, headers: dict[str, str], method: str = "POST", path: str = PATH):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path, body, {name: value.encode() for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()


def form(payload) -> bytes:
    return urlencode({"payload": json.dumps(payload)}).encode()


@dataclass
class World:
    slack: Slack
    desk: DeskOfATest
    intake: Intake
    heard: Heard
    server: HttpServer
    acks: list[float]


@pytest.fixture(scope="module")
def opened() -> Iterator[World]:
    desk, heard, intake, acks = DeskOfATest(), Heard(), Intake(workers=4, for_presses=0, waiting=4), []
    app = build_app(desk, heard, intake, api_url=NOWHERE)
    server = HttpServer(app, intake, SECRET, listen="127.0.0.1:0", on_ack=acks.append)
    server.start()
    yield World(Slack(server.port), desk, intake, heard, server, acks)
    server.stop(2)


@pytest.fixture
def world(opened: World) -> World:
    opened.desk.seen.clear()
    opened.desk.kept.clear()
    return opened


def test_a_command_is_acknowledged_and_taken(world: World) -> None:
    assert world.slack.send(urlencode(COMMAND).encode()) == (200, "")
    (request,) = world.desk.wait()
    assert isinstance(request, Typed)
    assert (request.text, request.origin.channel, request.origin.person_id) == ("list “web01”", "C1", "U1")
    assert request.origin.response_url == COMMAND["response_url"]
    assert len(world.acks) >= 1


def test_a_button_is_taken(world: World) -> None:
    assert world.slack.send(form(PRESS)) == (200, "")
    (request,) = world.desk.wait()
    assert isinstance(request, Pressed)
    assert (request.action, request.value) == ("confirm", "7")


@pytest.mark.parametrize(
    "payload",
    [
        {**PRESS, "type": "view_submission", "view": {"callback_id": "x", "state": {"values": {}}}},
        {**PRESS, "type": "view_closed", "view": {}},
        {**PRESS, "type": "block_suggestion", "action_id": "vm", "value": "w"},
        {**PRESS, "type": "shortcut", "callback_id": "x"},
        {**PRESS, "type": "message_action", "callback_id": "x"},
        {"type": "nonsense"},
    ],
    ids=lambda payload: payload["type"],
)
def test_every_other_kind_of_payload_is_answered_at_once(world: World, payload) -> None:
    assert world.slack.send(form(payload))[0] == 200


def test_an_event_is_acknowledged(world: World) -> None:
    event = {"type": "event_callback", "team_id": "T1", "event": {"type": "app_home_opened", "user": "U1"}}
    assert world.slack.send(json.dumps(event).encode(), JSON)[0] == 200


def test_the_address_proves_to_be_the_bots(world: World) -> None:
    asked = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode()
    assert world.slack.send(asked, JSON) == (200, "3eZbrw1a")
    assert world.slack.send(asked, JSON, secret="another")[0] == 401
    assert world.slack.send(b"ssl_check=1&token=x")[0] == 200


class TestRefused:
    @pytest.fixture(autouse=True)
    def nothing_is_taken(self, world: World) -> Iterator[None]:
        yield
        assert world.desk.kept == []

    def test_is_what_another_secret_signed(self, world: World) -> None:
        assert world.slack.send(urlencode(COMMAND).encode(), secret="another secret") == (401, "Refused.\n")

    def test_is_what_nobody_signed(self, world: World) -> None:
        assert world.slack.send_as_it_is(urlencode(COMMAND).encode(), {"Content-Type": FORM})[0] == 401

    @pytest.mark.parametrize("age", [302, 86_400, -400])
    def test_is_what_is_more_than_five_minutes_off(self, world: World, age: float) -> None:
        assert world.slack.send(urlencode(COMMAND).encode(), age=age)[0] == 401

    def test_is_what_was_altered_on_the_way_by_a_byte(self, world: World) -> None:
        body = urlencode(COMMAND).encode()
        for altered in (body + b"&", body.replace(b"+", b"%20"), body.replace(b"U1", b"U2"), b"", body.lower()):
            assert world.slack.send(altered, signed=body)[0] == 401

    @pytest.mark.parametrize(
        "headers",
        [
            {"X-Slack-Request-Timestamp": "soon"},
            {"X-Slack-Request-Timestamp": ""},
            {"X-Slack-Signature": ""},
            {"X-Slack-Signature": "v0=" + "0" * 64},
            {"X-Slack-Signature": "v0=é"},
            {"X-Slack-Request-Timestamp": "9" * 40},
            {"X-Slack-Request-Timestamp": "9" * 400},
        ],
    )
    def test_is_what_has_headers_that_slack_never_sends(self, world: World, headers: dict[str, str]) -> None:
        assert world.slack.send(urlencode(COMMAND).encode(), headers=headers)[0] == 401

    def test_are_bytes_that_are_no_text(self, world: World) -> None:
        assert world.slack.send(b"payload=\xff\xfe", signed=b"payload=")[0] == 401

    def test_is_a_body_larger_than_any_of_slacks(self, world: World) -> None:
        assert world.slack.send(b"x" * (LARGEST + 1))[0] == 413

    def test_is_every_other_method_and_address(self, world: World) -> None:
        assert world.slack.send(b"", method="GET")[0] == 405
        assert world.slack.send(b"", path="/")[0] == 404


def test_a_request_that_is_repeated_is_refused_and_done_once(world: World) -> None:
    body, stamp = urlencode({**COMMAND, "trigger_id": "repeated"}).encode(), str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}
    assert [world.slack.send_as_it_is(body, headers)[0] for _ in range(3)] == [200, 401, 401]
    assert len(world.desk.wait()) == 1


def test_what_was_not_answered_may_come_again() -> None:
    signatures = Signatures(SECRET, lambda: 1000.0)
    signature = str(SignatureVerifier(SECRET).generate_signature(timestamp="1000", body=b"x"))
    signatures.check(b"x", "1000", signature)
    with pytest.raises(Refused, match="came before"):
        signatures.check(b"x", "1000", signature)
    signatures.forget(signature)
    signatures.check(b"x", "1000", signature)


def test_a_request_that_was_taken_before_a_restart_is_refused(tmp_path: Path) -> None:
    desk = DeskOfATest()
    body, stamp = urlencode({**COMMAND, "trigger_id": "over a restart"}).encode(), str(int(time.time()))
    signature = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body)
    headers = {"Content-Type": FORM, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signature)}
    answers = []
    for _ in range(2):
        intake = Intake(workers=1, for_presses=0, waiting=4)
        with Ledger(tmp_path / "ledger.db", clock=lambda: datetime.now(UTC)) as ledger:
            app = build_app(desk, Heard(), intake, api_url=NOWHERE)
            server = HttpServer(app, intake, SECRET, listen="127.0.0.1:0", taken=ledger.signatures)
            server.start()
            answers.append(Slack(server.port).send_as_it_is(body, headers)[0])
            other = urlencode({**COMMAND, "trigger_id": f"{len(answers)}", "channel_id": f"C{len(answers) + 1}"})
            answers.append(Slack(server.port).send(other.encode())[0])
            desk.wait(len(answers) // 2 + 1)
            assert server.stop(2)
    assert answers == [200, 200, 401, 200]
    assert sorted(one.origin.channel for one in desk.seen if isinstance(one, Typed)) == ["C1", "C2", "C4"]


def test_a_request_is_taken_although_the_ledger_is_locked() -> None:
    class Locked:
        def first(self, signature: str) -> bool:
            raise LedgerError("The ledger is locked.")

        forget = first

    signatures = Signatures(SECRET, lambda: 1000.0, Locked())
    signature = str(SignatureVerifier(SECRET).generate_signature(timestamp="1000", body=b"x"))
    signatures.check(b"x", "1000", signature)
    signatures.keep(signature)
    with pytest.raises(Refused, match="came before"):
        signatures.check(b"x", "1000", signature)
    signatures.forget(signature)
    signatures.check(b"x", "1000", signature)


@pytest.mark.parametrize("body", [b"payload={", b"payload=" + b"[" * 100_000, b"{", b"\xff", b"a=1&" * 300])
def test_a_body_that_cannot_be_read_says_nothing(body: bytes) -> None:
    for kind in (FORM, JSON):
        assert not read_body(body, kind) or kind == FORM


def test_an_address_that_is_taken_is_said_at_the_start(world: World) -> None:
    app = build_app(world.desk, world.heard, world.intake, api_url=NOWHERE)
    second = HttpServer(app, world.intake, SECRET, listen=f"127.0.0.1:{world.server.port}")
    with pytest.raises(OSError, match=r"slack\.listen 127\.0\.0\.1:[0-9]+ cannot be had"):
        second.start()
    assert second.alive == 0


def test_who_asks_while_the_bot_stops_is_told() -> None:
    desk, heard, intake = DeskOfATest(), Heard(), Intake(workers=1, for_presses=0, waiting=4)
    app = build_app(desk, heard, intake, api_url=NOWHERE)
    server = HttpServer(app, intake, SECRET, listen="127.0.0.1:0")
    server.start()
    assert server.alive == 1
    intake.close()
    assert Slack(server.port).send(urlencode(COMMAND).encode())[0] == 200
    assert server.stop(1)
    assert server.alive == 0
    assert ["being stopped" in text for text in heard.texts] == [True]

"""Requests over HTTP: signed as Slack signs them, and events again where no answer came in time."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import pytest
from slack_sdk.signature import SignatureVerifier

from bot.sandbox import Sandbox
from tests.support.waiting import DEADLINE, wait_until


class App(ThreadingHTTPServer):
    """An app that says what the test has it say, and that can be made to hang."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.status, self.says = 200, ""
        self.answers = threading.Event()
        self.answers.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/slack/events"


class Handler(BaseHTTPRequestHandler):
    server: App

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.came.append((dict(self.headers), body))
        assert self.server.answers.wait(DEADLINE)
        try:
            self.send_response(self.server.status)
            self.end_headers()
            self.wfile.write(self.server.says.encode())
        except OSError:
            pass  # nobody waits any more

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the handler's own name
        pass


@pytest.fixture
def app() -> Iterator[App]:
    with App() as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield served
        served.answers.set()
        served.shutdown()
        thread.join(DEADLINE)


def opened(app: App, timeout: float = DEADLINE) -> Sandbox:
    sandbox = Sandbox(ack_timeout=timeout, event_retries=(0.0, 0.0))
    sandbox.send_requests_to(app.url)
    return sandbox


def test_a_command_is_a_form_that_is_signed_and_its_answer_is_posted(app: App) -> None:
    app.says = "Hello."
    with opened(app) as sandbox:
        outcome = sandbox.command("ada", "#ops", "/checkpoint list a&b")
        ((headers, body),) = app.came
        assert outcome.acked
        assert parse_qs(body.decode())["text"] == ["list a&amp;b"]
        right = (body.decode(), headers["X-Slack-Request-Timestamp"], headers["X-Slack-Signature"])
        assert SignatureVerifier(sandbox.signing_secret).is_valid(*right)
        assert [message.seen for message in sandbox.ephemeral("ada")] == ["Hello."]


def test_what_is_not_answered_or_refused_fails_for_the_person(app: App) -> None:
    app.status = 401
    with opened(app) as sandbox:
        assert sandbox.command("ada", "#ops", "/checkpoint list").error == "dispatch_failed"
    app.answers.clear()
    with opened(app, timeout=0.05) as sandbox:
        assert sandbox.command("ada", "#ops", "/checkpoint list").error == "operation_timeout"


def test_an_event_comes_again_until_it_is_answered_and_says_which_time_it_is(app: App) -> None:
    app.answers.clear()
    with opened(app, timeout=1.0) as sandbox:  # each time has to come first
        sandbox.open_home("ada")
        wait_until(lambda: len(app.came) == 3)
        app.answers.set()
    assert [headers.get("X-Slack-Retry-Num") for headers, _ in app.came] == [None, "1", "2"]
    assert app.came[1][0]["X-Slack-Retry-Reason"] == "http_timeout"
    assert len({json.loads(body)["event_id"] for _, body in app.came}) == 1

"""response_url: five uses, half an hour, and what it can replace."""

from __future__ import annotations

import pytest
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient, WebhookResponse

from bot.sandbox import Sandbox
from tests.support.clock import UnixClock

CARD = [
    {
        "type": "actions",
        "elements": [{"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}],
    }
]


def send(url: str, **content: object) -> WebhookResponse:
    return WebhookClient(url).send_dict(content)


@pytest.fixture
def command_url(sandbox: Sandbox) -> str:
    return sandbox.command("ada", "#ops", "/checkpoint list").response_url


@pytest.fixture
def button_url(sandbox: Sandbox, client: WebClient) -> str:
    client.chat_postMessage(channel="C0OPS0001", text="card", blocks=CARD)
    return sandbox.press("ada", sandbox.messages("#ops")[0], "go").response_url


def test_the_sixth_use_is_one_too_many(sandbox: Sandbox, command_url: str) -> None:
    answers = [send(command_url, text=f"{n}") for n in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [404]
    assert answers[-1].body == '{"ok": false, "error": "used_url"}'
    assert [m.text for m in sandbox.ephemeral("ada")][1:] == ["0", "1", "2", "3", "4"]


def test_after_half_an_hour_it_is_gone(command_url: str, clock: UnixClock) -> None:
    clock.now += 1801
    answer = send(command_url, text="x")
    assert (answer.status_code, "expired_url" in answer.body) == (404, True)


def test_it_answers_the_person_unless_it_is_told_to_tell_all(sandbox: Sandbox, command_url: str) -> None:
    send(command_url, text="you")
    send(command_url, text="all", response_type="in_channel")
    assert sandbox.ephemeral("ada")[-1].text == "you"
    assert [m.text for m in sandbox.messages("#ops")] == ["all"]


def test_a_commands_url_replaces_nothing(sandbox: Sandbox, command_url: str) -> None:
    before = len(sandbox.ephemeral("ada"))
    send(command_url, text="one")
    send(command_url, text="two", replace_original=True)
    assert [m.text for m in sandbox.ephemeral("ada")][before:] == ["one", "two"]


def test_a_buttons_url_replaces_or_deletes_its_message(sandbox: Sandbox, button_url: str) -> None:
    send(button_url, text="done", replace_original=True, blocks=[])
    assert [(m.text, m.blocks) for m in sandbox.messages("#ops")] == [("done", ())]
    send(button_url, delete_original=True)
    assert sandbox.messages("#ops") == []


def test_what_does_not_fit_is_refused(sandbox: Sandbox, command_url: str) -> None:
    assert send(command_url).status_code == 400
    assert "invalid_blocks" in send(command_url, blocks=[{"type": "no"}]).body

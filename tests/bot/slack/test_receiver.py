"""What holds the connections: it keeps, acknowledges and hands over, in this order."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from slack_sdk.errors import SlackClientNotConnectedError
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from bot.ledger.arrivals import Receipts
from bot.slack import receiver as module
from bot.slack.receiver import Given, Line, Receiver, receive
from tests.support.waiting import DEADLINE, wait_until

GIVEN = Given("xapp-1", "http://127.0.0.1:9/api/", "/checkpoint", "", logging.INFO)
WHO = {"user": {"id": "U1"}, "team": {"id": "T1"}, "channel": {"id": "C1"}, "trigger_id": "1.2"}


def typed(text: str = "list", id: str = "e1") -> SocketModeRequest:
    payload = {"command": "/checkpoint", "user_id": "U1", "channel_id": "C1", "team_id": "T1", "trigger_id": id}
    return SocketModeRequest("slash_commands", id, {**payload, "text": text})


def pressed(action: str = "bot.cancel.0") -> SocketModeRequest:
    button = {"type": "button", "action_id": action, "value": "c1"}
    return SocketModeRequest("interactive", "e2", {"type": "block_actions", **WHO, "actions": [button]})


def searched() -> SocketModeRequest:
    view = {"id": "V1", "type": "modal", "callback_id": "create", "private_metadata": "{}"}
    payload = {"type": "block_suggestion", **WHO, "view": view, "action_id": "vm", "block_id": "vm", "value": "web"}
    return SocketModeRequest("interactive", "e3", payload)


class ClientOfATest(BaseSocketModeClient):
    """Keeps what it is to send, or cannot send it."""

    def __init__(self, broken: bool = False, look: Callable[[], None] = lambda: None) -> None:
        self.logger = logging.getLogger(__name__)
        self.broken = broken
        self.look = look
        self.sent: list[Mapping[str, object]] = []

    def send_message(self, message: str) -> None:
        self.look()
        if self.broken:
            raise SlackClientNotConnectedError("gone")
        self.sent.append(json.loads(message))


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def told() -> list[Line]:
    return []


@pytest.fixture
def receiver(ledger: Path, told: list[Line]) -> Iterator[Receiver]:
    made = Receiver(replace(GIVEN, ledger=str(ledger)), told.append)
    yield made
    made.close()


def kept(ledger: Path) -> list[str]:
    receipts = Receipts(ledger, lambda: datetime.now(UTC))
    try:
        return [one.text for one in receipts.all()]
    finally:
        receipts.close()


@pytest.mark.parametrize(
    ("request_", "text"), [(typed("list web*"), "/checkpoint list web*"), (pressed(), "press cancel")]
)
def test_what_somebody_does_is_kept_then_acknowledged_then_handed_over(
    receiver: Receiver, ledger: Path, told: list[Line], request_: SocketModeRequest, text: str
) -> None:
    before: list[object] = []
    client = ClientOfATest(look=lambda: before.append((kept(ledger), list(told))))

    receiver.deliver(client, request_)

    assert before == [([text], [])]
    assert client.sent == [{"envelope_id": request_.envelope_id}]
    (line,) = told
    assert (line["came"], line["id"], line["kept"]) == (request_.payload, request_.envelope_id, True)


def test_what_cannot_be_acknowledged_is_neither_kept_nor_handed_over_until_it_can(
    receiver: Receiver, ledger: Path, told: list[Line], caplog: pytest.LogCaptureFixture
) -> None:
    """Slack has told the person that it failed."""
    receiver.deliver(ClientOfATest(broken=True), typed())
    assert "was dropped" in caplog.text
    assert (kept(ledger), told) == ([], [])
    receiver.deliver(ClientOfATest(), typed())
    assert len(told) == 1


def test_an_envelope_that_comes_over_both_connections_is_handed_over_once(receiver: Receiver, told: list[Line]) -> None:
    """A server may send each envelope to everyone."""
    one, other = ClientOfATest(), ClientOfATest()
    receiver.deliver(one, typed())
    receiver.deliver(other, typed())
    assert one.sent == other.sent == [{"envelope_id": "e1"}]
    assert len(told) == 1


def test_what_cannot_be_kept_is_taken_all_the_same(
    receiver: Receiver, ledger: Path, told: list[Line], caplog: pytest.LogCaptureFixture
) -> None:
    """Questions are asked when the disk is full."""
    ledger.with_name("ledger.db-arrivals").mkdir()
    receiver.deliver(ClientOfATest(), typed())
    assert [line["kept"] for line in told] == [False]
    assert "a request could not be kept" in caplog.text


class TestWhatBelongsIntoAnAcknowledgement:
    def delivered(self, receiver: Receiver, client: ClientOfATest) -> threading.Thread:
        thread = threading.Thread(target=receiver.deliver, args=(client, searched()))
        thread.start()
        return thread

    def test_is_asked_of_the_bot_which_hears_that_it_left(self, receiver: Receiver, told: list[Line]) -> None:
        client = ClientOfATest()
        thread = self.delivered(receiver, client)
        wait_until(lambda: told)
        assert (told[0]["asked"], told[0]["payload"], client.sent) == (1, searched().payload, [])

        receiver.heed({"answer": 1, "ack": {"options": []}})

        thread.join(DEADLINE)
        assert client.sent == [{"envelope_id": "e3", "payload": {"options": []}}]
        assert told[1]["left"] == 1

    def test_is_told_as_not_left_when_it_cannot_leave(self, receiver: Receiver, told: list[Line]) -> None:
        thread = self.delivered(receiver, ClientOfATest(broken=True))
        wait_until(lambda: told)
        receiver.heed({"answer": 1, "ack": {}})
        thread.join(DEADLINE)
        assert told[1] == {"not_left": 1}

    def test_is_not_waited_for_longer_than_slack_waits(
        self, receiver: Receiver, told: list[Line], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "ANSWER_WITHIN", 0.01)
        client = ClientOfATest()
        receiver.deliver(client, searched())
        receiver.heed({"answer": 1, "ack": {}})  # too late, and of no use
        assert (client.sent, told[1]) == ([], {"not_left": 1})


def test_left_alone_it_takes_nothing_more(receiver: Receiver, told: list[Line], ledger: Path) -> None:
    client = ClientOfATest()
    receiver.close(alone=True)
    receiver.deliver(client, typed())
    assert (client.sent, told, kept(ledger)) == ([], [], [])


@pytest.mark.parametrize(("lines", "alone"), [(b"", True), (b'{"close": true}\n', False)])
def test_it_ends_when_the_bot_says_so_and_when_the_bot_is_gone(ledger: Path, lines: bytes, alone: bool) -> None:
    ended: list[bool] = []

    class Watched(Receiver):
        def close(self, *, alone: bool = False) -> None:
            ended.append(alone)
            super().close(alone=alone)

    first = json.dumps(asdict(replace(GIVEN, ledger=str(ledger)))).encode() + b"\n"
    receive(io.BytesIO(first + lines), io.BytesIO(), Watched)
    assert ended == [alone]

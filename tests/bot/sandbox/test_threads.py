"""Threads, history, and what is put on messages: reactions, pins, topics, messages for later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.sandbox import EVERY_SCOPE, Sandbox, SlackApp, demo_workspace
from tests.support.clock import Clock

OPS = "C0OPS0001"
BOT = "U0CHECKPT"
EVENTS = ("reaction_added", "reaction_removed", "pin_added", "pin_removed")


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    """One whose app may do all that the sandbox knows."""
    workspace = demo_workspace(SlackApp(scopes=EVERY_SCOPE, events=EVENTS))
    with Sandbox(workspace=workspace, clock=clock, random=Random(1), ack_timeout=2.0, event_retries=()) as running:
        yield running


def error(call: Callable[[], object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        call()
    return str(refused.value.response["error"])


def post(client: WebClient, text: str, **more: object) -> str:
    return str(client.chat_postMessage(channel=OPS, text=text, **more)["ts"])


def texts(answer: dict) -> list[str]:
    return [message["text"] for message in answer["messages"]]


def test_a_parent_says_how_many_answered_and_who(sandbox: Sandbox, client: WebClient) -> None:
    parent = post(client, "parent")
    (alone,) = client.conversations_history(channel=OPS)["messages"]
    assert "thread_ts" not in alone and "reply_count" not in alone
    reply = client.chat_postMessage(channel=OPS, text="one", thread_ts=parent)["message"]
    assert (reply["thread_ts"], reply["parent_user_id"]) == (parent, BOT)
    last = sandbox.say("ada", "#ops", "two", thread_ts=parent).ts
    (shown,) = client.conversations_history(channel=OPS)["messages"]
    assert (shown["thread_ts"], shown["reply_count"], shown["reply_users_count"]) == (parent, 2, 2)
    assert (shown["reply_users"], shown["latest_reply"]) == ([BOT, "U0ADA0001"], last)


def test_a_reply_to_a_reply_is_in_the_same_thread(client: WebClient) -> None:
    parent = post(client, "parent")
    reply = post(client, "one", thread_ts=parent)
    assert client.chat_postMessage(channel=OPS, text="two", thread_ts=reply)["message"]["thread_ts"] == parent
    assert error(lambda: post(client, "x", thread_ts="1.000000")) == "thread_not_found"


def test_history_lists_replies_only_when_they_were_told_to_the_channel(client: WebClient) -> None:
    parent = post(client, "parent")
    post(client, "in the thread", thread_ts=parent)
    post(client, "told to all", thread_ts=parent, reply_broadcast=True)
    history = client.conversations_history(channel=OPS)
    assert texts(history) == ["told to all", "parent"]
    assert history["messages"][0]["subtype"] == "thread_broadcast"
    assert (history["has_more"], history["pin_count"]) == (False, 0)
    assert texts(client.conversations_replies(channel=OPS, ts=parent)) == ["parent", "in the thread", "told to all"]


def test_history_is_cut_by_time_and_given_page_by_page(client: WebClient) -> None:
    stamps = [post(client, str(number)) for number in range(5)]

    def between(**how: object) -> list[str]:
        return texts(client.conversations_history(channel=OPS, **how))

    assert between(oldest=stamps[1]) == ["4", "3", "2"]
    assert between(latest=stamps[1]) == ["0"]
    assert between(oldest=stamps[1], latest=stamps[3]) == ["2"]
    assert between(oldest=stamps[1], latest=stamps[3], inclusive=True) == ["3", "2", "1"]
    assert between(latest=stamps[2], inclusive=True, limit=1) == ["2"]
    first = client.conversations_history(channel=OPS, limit=2)
    assert (texts(first), first["has_more"]) == (["4", "3"], True)
    post(client, "new ones shift nothing")
    cursor = first["response_metadata"]["next_cursor"]
    second = client.conversations_history(channel=OPS, limit=2, cursor=cursor)
    assert (texts(second), second["has_more"]) == (["2", "1"], True)
    assert error(lambda: between(oldest="yesterday")) == "invalid_ts_oldest"
    assert error(lambda: between(latest="-1")) == "invalid_ts_latest"
    assert error(lambda: between(cursor="?")) == "invalid_cursor"
    assert error(lambda: between(limit="x")) == "invalid_limit"


def test_a_thread_comes_page_by_page_too(client: WebClient) -> None:
    parent = post(client, "parent")
    for number in range(4):
        post(client, str(number), thread_ts=parent)
    pages = client.conversations_replies(channel=OPS, ts=parent, limit=2)
    assert [texts(page) for page in pages] == [["parent", "0"], ["1", "2"], ["3"]]
    assert error(lambda: client.conversations_replies(channel=OPS, ts="1.000000")) == "thread_not_found"


def test_a_deleted_parent_leaves_a_stone_and_its_thread(client: WebClient) -> None:
    parent = post(client, "parent")
    reply = post(client, "reply", thread_ts=parent)
    client.chat_delete(channel=OPS, ts=parent)
    (stone,) = client.conversations_history(channel=OPS)["messages"]
    assert (stone["subtype"], stone["text"], stone["reply_count"]) == ("tombstone", "This message was deleted.", 1)
    assert error(lambda: client.chat_update(channel=OPS, ts=parent, text="x")) == "message_not_found"
    client.chat_delete(channel=OPS, ts=reply)
    (stone,) = client.conversations_history(channel=OPS)["messages"]
    assert "reply_count" not in stone


def test_metadata_is_kept_and_shown_to_who_asks(client: WebClient) -> None:
    metadata = {"event_type": "card", "event_payload": {"plan": "7"}}
    ts = post(client, "x", metadata=metadata)
    assert "metadata" not in client.conversations_history(channel=OPS)["messages"][0]

    def kept() -> object:
        (message,) = client.conversations_history(channel=OPS, include_all_metadata=True)["messages"]
        return message.get("metadata")

    assert kept() == metadata
    client.chat_update(channel=OPS, ts=ts, text="y")
    assert kept() == metadata
    client.chat_update(channel=OPS, ts=ts, text="y", metadata={})
    assert kept() is None
    assert error(lambda: post(client, "x", metadata={"event_type": "card"})) == "invalid_metadata_schema"
    assert error(lambda: post(client, "x", metadata="{")) == "invalid_metadata_format"


def test_an_app_may_post_under_another_name_if_it_has_the_scope(sandbox: Sandbox, client: WebClient) -> None:
    message = client.chat_postMessage(channel=OPS, text="x", username="Night shift", icon_emoji=":owl:")["message"]
    assert (message["subtype"], message["username"], message["icons"]) == (
        "bot_message",
        "Night shift",
        {"emoji": ":owl:"},
    )
    assert client.conversations_history(channel=OPS)["messages"][0]["username"] == "Night shift"
    with Sandbox(workspace=demo_workspace(SlackApp(scopes=("chat:write",)))) as other:
        plain = WebClient(other.bot_token, base_url=other.api_url)
        assert "username" not in plain.chat_postMessage(channel=OPS, text="x", username="Night shift")["message"]


def test_reactions_are_put_and_taken_off_once(sandbox: Sandbox, client: WebClient) -> None:
    ts = post(client, "x")
    client.reactions_add(channel=OPS, timestamp=ts, name=":eyes:")
    assert error(lambda: client.reactions_add(channel=OPS, timestamp=ts, name="eyes")) == "already_reacted"
    sandbox.react("ada", sandbox.messages("#ops")[0], "eyes")
    got = client.reactions_get(channel=OPS, timestamp=ts)
    assert got["message"]["reactions"] == [{"name": "eyes", "users": [BOT, "U0ADA0001"], "count": 2}]
    assert got["message"]["permalink"] == f"{sandbox.url}archives/{OPS}/p{ts.replace('.', '')}"
    assert [one["message"]["ts"] for one in client.reactions_list()["items"]] == [ts]
    client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")
    assert error(lambda: client.reactions_remove(channel=OPS, timestamp=ts, name="eyes")) == "no_reaction"
    assert error(lambda: client.reactions_add(channel=OPS, timestamp=ts, name="no such")) == "invalid_name"
    assert error(lambda: client.reactions_add(channel=OPS, timestamp="1.000000", name="eyes")) == "message_not_found"
    assert error(lambda: client.reactions_add(channel=OPS, timestamp="x", name="eyes")) == "bad_timestamp"
    assert error(lambda: client.api_call("reactions.add", json={"name": "eyes"})) == "no_item_specified"


def test_pins_are_kept_by_the_channel(client: WebClient) -> None:
    ts = post(client, "x")
    client.pins_add(channel=OPS, timestamp=ts)
    assert error(lambda: client.pins_add(channel=OPS, timestamp=ts)) == "already_pinned"
    (item,) = client.pins_list(channel=OPS)["items"]
    assert (item["message"]["ts"], item["created_by"], item["message"]["pinned_to"]) == (ts, BOT, [OPS])
    assert client.conversations_history(channel=OPS)["pin_count"] == 1
    client.pins_remove(channel=OPS, timestamp=ts)
    assert error(lambda: client.pins_remove(channel=OPS, timestamp=ts)) == "no_pin"


def test_a_topic_is_set_and_said_in_the_channel(client: WebClient) -> None:
    channel = client.conversations_setTopic(channel=OPS, topic="Patch night")["channel"]
    assert (channel["topic"]["value"], channel["topic"]["creator"]) == ("Patch night", BOT)
    (said,) = client.conversations_history(channel=OPS)["messages"]
    assert (said["subtype"], said["text"]) == ("channel_topic", "set the channel topic: Patch night")
    assert client.conversations_setPurpose(channel=OPS, purpose="Work")["channel"]["purpose"]["value"] == "Work"
    assert error(lambda: client.conversations_setTopic(channel=OPS, topic="x" * 251)) == "too_long"
    assert error(lambda: client.conversations_setTopic(channel="C0LOUNGE1", topic="x")) == "not_in_channel"


def test_a_message_for_later_waits_for_its_time(sandbox: Sandbox, client: WebClient, clock: Clock) -> None:
    now = int(clock.now)

    def later(seconds: int) -> str:
        return str(
            client.chat_scheduleMessage(channel=OPS, text="later", post_at=now + seconds)["scheduled_message_id"]
        )

    first, second = later(300), later(600)
    (one, two) = client.chat_scheduledMessages_list(channel=OPS)["scheduled_messages"]
    assert (one["id"], two["id"], one["post_at"], one["text"]) == (first, second, now + 300, "later")
    client.chat_deleteScheduledMessage(channel=OPS, scheduled_message_id=second)
    assert sandbox.messages("#ops") == []
    clock.now += 300
    sandbox.wait_for(lambda: sandbox.messages("#ops"))
    assert client.chat_scheduledMessages_list()["scheduled_messages"] == []
    gone = lambda: client.chat_deleteScheduledMessage(channel=OPS, scheduled_message_id=first)  # noqa: E731
    assert error(gone) == "invalid_scheduled_message_id"
    assert error(lambda: later(300)) == "time_in_past"
    assert error(lambda: later(121 * 86_400)) == "time_too_far"


def test_what_is_put_on_messages_survives_a_restart(tmp_path: Path, clock: Clock) -> None:
    kept = tmp_path / "slack.json"
    workspace = demo_workspace(SlackApp(scopes=EVERY_SCOPE))
    with Sandbox(workspace=workspace, clock=clock, data_file=kept) as first:
        client = WebClient(first.bot_token, base_url=first.api_url)
        ts = post(client, "x", metadata={"event_type": "card", "event_payload": {}})
        post(client, "reply", thread_ts=ts)
        client.reactions_add(channel=OPS, timestamp=ts, name="eyes")
        client.pins_add(channel=OPS, timestamp=ts)
    with Sandbox(workspace=workspace, clock=clock, data_file=kept) as second:
        client = WebClient(second.bot_token, base_url=second.api_url)
        (message,) = client.conversations_history(channel=OPS, include_all_metadata=True)["messages"]
        assert (message["reply_count"], message["reactions"][0]["name"], message["pinned_to"]) == (1, "eyes", [OPS])
        assert message["metadata"]["event_type"] == "card"

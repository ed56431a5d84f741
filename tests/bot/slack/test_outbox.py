"""How messages reach people, whatever bars the way."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from bot.messages import AnnouncerError, MessageGone, MessageRef, Origin
from bot.sandbox import Sandbox
from bot.slack.outbox import GONE, INVITE, Outbox
from bot.slack.pace import Pace
from bot.slack.web import connections, posting_client
from commands.base import Actions, Button, Chart, Item, Progress, Reply, Table, Task, say
from tests.support.waiting import DEADLINE

OPS = Origin("C0OPS0001", "U0ADA0001")
LOUNGE = Origin("C0LOUNGE1", "U0ADA0001")
"""A channel that the bot is not in."""
REPLY = say("web01 has 2 checkpoints.")


def calls(sandbox: Sandbox) -> list[str]:
    return [str(line["method"]) for line in sandbox.log("web_api")]


def test_a_message_goes_into_the_channel_and_can_be_updated_in_place(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(OPS, say("Deleting…"))
    assert ref is not None
    outbox.update(ref, say("Deleted."))
    (message,) = sandbox.messages("#ops")
    assert message.ts == ref.ts
    assert "Deleted." in message.seen
    assert calls(sandbox) == ["chat.postMessage", "chat.update"]


def test_where_the_bot_cannot_post_the_person_gets_a_direct_message(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(LOUNGE, REPLY)
    assert ref is not None and ref.channel.startswith("D")
    outbox.update(ref, say("Done."))
    assert any("Done." in one.seen for one in sandbox.messages("@checkpoint", user="ada"))


def url_of(sandbox: Sandbox, channel: str = "#lounge") -> str:
    """A response_url, as Slack gives one with a command: nobody is connected, so nobody answers it."""
    return str(sandbox.command("ada", channel, "/checkpoint list").response_url)


def test_where_not_even_a_direct_message_works_the_response_url_does(sandbox: Sandbox, outbox: Outbox) -> None:
    sandbox.fail("conversations.open", error="cannot_dm_bot")
    origin = Origin(LOUNGE.channel, LOUNGE.person_id, url_of(sandbox))
    assert outbox.post(origin, REPLY) is None
    assert any("web01 has 2" in one.seen for one in sandbox.ephemeral("ada"))


def test_a_message_that_could_be_shown_nowhere_is_an_error_without_secrets(sandbox: Sandbox, outbox: Outbox) -> None:
    sandbox.fail("conversations.open", error="user_disabled")
    url = "https://hooks.slack.com.evil.example/commands/T0/1/secret"
    with pytest.raises(AnnouncerError) as caught:
        outbox.post(Origin(LOUNGE.channel, LOUNGE.person_id, url), REPLY)
    text = str(caught.value)
    assert "not_in_channel" in text and "user_disabled" in text and "foreign host" in text
    assert "secret" not in text and sandbox.bot_token not in text


def test_what_the_clock_posts_has_nobody_to_fall_back_to(sandbox: Sandbox, outbox: Outbox) -> None:
    with pytest.raises(AnnouncerError, match="no person to write to"):
        outbox.post(Origin("C0LOUNGE1", "schedule"), REPLY)
    assert "conversations.open" not in calls(sandbox)


def test_a_whisper_goes_by_the_response_url_and_nobody_else_sees_it(sandbox: Sandbox, outbox: Outbox) -> None:
    outbox.whisper(Origin(OPS.channel, OPS.person_id, url_of(sandbox, "#ops")), REPLY)
    assert "web01 has 2" in sandbox.ephemeral("ada")[-1].seen
    assert not [m for m in sandbox.messages("#ops", user="dev") if "web01" in m.seen]
    assert calls(sandbox) == []


def test_answers_one_after_the_other_share_a_connection(sandbox: Sandbox, outbox: Outbox) -> None:
    url = url_of(sandbox, "#ops")
    kept = connections(url).connection_from_url(url)
    before = kept.num_connections
    for _ in range(3):
        outbox.whisper(Origin(OPS.channel, OPS.person_id, url), REPLY)
    assert (calls(sandbox), kept.num_connections - before) == ([], 1)


def test_a_used_up_response_url_is_noticed(sandbox: Sandbox, outbox: Outbox) -> None:
    """The answer to the sixth use is 404 `used_url`, which slack_sdk is content with."""
    origin = Origin(OPS.channel, OPS.person_id, url_of(sandbox, "#ops"))
    before = len(sandbox.ephemeral("ada"))
    for _ in range(6):
        outbox.whisper(origin, REPLY)
    assert calls(sandbox) == ["chat.postEphemeral"]
    assert len(sandbox.ephemeral("ada")) == before + 6


def test_a_whisper_in_a_channel_without_the_bot_ends_as_a_direct_message(sandbox: Sandbox, outbox: Outbox) -> None:
    outbox.whisper(LOUNGE, REPLY)
    assert calls(sandbox) == ["chat.postEphemeral", "conversations.open", "chat.postMessage"]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_a_post_is_never_repeated_after_a_lost_connection(sandbox: Sandbox, outbox: Outbox, cut: str) -> None:
    sandbox.fail("chat.postMessage", cut=cut)
    outbox.post(OPS, REPLY)
    assert len(sandbox.messages("#ops")) == (1 if cut == "after" else 0)


def test_a_post_that_slack_found_too_fast_is_sent_again(sandbox: Sandbox, outbox: Outbox) -> None:
    sandbox.fail("chat.postMessage", retry_after=0)
    assert outbox.post(OPS, REPLY) is not None
    assert len(sandbox.messages("#ops")) == 1


def test_an_hour_of_too_fast_is_not_slept_through_and_heals(sandbox: Sandbox, outbox: Outbox) -> None:
    """Else each thread that shows something would sleep for that long."""
    sandbox.fail("chat.postMessage", retry_after=3600, times=None)
    sandbox.fail("conversations.open", retry_after=3600, times=None)
    sandbox.fail("chat.postEphemeral", retry_after=3600, times=None)

    with pytest.raises(AnnouncerError, match="ratelimited") as barred:
        outbox.post(OPS, REPLY)

    assert not barred.value.lasting
    sandbox.clear_faults()
    assert outbox.post(OPS, REPLY) is not None
    assert len(sandbox.messages("#ops")) == 1


CARD = Reply((Table(("VM",), (("web01",),)), Actions((Button("Confirm", "confirm", "7"),))))


def test_a_server_that_knows_no_tables_gets_the_message_without(sandbox: Sandbox, outbox: Outbox) -> None:
    sandbox.fail("chat.postMessage", error="invalid_blocks")
    outbox.post(OPS, CARD)
    assert [b["type"] for b in sandbox.messages("#ops")[-1].blocks] == ["rich_text", "actions"]


NEWER = Reply(
    (
        Table(("VM",), (("web01",),), "1 more", folded=True),
        Chart("Held", (("1 Nov", 4.0), ("2 Nov", 5.0)), "GB", "From 4 GB to 5 GB."),
        Item("web01", choices=(Button("Keep", "keep", "7"), Button("Delete", "delete", "7"))),
        Progress("1 of 2 VMs", (Task("1", "web01", "complete"), Task("2", "web02", "pending")), ("web01 is done",)),
    )
)


@pytest.mark.parametrize(
    ("refusals", "blocks"),
    [
        (0, ["container", "data_visualization", "context", "section", "plan"]),
        (1, ["rich_text", "table", "rich_text", "section", "rich_text"]),
        (2, ["rich_text", "rich_text", "section", "actions", "rich_text"]),
        (3, []),
    ],
)
def test_a_server_that_refuses_newer_blocks_gets_the_message_once_in_older_ones(
    sandbox: Sandbox, outbox: Outbox, refusals: int, blocks: list[str]
) -> None:
    if refusals:
        sandbox.fail("chat.postMessage", error="invalid_blocks", times=refusals)
    assert outbox.post(OPS, NEWER) is not None
    (message,) = sandbox.messages("#ops")
    assert [b["type"] for b in message.blocks or ()] == blocks
    assert "From 4 GB to 5 GB." in message.text


def test_a_layout_that_is_refused_altogether_leaves_the_text(sandbox: Sandbox, outbox: Outbox) -> None:
    sandbox.fail("chat.postMessage", error="msg_blocks_too_long", times=2)
    outbox.post(OPS, CARD)
    (message,) = sandbox.messages("#ops")
    assert not message.blocks
    assert "web01" in message.text and "its buttons are missing" in message.text


def test_an_update_that_fails_says_so(sandbox: Sandbox, outbox: Outbox) -> None:
    with pytest.raises(AnnouncerError, match="C0OPS0001 could not be updated: message_not_found"):
        outbox.update(MessageRef("C0OPS0001", "1700000000.000100"), REPLY)


def test_an_update_that_changes_nothing_is_not_sent(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(OPS, say("Deleting…"))
    assert ref is not None
    for text in ("Deleting…", "Deleted.", "Deleted.", "Deleting…"):
        outbox.update(ref, say(text))
    assert "Deleting…" in sandbox.messages("#ops")[-1].seen
    assert calls(sandbox) == ["chat.postMessage", "chat.update", "chat.update"]


def test_an_update_is_sent_again_after_one_that_failed(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(OPS, say("Deleting…"))
    assert ref is not None
    sandbox.fail("chat.update", error="fatal_error")
    with pytest.raises(AnnouncerError):
        outbox.update(ref, say("Deleted."))
    outbox.update(ref, say("Deleting…"))
    assert calls(sandbox).count("chat.update") == 2


def test_many_updates_at_once_end_with_the_last(sandbox: Sandbox) -> None:
    outbox = Outbox(posting_client(sandbox.bot_token, sandbox.api_url), Pace(interval=0.1, burst=1))
    ref = outbox.post(OPS, say("0 %"))
    assert ref is not None
    threads = [threading.Thread(target=outbox.update, args=(ref, say(f"{n} %"))) for n in range(1, 21)]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join(DEADLINE)
    assert "20 %" in sandbox.messages("#ops")[-1].seen
    assert calls(sandbox).count("chat.update") < 10


def test_a_reply_stands_in_the_thread_of_its_message(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(OPS, REPLY)
    assert ref is not None
    sandbox.fail("chat.postMessage", error="invalid_blocks")
    outbox.reply(ref, NEWER)
    assert sandbox.log("web_api")[-1]["args"]["thread_ts"] == ref.ts
    sandbox.fail("chat.postMessage", error="is_archived")
    with pytest.raises(AnnouncerError, match="is_archived"):
        outbox.reply(ref, REPLY)


def test_hostile_text_arrives_as_it_is(sandbox: Sandbox, outbox: Outbox) -> None:
    outbox.post(OPS, say("<!channel> & <https://evil.example|me>"))
    message: Any = sandbox.messages("#ops")[-1]
    assert message.text == "&lt;!channel&gt; &amp; &lt;https://evil.example|me&gt;"


class TestWhereTheBotIsNotInTheChannel:
    def test_the_person_is_told_once_how_to_invite_it(self, sandbox: Sandbox, outbox: Outbox) -> None:
        outbox.post(Origin(LOUNGE.channel, LOUNGE.person_id, url_of(sandbox)), REPLY)

        assert [one.seen for one in sandbox.ephemeral("ada") if "/invite" in one.seen] == [INVITE]

    def test_nothing_is_said_of_it_where_the_bot_is(self, sandbox: Sandbox, outbox: Outbox) -> None:
        outbox.post(OPS, REPLY)

        assert sandbox.ephemeral("ada") == []


class TestWhatDoesNotHeal:
    @pytest.mark.parametrize("code", sorted(GONE))
    def test_of_a_message_that_is_gone_is_told_as_such(self, sandbox: Sandbox, outbox: Outbox, code: str) -> None:
        ref = outbox.post(OPS, REPLY)
        assert ref is not None
        sandbox.fail("chat.update", error=code)
        with pytest.raises(MessageGone, match=code):
            outbox.update(ref, say("Done."))

    @pytest.mark.parametrize(
        ("code", "lasting"), [("cant_update_message", True), ("edit_window_closed", True), ("internal_error", False)]
    )
    def test_is_told_apart_from_what_does(self, sandbox: Sandbox, outbox: Outbox, code: str, lasting: bool) -> None:
        ref = outbox.post(OPS, REPLY)
        assert ref is not None
        sandbox.fail("chat.update", error=code)
        with pytest.raises(AnnouncerError) as caught:
            outbox.update(ref, say("Done."))
        assert caught.value.lasting is lasting
        assert not isinstance(caught.value, MessageGone)

    def test_is_not_so_while_one_way_may_open(self, sandbox: Sandbox, outbox: Outbox) -> None:
        for error, lasting in (("internal_error", False), ("user_disabled", True)):
            sandbox.fail("conversations.open", error=error)
            with pytest.raises(AnnouncerError) as caught:
                outbox.post(LOUNGE, REPLY)
            assert caught.value.lasting is lasting


def test_who_is_addressed_is_mentioned_in_the_thread_of_the_message(sandbox: Sandbox, outbox: Outbox) -> None:
    ref = outbox.post(OPS, REPLY)
    assert ref is not None

    outbox.address(ref, "U0ADA0001", "It failed on <web01> & <!channel>.")

    sent = sandbox.log("web_api")[-1]["args"]
    assert sent["thread_ts"] == ref.ts
    assert sent["text"] == "<@U0ADA0001> It failed on &lt;web01&gt; &amp; &lt;!channel&gt;."

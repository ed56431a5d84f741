"""conversations.history and conversations.replies: what was said, by time and page by page."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from decimal import Decimal

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json

HISTORY = ("channels:history", "groups:history", "mpim:history", "im:history")
MOST_REPLIES = 1000


@method("conversations.history", *HISTORY, takes_json=False)
def conversations_history(call: Call) -> Json:
    """The newest first, without what was said in threads only."""
    channel = call.channel(purpose="history")
    if call.bot not in channel.members:
        raise SlackError("not_in_channel")
    said = call.state.in_channel(channel.id)
    found = [one for one in said if one.thread_ts in (None, one.ts) or one.broadcast]
    found = sorted(_in_time(call, found), key=lambda one: one.ts, reverse=True)
    cursor = _cursor(call)
    if cursor is not None:
        found = [one for one in found if one.ts <= cursor]
    pinned = sum(one.pinned is not None for one in said)
    page = _page(call, found, call.limit(most=999))
    return {**page, "pin_count": pinned, "channel_actions_ts": None, "channel_actions_count": 0}


@method("conversations.replies", *HISTORY, takes_json=False)
def conversations_replies(call: Call) -> Json:
    """A message and what was answered to it, the oldest first. Of a reply, there is the reply alone."""
    channel = call.channel(purpose="history")
    if call.bot not in channel.members:
        raise SlackError("not_in_channel")
    parent = call.state.messages.get((channel.id, call.ts(error="thread_not_found")))
    if parent is None or parent.ephemeral_to is not None:
        raise SlackError("thread_not_found")
    replies = _in_time(call, call.state.threads.replies(channel.id, parent.ts))
    cursor = _cursor(call)
    if cursor is not None:
        replies = [one for one in replies if one.ts >= cursor]
    limit = call.limit(MOST_REPLIES)
    return _page(call, [parent, *replies] if cursor is None else replies, limit)


def _in_time(call: Call, messages: Sequence[Message]) -> list[Message]:
    """Those between `oldest` and `latest`; those at these very moments only where the call is `inclusive`."""
    oldest = call.moment("oldest", error="invalid_ts_oldest")
    latest = call.moment("latest", error="invalid_ts_latest")
    inclusive = call.flag("inclusive")

    def fits(message: Message) -> bool:
        ts = Decimal(message.ts)
        after = oldest is None or ts > oldest or (inclusive and ts == oldest)
        return after and (latest is None or ts < latest or (inclusive and ts == latest))

    return [message for message in messages if fits(message)]


def _page(call: Call, messages: Sequence[Message], limit: int) -> Json:
    page, rest = messages[:limit], messages[limit:]
    with_metadata = call.flag("include_all_metadata")
    return {
        "messages": [call.shown(one, metadata=with_metadata) for one in page],
        "has_more": bool(rest),
        "response_metadata": {"next_cursor": _cursor_at(rest[0]) if rest else ""},
    }


def _cursor_at(message: Message) -> str:
    """Slack's cursors name the message that comes next, so that new ones shift nothing."""
    return base64.b64encode(f"next_ts:{message.ts.replace('.', '')}".encode()).decode()


def _cursor(call: Call) -> str | None:
    """The ts of the message that comes next. Raises `SlackError` invalid_cursor."""
    given = call.text("cursor")
    if given is None:
        return None
    try:
        kind, _, digits = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise SlackError("invalid_cursor") from None
    if kind != "next_ts" or not digits.isdigit() or len(digits) < 7:
        raise SlackError("invalid_cursor")
    return f"{digits[:-6]}.{digits[-6:]}"

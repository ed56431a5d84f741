"""chat.scheduleMessage and what goes with it: messages that are posted later."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.chat import composed, writable
from bot.sandbox.shapes import Json
from bot.sandbox.state import Scheduled

FARTHEST = 120 * 86_400
"""Seconds ahead."""
LAST_CALL = 60
"""Seconds before its time in which a message can no longer be taken back."""
WINDOW, MOST_IN_WINDOW = 300, 30
"""At most so many messages for a channel in so many seconds."""


@method("chat.scheduleMessage", "chat:write")
def chat_schedule_message(call: Call) -> Json:
    channel = writable(call)
    post_at = _time(call)
    message = composed(call, channel, "0.000000")
    near = [one for one in call.state.scheduled.values() if one.message.channel == channel.id]
    if sum(abs(one.post_at - post_at) < WINDOW for one in near) >= MOST_IN_WINDOW:
        raise SlackError("restricted_too_many")
    waiting = Scheduled(call.state.ids.object_id("Q"), post_at, int(call.now), message)
    call.state.scheduled[waiting.id] = waiting
    shown = {name: value for name, value in call.shown(message, metadata=True).items() if name not in ("ts", "team")}
    return {
        "channel": channel.id,
        "scheduled_message_id": waiting.id,
        "post_at": post_at,
        "message": {**shown, "type": "delayed_message"},
    }


@method("chat.deleteScheduledMessage", "chat:write")
def chat_delete_scheduled_message(call: Call) -> Json:
    channel = call.state.workspace.channels.get(call.text("channel") or "")
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    waiting = call.state.scheduled.get(call.needed("scheduled_message_id"))
    if waiting is None or waiting.message.channel != channel.id or waiting.post_at - call.now < LAST_CALL:
        raise SlackError("invalid_scheduled_message_id")
    del call.state.scheduled[waiting.id]
    return {}


@method("chat.scheduledMessages.list")
def chat_scheduled_messages_list(call: Call) -> Json:
    """Those that wait, the next first."""
    channel = call.text("channel")
    if channel is not None and channel not in call.state.workspace.channels:
        raise SlackError("invalid_channel")
    oldest = call.moment("oldest", error="invalid_arguments")
    latest = call.moment("latest", error="invalid_arguments")
    found = [
        one
        for one in sorted(call.state.scheduled.values(), key=lambda one: one.post_at)
        if channel in (None, one.message.channel)
        and (oldest is None or one.post_at >= oldest)
        and (latest is None or one.post_at <= latest)
    ]
    return call.page("scheduled_messages", [_shown(one) for one in found])


def _shown(waiting: Scheduled) -> Json:
    message = waiting.message
    known = {"id": waiting.id, "channel_id": message.channel, "post_at": waiting.post_at}
    return {**known, "date_created": waiting.created, "text": message.text}


def _time(call: Call) -> int:
    """Raises `SlackError` invalid_time, time_in_past, time_too_far."""
    given = call.needed("post_at")
    if not given.isdigit():
        raise SlackError("invalid_time")
    post_at = int(given)
    if post_at <= call.now:
        raise SlackError("time_in_past")
    if post_at > call.now + FARTHEST:
        raise SlackError("time_too_far")
    return post_at

"""chat.*: posting, changing and deleting what the bot says."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox.calls import Call, method
from bot.sandbox.composing import compose
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json
from bot.sandbox.workspace import Channel
from bot.slack.render.limits import TEXT_AT_UPDATE


@method("chat.postMessage", "chat:write")
def chat_post_message(call: Call) -> Json:
    channel = _writable(call)
    _check_thread(call, channel)
    message = compose(call.state.ids, call.args, channel=channel.id, ts=call.state.ids.ts(), user=call.bot)
    call.pace.take(channel.id)
    return _posted(call, call.state.post(message))


@method("chat.postEphemeral", "chat:write")
def chat_post_ephemeral(call: Call) -> Json:
    channel = _writable(call)
    user = call.user()
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = compose(
        call.state.ids, call.args, channel=channel.id, ts=call.state.ids.ts(), user=call.bot, ephemeral_to=user.id
    )
    call.pace.take(channel.id)
    return {"message_ts": call.state.post(message).ts}


@method("chat.update", "chat:write")
def chat_update(call: Call) -> Json:
    """Blocks and attachments that are not given stay as they were; an empty list takes them away."""
    present = _own(call, "cant_update_message")
    if len(call.text("text") or "") > TEXT_AT_UPDATE:
        raise SlackError("msg_too_long")
    message = compose(call.state.ids, call.args, channel=present.channel, ts=present.ts, user=call.bot)
    kept = replace(
        message,
        blocks=present.blocks if call.args.get("blocks") is None and not message.blocks else message.blocks,
        attachments=present.attachments if call.args.get("attachments") is None else message.attachments,
        thread_ts=present.thread_ts,
        files=present.files,
    )
    message = call.state.update(kept)
    return {**_posted(call, message), "text": message.text}


@method("chat.delete", "chat:write")
def chat_delete(call: Call) -> Json:
    present = _own(call, "cant_delete_message")
    call.state.delete(present)
    return {"channel": present.channel, "ts": present.ts}


def _writable(call: Call) -> Channel:
    """The channel to post in: by id, by name, or by a person's id for their direct message."""
    workspace = call.state.workspace
    where = call.text("channel") or ""
    if where in workspace.users and not workspace.users[where].is_bot:
        return workspace.direct(where)
    named = (channel for channel in workspace.channels.values() if where.removeprefix("#") == channel.name)
    channel = workspace.channels.get(where) or next((c for c in named if not c.is_im), None)
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.bot not in channel.members and "chat:write.public" not in call.scopes:
        raise SlackError("not_in_channel")
    return channel


def _check_thread(call: Call, channel: Channel) -> None:
    parent = call.text("thread_ts")
    if parent is not None and (channel.id, parent) not in call.state.messages:
        raise SlackError("thread_not_found")


def _own(call: Call, refusal: str) -> Message:
    """The bot's own message that is to be changed. An ephemeral one cannot be found this way."""
    channel = call.state.workspace.channels.get(call.text("channel") or "")
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    present = call.state.messages.get((channel.id, call.ts()))
    if present is None or present.ephemeral_to is not None:
        raise SlackError("message_not_found")
    if present.user != call.bot:
        raise SlackError(refusal)
    return present


def _posted(call: Call, message: Message) -> Json:
    return {"channel": message.channel, "ts": message.ts, "message": message.as_slack(call.state.workspace)}

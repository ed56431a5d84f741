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

CUSTOMIZE = "chat:write.customize"


@method("chat.postMessage", "chat:write")
def chat_post_message(call: Call) -> Json:
    channel = writable(call)
    message = composed(call, channel, call.state.ids.ts())
    call.pace.take(channel.id)
    call.state.post(message)
    call.events.said(message)
    return _posted(call, message)


@method("chat.postEphemeral", "chat:write")
def chat_post_ephemeral(call: Call) -> Json:
    channel = writable(call)
    user = call.user()
    if user.id not in channel.members:
        raise SlackError("user_not_in_channel")
    message = replace(composed(call, channel, call.state.ids.ts()), ephemeral_to=user.id, broadcast=False)
    call.pace.take(channel.id)
    return {"message_ts": call.state.post(message).ts}


@method("chat.update", "chat:write")
def chat_update(call: Call) -> Json:
    """Text alone takes the blocks away; attachments and metadata that are not given stay, empty ones go."""
    present = _own(call, "cant_update_message")
    if len(call.text("text") or "") > TEXT_AT_UPDATE:
        raise SlackError("msg_too_long")
    new = compose(call.state.ids, call.args, channel=present.channel, ts=present.ts, user=call.bot)
    has_text = call.text("text") is not None
    kept_blocks = not has_text and call.args.get("blocks") in (None, "") and not new.blocks
    changed = replace(
        present,
        text=new.text or present.text,
        blocks=present.blocks if kept_blocks else new.blocks,
        attachments=present.attachments if call.args.get("attachments") in (None, "") else new.attachments,
        metadata=present.metadata if new.metadata is None else new.metadata or None,
        broadcast=present.broadcast or (new.broadcast and present.thread_ts is not None),
    )
    message = call.state.update(changed)
    call.events.changed(message, present)
    return {**_posted(call, message), "text": message.text}


@method("chat.delete", "chat:write")
def chat_delete(call: Call) -> Json:
    present = _own(call, "cant_delete_message")
    call.state.delete(present)
    call.events.deleted(present)
    return {"channel": present.channel, "ts": present.ts}


@method("chat.getPermalink", takes_json=False)
def chat_get_permalink(call: Call) -> Json:
    channel = call.state.workspace.channels.get(call.text("channel") or "")
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    message = call.message(channel, call.ts("message_ts"))
    return {"channel": channel.id, "permalink": permalink(call.base, message)}


def permalink(base: str, message: Message) -> str:
    """The address of a message on the page."""
    place = f"{base}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    in_thread = message.thread_ts not in (None, message.ts)
    return f"{place}?thread_ts={message.thread_ts}&cid={message.channel}" if in_thread else place


def writable(call: Call) -> Channel:
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


def composed(call: Call, channel: Channel, ts: str) -> Message:
    """The message of the call. A reply to a reply goes to the thread that both are in."""
    message = compose(
        call.state.ids,
        call.args,
        channel=channel.id,
        ts=ts,
        user=call.bot,
        customized=CUSTOMIZE in call.scopes,
    )
    if message.thread_ts is None:
        return replace(message, broadcast=False)
    parent = call.state.messages.get((channel.id, message.thread_ts))
    if parent is None:
        raise SlackError("thread_not_found")
    return replace(message, thread_ts=parent.thread_ts or parent.ts)


def _own(call: Call, refusal: str) -> Message:
    """The bot's own message that is to be changed. An ephemeral one cannot be found this way."""
    channel = call.state.workspace.channels.get(call.text("channel") or "")
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    present = call.message(channel, call.ts())
    if present.user != call.bot:
        raise SlackError(refusal)
    return present


def _posted(call: Call, message: Message) -> Json:
    return {"channel": message.channel, "ts": message.ts, "message": call.shown(message, metadata=True)}

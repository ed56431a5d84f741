"""reactions.*: emoji on messages."""

from __future__ import annotations

import re

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.methods.chat import permalink
from bot.sandbox.reacting import react, unreact
from bot.sandbox.shapes import Json
from bot.sandbox.workspace import Channel

_NAME = re.compile(r"[\w+'-]+(::skin-tone-[2-6])?", re.ASCII)


@method("reactions.add", "reactions:write")
def reactions_add(call: Call) -> Json:
    message = _reactable(call)
    react(call.state, call.events, message, _name(call), call.bot)
    return {}


@method("reactions.remove", "reactions:write")
def reactions_remove(call: Call) -> Json:
    message = _reactable(call)
    unreact(call.state, call.events, message, _name(call), call.bot)
    return {}


@method("reactions.get", "reactions:read", takes_json=False)
def reactions_get(call: Call) -> Json:
    return _item(call, _item_of(call))


@method("reactions.list", "reactions:read", takes_json=False)
def reactions_list(call: Call) -> Json:
    """What one person reacted to, the newest first; the bot unless another is named."""
    who = call.user().id if call.text("user") else call.bot
    found = [m for m in call.state.messages.values() if any(who in one.users for one in m.reactions)]
    seen = [m for m in reversed(found) if call.sees(call.state.workspace.channels[m.channel])]
    return call.page("items", [_item(call, message) for message in seen])


def item_message(call: Call) -> tuple[Channel, Message]:
    """The message that `channel` and `timestamp` name. Raises `SlackError`."""
    if call.text("channel") is None or call.text("timestamp") is None:
        raise SlackError("no_item_specified")
    channel = call.state.workspace.channels.get(call.needed("channel"))
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    return channel, call.message(channel, call.ts("timestamp", error="bad_timestamp"))


def _item_of(call: Call) -> Message:
    return item_message(call)[1]


def _reactable(call: Call) -> Message:
    channel, message = item_message(call)
    call.member(channel)
    return message


def _name(call: Call) -> str:
    """An emoji's name, with or without its colons. Raises `SlackError` invalid_name."""
    name = (call.text("name") or "").removeprefix(":").removesuffix(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name


def _item(call: Call, message: Message) -> Json:
    shown = {**call.shown(message), "permalink": permalink(call.base, message)}
    return {"type": "message", "channel": message.channel, "message": shown}

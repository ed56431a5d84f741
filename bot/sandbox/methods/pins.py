"""pins.*: messages that a channel keeps at hand."""

from __future__ import annotations

from dataclasses import replace

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message, Pin
from bot.sandbox.methods.chat import permalink
from bot.sandbox.methods.reactions import item_message
from bot.sandbox.shapes import Json


@method("pins.add", "pins:write")
def pins_add(call: Call) -> Json:
    channel, message = item_message(call)
    call.member(channel)
    if message.pinned is not None:
        raise SlackError("already_pinned")
    call.state.mark(replace(message, pinned=Pin(call.bot, int(call.now))))
    call.events.pinned("pin_added", message, call.bot)
    return {}


@method("pins.remove", "pins:write")
def pins_remove(call: Call) -> Json:
    channel, message = item_message(call)
    call.member(channel)
    if message.pinned is None:
        raise SlackError("no_pin")
    call.state.mark(replace(message, pinned=None))
    call.events.pinned("pin_removed", message, call.bot)
    return {}


@method("pins.list", "pins:read", takes_json=False)
def pins_list(call: Call) -> Json:
    """The last pinned first."""
    channel = call.state.workspace.channels.get(call.needed("channel"))
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    call.member(channel)
    pinned = [(m.pinned, m) for m in call.state.in_channel(channel.id) if m.pinned is not None]
    pinned.sort(key=lambda one: one[0].at, reverse=True)
    return {"items": [_item(call, pin, message) for pin, message in pinned]}


def _item(call: Call, pin: Pin, message: Message) -> Json:
    shown = {**call.shown(message), "permalink": permalink(call.base, message)}
    known = {"type": "message", "channel": message.channel, "created": pin.at, "created_by": pin.by}
    return {**known, "message": shown}

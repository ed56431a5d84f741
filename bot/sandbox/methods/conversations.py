"""conversations.*: channels and direct messages, as far as the bot's scopes and memberships show them."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json
from bot.sandbox.state import Event
from bot.sandbox.workspace import Channel

READ = ("channels:read", "groups:read", "mpim:read", "im:read")
OPEN = ("channels:manage", "groups:write", "mpim:write", "im:write")
LONGEST_TOPIC = 250
_KINDS = {"public_channel": "channels", "private_channel": "groups", "mpim": "mpim", "im": "im"}


@method("conversations.info", *READ, takes_json=False)
def conversations_info(call: Call) -> Json:
    channel = call.channel()
    shown = channel.as_slack(call.state.workspace.team.id, call.bot)
    if call.flag("include_num_members"):
        shown["num_members"] = len(channel.members)
    return {"channel": shown}


@method("conversations.list", *READ, takes_json=False)
def conversations_list(call: Call) -> Json:
    team = call.state.workspace.team.id
    found = [
        channel.as_slack(team, call.bot) | ({} if channel.is_im else {"num_members": len(channel.members)})
        for channel in of_types(call)
        if not (channel.is_archived and call.flag("exclude_archived"))
    ]
    return call.page("channels", found)


@method("conversations.members", *READ, takes_json=False)
def conversations_members(call: Call) -> Json:
    return call.page("members", call.channel().members)


@method("conversations.setTopic", *OPEN, *(f"{kind}:write.topic" for kind in ("channels", "groups", "mpim", "im")))
def conversations_set_topic(call: Call) -> Json:
    channel, topic = _to_describe(call, "topic")
    if topic != channel.topic:
        channel.topic, channel.topic_by, channel.topic_at = topic, call.bot, int(call.now)
        _say(call, channel, "channel_topic", f"set the channel topic: {topic}" if topic else "cleared channel topic")
    return {"channel": channel.as_slack(call.state.workspace.team.id, call.bot)}


@method("conversations.setPurpose", *OPEN, *(f"{kind}:write.topic" for kind in ("channels", "groups", "mpim", "im")))
def conversations_set_purpose(call: Call) -> Json:
    channel, purpose = _to_describe(call, "purpose")
    if purpose != channel.purpose:
        channel.purpose, channel.purpose_by, channel.purpose_at = purpose, call.bot, int(call.now)
        words = f"set the channel purpose: {purpose}" if purpose else "cleared channel purpose"
        _say(call, channel, "channel_purpose", words)
    return {"channel": channel.as_slack(call.state.workspace.team.id, call.bot)}


@method("conversations.open", *OPEN)
def conversations_open(call: Call) -> Json:
    """A direct message with one person; those of several people are not in the sandbox."""
    call.require("im:write")
    workspace = call.state.workspace
    present = workspace.channels.get(call.text("channel") or "")
    if present is not None and present.is_im:
        return {"no_op": True, "already_open": True, "channel": {"id": present.id}}
    user = workspace.users.get(call.needed("users"))
    if user is None:
        raise SlackError("user_not_found")
    if user.deleted:
        raise SlackError("user_disabled")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    known = "D" + user.id[1:] in workspace.channels
    channel = workspace.direct(user.id)
    if not known:
        call.state.announce(Event("channels", {"id": channel.id}, user.id))
    shown = channel.as_slack(workspace.team.id, call.bot) if call.flag("return_im") else {"id": channel.id}
    return {"channel": shown, **({"no_op": True, "already_open": True} if known else {})}


@method("conversations.join", "channels:join")
def conversations_join(call: Call) -> Json:
    channel = call.state.workspace.channels.get(call.needed("channel"))
    if channel is None or channel.is_private:
        raise SlackError("channel_not_found")
    if channel.is_archived:
        raise SlackError("is_archived")
    known = call.bot in channel.members
    if not known:
        channel.members.append(call.bot)
        call.state.announce(Event("channels", {"id": channel.id}, channel=channel.id))
    shown = channel.as_slack(call.state.workspace.team.id, call.bot)
    return {"channel": shown, **({"warning": "already_in_channel"} if known else {})}


def _to_describe(call: Call, name: str) -> tuple[Channel, str]:
    """The channel that gets a topic or a purpose, and which. Raises `SlackError`."""
    channel = call.state.workspace.channels.get(call.needed("channel"))
    if channel is None or not call.sees(channel):
        raise SlackError("channel_not_found")
    managed = "channels:manage" if channel.kind == "channels" else f"{channel.kind}:write"
    call.require(managed, f"{channel.kind}:write.topic")
    if channel.is_im:
        raise SlackError("method_not_supported_for_channel_type")
    call.member(channel)
    words = call.args.get(name)
    if not isinstance(words, str):
        raise SlackError("invalid_arguments", messages=[f"missing required field: {name}"])
    if len(words) > LONGEST_TOPIC:
        raise SlackError("too_long")
    return channel, words


def _say(call: Call, channel: Channel, subtype: str, text: str) -> None:
    """What Slack writes into a channel when it changes."""
    call.state.post(Message(channel.id, call.state.ids.ts(), call.bot, text, subtype=subtype))
    call.state.announce(Event("channels", {"id": channel.id}, channel=channel.id))


def of_types(call: Call) -> list[Channel]:
    """The channels of the kinds that the argument `types` names. Raises `SlackError` invalid_types, missing_scope."""
    types = [one.strip() for one in (call.text("types") or "public_channel").split(",")]
    if any(one not in _KINDS for one in types):
        raise SlackError("invalid_types")
    kinds = [_KINDS[one] for one in types]
    for kind in kinds:
        call.require(f"{kind}:read")
    channels = call.state.workspace.channels.values()
    return [channel for channel in channels if channel.kind in kinds and call.sees(channel)]

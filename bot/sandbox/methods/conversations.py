"""conversations.*: channels and direct messages, as far as the bot's scopes and memberships show them."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.shapes import Json
from bot.sandbox.state import Event
from bot.sandbox.workspace import Channel

READ = ("channels:read", "groups:read", "mpim:read", "im:read")
HISTORY = ("channels:history", "groups:history", "mpim:history", "im:history")
OPEN = ("channels:manage", "groups:write", "mpim:write", "im:write")
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


@method("conversations.history", *HISTORY, takes_json=False)
def conversations_history(call: Call) -> Json:
    channel = call.channel(purpose="history")
    if call.bot not in channel.members:
        raise SlackError("not_in_channel")
    newest_first = reversed(call.state.in_channel(channel.id))
    return {**call.page("messages", [m.as_slack(call.state.workspace) for m in newest_first]), "pin_count": 0}


@method("conversations.open", *OPEN)
def conversations_open(call: Call) -> Json:
    """A direct message with one person; those of several people are not in the sandbox."""
    call.require("im:write")
    workspace = call.state.workspace
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

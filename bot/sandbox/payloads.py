"""What Slack sends to an app: the payloads of commands, actions, views and events, with every field they have.

Shapes from Slack's references on slash commands, interaction payloads and the Events API.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.sandbox.messages import Message, View
from bot.sandbox.shapes import Json
from bot.sandbox.workspace import Channel, Team, User, Workspace

Value = str | list[str] | None
"""What is chosen: several where an element takes several; None is what the element itself says."""

VERIFICATION_TOKEN = "sandbox-verification-token"  # noqa: S105 - Slack's deprecated one, public by design


_LISTS = {
    "multi_users_select": "selected_users",
    "multi_channels_select": "selected_channels",
    "multi_conversations_select": "selected_conversations",
    "file_input": "files",
}
"""What several are called; where nothing is chosen, that is an empty list."""


@dataclass(frozen=True, slots=True)
class Act:
    """A person doing something."""

    workspace: Workspace
    user: User
    team: Team
    """The workspace that the payload says they do it from."""
    trigger_id: str = ""
    response_url: str = ""


def slash_command(act: Act, channel: Channel, command: str, text: str) -> Json:
    """The payload of a `slash_commands` envelope."""
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": act.team.id,
        "team_domain": act.team.domain,
        "channel_id": channel.id,
        "channel_name": _channel_name(channel),
        "user_id": act.user.id,
        "user_name": act.user.name,
        "command": command,
        "text": text,
        "api_app_id": act.workspace.app.id,
        "is_enterprise_install": "false",
        "response_url": act.response_url,
        "trigger_id": act.trigger_id,
    }


def message_action(act: Act, message: Message, shown: Json, values: Json, action: Json) -> Json:
    """A `block_actions` payload for something pressed in a message, with what is filled in there.

    An ephemeral message itself is not in it.
    """
    channel = act.workspace.channels[message.channel]
    payload = {
        **_interaction("block_actions", act),
        "container": {
            "type": "message",
            "message_ts": message.ts,
            "channel_id": message.channel,
            "is_ephemeral": message.ephemeral_to is not None,
        },
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": values},
        "response_url": act.response_url,
        "actions": [action],
    }
    if message.ephemeral_to is None:
        payload["message"] = {name: value for name, value in shown.items() if name != "channel"}
    return payload


def view_action(act: Act, view: View, values: Json, action: Json) -> Json:
    """A `block_actions` payload for something pressed in a modal or on the Home tab."""
    return {
        **_interaction("block_actions", act),
        "container": {"type": "view", "view_id": view.id},
        "view": view.as_slack(act.workspace, values),
        "actions": [action],
    }


def view_submission(act: Act, view: View, values: Json, response_urls: list[Json]) -> Json:
    return {
        **_interaction("view_submission", act),
        "view": view.as_slack(act.workspace, values),
        "response_urls": response_urls,
    }


def view_closed(act: Act, view: View, *, is_cleared: bool) -> Json:
    payload = _interaction("view_closed", act)
    del payload["trigger_id"]
    return {**payload, "view": view.as_slack(act.workspace), "is_cleared": is_cleared}


def shortcut(act: Act, callback_id: str, ts: str) -> Json:
    """A `shortcut` payload: one of the whole workspace, of no channel and no message."""
    return {**_interaction("shortcut", act), "callback_id": callback_id, "action_ts": ts}


def message_shortcut(act: Act, callback_id: str, message: Message, shown: Json, ts: str) -> Json:
    """A `message_action` payload: a shortcut on a message."""
    channel = act.workspace.channels[message.channel]
    return {
        **_interaction("message_action", act),
        "callback_id": callback_id,
        "action_ts": ts,
        "message_ts": message.ts,
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "message": {name: value for name, value in shown.items() if name != "channel"},
        "response_url": act.response_url,
    }


def suggestion(act: Act, where: Json, element: Json, block_id: str, typed: str) -> Json:
    """A `block_suggestion` payload: a menu asks for the options that fit what was typed; `where` names its place."""
    payload = _interaction("block_suggestion", act)
    del payload["trigger_id"]
    return {**payload, "action_id": element["action_id"], "block_id": block_id, "value": typed, **where}


def event_callback(workspace: Workspace, event: Json, event_id: str, event_time: int, *, shared: bool) -> Json:
    """The payload of an `events_api` envelope."""
    app = workspace.app
    return {
        "token": VERIFICATION_TOKEN,
        "team_id": workspace.team.id,
        "context_team_id": workspace.team.id,
        "context_enterprise_id": None,
        "api_app_id": app.id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": event_time,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team.id,
                "user_id": app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
    }


def action(element: Json, block_id: str, value: Value, ts: str) -> Json:
    """One entry of `actions`: the element as it was sent, with what was chosen in it."""
    done: Json = {"type": element["type"], "action_id": element["action_id"], "block_id": block_id, "action_ts": ts}
    if element["type"] == "button":
        done |= {name: element[name] for name in ("text", "style") if name in element}
        chosen = element.get("value") if value is None else value
        return {**done, "value": chosen} if chosen is not None else done
    return {**done, **answer(element, value)}


def answer(element: Json, value: object) -> Json:
    """What is filled in an element, as `state.values` has it; None is nothing."""
    kind = element["type"]
    if kind in ("static_select", "external_select", "radio_buttons", "overflow"):
        return {"selected_option": _option(element, value) if value else None}
    if kind in ("checkboxes", "multi_static_select", "multi_external_select"):
        chosen = value if isinstance(value, list) else []
        return {"selected_options": [_option(element, one) for one in chosen]}
    if kind in _LISTS:
        return {_LISTS[kind]: value if isinstance(value, list) else []}
    names = {
        "datepicker": "selected_date",
        "timepicker": "selected_time",
        "datetimepicker": "selected_date_time",
        "users_select": "selected_user",
        "rich_text_input": "rich_text_value",
        "channels_select": "selected_channel",
        "conversations_select": "selected_conversation",
    }
    return {names.get(kind, "value"): value}


def initial(element: Json) -> object:
    """What an element has filled in before anybody touches it."""
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return next((value for name, value in element.items() if name.startswith("initial_")), None)


def _option(element: Json, value: object) -> Json:
    groups = [element.get("options", []), *(group["options"] for group in element.get("option_groups", []))]
    for option in (one for group in groups for one in group):
        if option["value"] == value:
            return dict(option)
    return {"text": {"type": "plain_text", "text": str(value), "emoji": True}, "value": value}


def _interaction(kind: str, act: Act) -> Json:
    user = act.user
    return {
        "type": kind,
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": act.team.id},
        "api_app_id": act.workspace.app.id,
        "token": VERIFICATION_TOKEN,
        "trigger_id": act.trigger_id,
        "team": {"id": act.team.id, "domain": act.team.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _channel_name(channel: Channel) -> str:
    return "directmessage" if channel.is_im else "privategroup" if channel.is_private else channel.name

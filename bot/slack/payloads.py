"""What Slack delivers, as plain values: nothing that may arrive makes this raise, and no field has a wrong type."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from bot.dispatch.requests import Pressed, Typed
from bot.messages import MessageRef, Origin
from bot.slack.render.blocks import action_of
from bot.slack.render.newer import MAX_PICKED, MENU, PICK, choice

Payload = Mapping[str, object]

_HELP = "Type /checkpoint help to see what this bot can do."
_NAMES = {
    "view_submission": "a form",
    "shortcut": "a shortcut",
    "message_action": "a message shortcut",
    "interactive_message": "a button of an old kind",
    "dialog_submission": "a dialog",
}
_NOBODY_WAITS = frozenset(
    {"event_callback", "view_closed", "block_suggestion", "dialog_suggestion", "dialog_cancellation"}
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """A delivery that this bot has no use for."""

    reason: str
    """For the log."""
    sentence: str
    """For the person."""
    origin: Origin | None
    """None when nobody waits for an answer, or when it cannot be told who."""
    wants_options: bool = False
    """Slack waits for the options of a menu: an empty list is the answer."""


def read(payload: object, envelope_id: str) -> Typed | Pressed | Misfit:
    """What a person did. `envelope_id` tells deliveries apart where the payload has nothing that does."""
    if not isinstance(payload, Mapping):
        return Misfit("the payload is no object", _HELP, None)
    if "command" in payload:
        return _typed(payload, envelope_id)
    if payload.get("type") == "block_actions":
        return _pressed(payload, envelope_id)
    return _unknown(payload)


def _typed(payload: Payload, envelope_id: str) -> Typed | Misfit:
    """A slash command. Slack's fields for it are flat."""
    text = payload.get("text", "")
    person, channel = _word(payload, "user_id"), _word(payload, "channel_id")
    team = _word(payload, "user_team_id") or _word(payload, "user_team") or _word(payload, "team_id")
    lacks = _lacks(user_id=person, channel_id=channel, team_id=team)
    if lacks or not isinstance(text, str):
        return _incomplete(payload, lacks or "text")
    url = _word(payload, "response_url")
    trigger = _word(payload, "trigger_id") or url or envelope_id
    delivery = _digest("typed", trigger, person, channel, _word(payload, "command"), text)
    return Typed(delivery, team, Origin(channel, person, url or None), text)


def _pressed(payload: Payload, envelope_id: str) -> Pressed | Misfit:
    """A button, or a choice in a menu. In a channel shared with another workspace `team` is the app's and
    `user.team_id` the person's, so the person's goes first."""
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    person = _word(payload, "user", "id")
    channel = _word(payload, "channel", "id") or _word(payload, "container", "channel_id")
    team = _word(payload, "user", "team_id") or _word(payload, "team", "id")
    action_id, value = _word(action, "action_id"), _word(action, "value")
    lacks = _lacks(user=person, channel=channel, team=team, action_id=action_id)
    if lacks:
        return _incomplete(payload, lacks)
    meaning, kind = action_of(action_id), _word(action, "type")
    if meaning == MENU and kind == "overflow":
        meaning, value = choice(_word(action, "selected_option", "value"))
    elif kind not in ("button", ""):
        meaning = None
    if not meaning:
        return Misfit(
            "an action that is none of this bot's", f"This bot does not know that button. {_HELP}", _origin(payload)
        )
    message = _message(payload, channel)
    moment = _word(action, "action_ts"), message.ts if message else ""
    trigger = _word(payload, "trigger_id") or "".join(moment) or envelope_id
    chosen = () if value else _chosen(payload)
    delivery = _digest("pressed", trigger, person, channel, action_id, value, *moment, *chosen)
    origin = Origin(channel, person, _word(payload, "response_url") or None)
    return Pressed(delivery, team, origin, meaning, value, message, chosen)


def _chosen(payload: Payload) -> tuple[str, ...]:
    """What was chosen in this bot's fields of the message, each once."""
    blocks = _find(payload, "state", "values")
    fields = [field for block in _values(blocks) for name, field in _items(block) if action_of(name) == PICK]
    options = [one for field in fields if isinstance(many := _find(field, "selected_options"), list) for one in many]
    return tuple(dict.fromkeys(value for one in options if (value := _word(one, "value"))))[:MAX_PICKED]


def _values(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, Mapping) else []


def _items(value: object) -> list[tuple[str, object]]:
    return [(key, one) for key, one in value.items() if isinstance(key, str)] if isinstance(value, Mapping) else []


def _message(payload: Payload, channel: str) -> MessageRef | None:
    """The message that a button stands in; None for an ephemeral one, which chat.update cannot change."""
    ts = _word(payload, "message", "ts") or _word(payload, "container", "message_ts")
    if not ts or _find(payload, "container", "is_ephemeral") is True:
        return None
    return MessageRef(channel, ts)


def _unknown(payload: Payload) -> Misfit:
    kind = _word(payload, "type")
    named = _NAMES.get(kind, "that")
    return Misfit(
        f"a payload of type {kind[:40]!r}",
        f"This bot has no answer to {named}. {_HELP}",
        None if kind in _NOBODY_WAITS else _origin(payload),
        wants_options=kind in ("block_suggestion", "dialog_suggestion"),
    )


def _incomplete(payload: Payload, field: str) -> Misfit:
    sentence = f"What Slack delivered was incomplete, so this bot could not tell what to do. {_HELP}"
    return Misfit(f"the payload has no usable {field}", sentence, _origin(payload))


def _origin(payload: Payload) -> Origin | None:
    """Where to answer, from whatever there is."""
    person = _word(payload, "user", "id") or _word(payload, "user_id") or _word(payload, "user")
    channel = (
        _word(payload, "channel", "id") or _word(payload, "channel_id") or _word(payload, "container", "channel_id")
    )
    url = _word(payload, "response_url") or None
    return Origin(channel, person, url) if person or url else None


def _lacks(**fields: str) -> str:
    """The first field that is empty."""
    return next((name for name, value in fields.items() if not value), "")


def _digest(*parts: str) -> str:
    """The same for the same parts. Not the trigger id alone, so that a server which reuses one loses no command."""
    joined = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]


def _find(value: object, *path: str) -> object:
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def _word(value: object, *path: str) -> str:
    """The text at `path`, or nothing when there is something else or nothing."""
    found = _find(value, *path)
    return found if isinstance(found, str) else ""

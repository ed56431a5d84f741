"""What Slack delivers, as plain values: nothing that may arrive makes this raise, and no field has a wrong type."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.dispatch.requests import Edited, Looked, Pressed, Searched, Sheet, Submitted, Summoned, Typed
from bot.dispatch.views import NOTHING, ViewRef
from bot.messages import MessageRef, Origin
from bot.slack.render.blocks import action_of
from bot.slack.render.form import memory_of
from bot.slack.render.newer import ENTRY, MAX_PICKED, MENU, PICK, choice
from commands.kit.words import typed

Payload = Mapping[str, object]

_HELP = f"Type {typed('help')} to see what this bot can do."
_NAMES = {
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


Delivery = Typed | Pressed | Summoned | Edited | Searched | Submitted | Looked | Misfit


def read(payload: object, envelope_id: str) -> Delivery:
    """What a person did. `envelope_id` tells deliveries apart where the payload has nothing that does."""
    if not isinstance(payload, Mapping):
        return Misfit("the payload is no object", _HELP, None)
    if "command" in payload:
        return _typed(payload, envelope_id)
    kind = payload.get("type")
    how = _KINDS.get(kind) if isinstance(kind, str) else None
    return how(payload, envelope_id) if how else _unknown(payload)


def waits_for_an_answer(delivery: Delivery) -> bool:
    """Its acknowledgement has something in it; that of anything else is empty."""
    return isinstance(delivery, Searched | Submitted) or (isinstance(delivery, Misfit) and delivery.wants_options)


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
    origin = Origin(channel, person, url or None)
    return Typed(delivery, team, origin, text, _word(payload, "trigger_id"), _word(payload, "command"))


def _acted(payload: Payload, envelope_id: str) -> Pressed | Edited | Misfit:
    """Something done in a message, in a form, or in the Home tab."""
    if _word(payload, "view", "type") == "modal":
        return _edited(payload, envelope_id)
    return _pressed(payload, envelope_id)


def _pressed(payload: Payload, envelope_id: str) -> Pressed | Misfit:
    """A button, or a choice in a menu. The Home tab is in no channel."""
    actions = payload.get("actions")
    action = actions[0] if isinstance(actions, list) and actions else None
    person = _word(payload, "user", "id")
    channel = _word(payload, "channel", "id") or _word(payload, "container", "channel_id")
    team, at_home = _team(payload), _word(payload, "view", "type") == "home" and not channel
    action_id, value = _word(action, "action_id"), _word(action, "value")
    lacks = _lacks(user=person, channel=channel or "home" * at_home, team=team, action_id=action_id)
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
    return Pressed(
        delivery,
        team,
        origin,
        meaning,
        value,
        message,
        chosen,
        _word(payload, "trigger_id"),
        at_home=at_home,
        entered=_typed_beside(payload),
    )


def _team(payload: Payload) -> str:
    """In a channel shared with another workspace `team` is the app's and `user.team_id` the person's, so the person's
    goes first."""
    return _word(payload, "user", "team_id") or _word(payload, "team", "id")


def _summoned(payload: Payload, envelope_id: str) -> Summoned | Misfit:
    """A shortcut, of the whole workspace or on a message."""
    person, team, shortcut = _word(payload, "user", "id"), _team(payload), _word(payload, "callback_id")
    trigger, channel = _word(payload, "trigger_id"), _word(payload, "channel", "id")
    if lacks := _lacks(user=person, team=team, callback_id=shortcut, trigger_id=trigger):
        return _incomplete(payload, lacks)
    delivery = _digest("summoned", trigger or envelope_id, person, shortcut)
    origin = Origin(channel, person, _word(payload, "response_url") or None)
    return Summoned(delivery, team, origin, shortcut, trigger, _word(payload, "message", "text"))


def _edited(payload: Payload, envelope_id: str) -> Edited | Misfit:
    """A watched field of a form."""
    person, team, view = _word(payload, "user", "id"), _team(payload), _word(payload, "view", "id")
    if lacks := _lacks(user=person, team=team, view=view):
        return _incomplete(payload, lacks)
    delivery = _digest("edited", _word(payload, "trigger_id") or envelope_id, person, view)
    ref = ViewRef(view, _word(payload, "view", "hash"))
    return Edited(delivery, team, Origin("", person), _sheet(payload), ref)


def _searched(payload: Payload, _envelope_id: str) -> Searched | Misfit:
    person, team = _word(payload, "user", "id"), _team(payload)
    if _word(payload, "view", "type") != "modal" or not person or not team:
        return _unknown(payload)
    return Searched(team, Origin("", person), _sheet(payload), _word(payload, "value"))


def _submitted(payload: Payload, _envelope_id: str) -> Submitted | Misfit:
    """A form. However often it is submitted, it is one delivery: what it asks for is done once."""
    person, team, view = _word(payload, "user", "id"), _team(payload), _word(payload, "view", "id")
    sheet = _sheet(payload)
    if lacks := _lacks(user=person, team=team, view=view, callback_id=sheet.kind):
        return _incomplete(payload, lacks)
    given = _find(payload, "response_urls")
    urls = {_word(one, "channel_id"): _word(one, "response_url") for one in given} if isinstance(given, list) else {}
    return Submitted(_digest("submitted", view, person, sheet.kind), team, Origin("", person), sheet, urls)


def _sheet(payload: Payload) -> Sheet:
    """The form as it is filled in."""
    blocks = _find(payload, "view", "blocks")
    inputs = [one for one in blocks if _word(one, "type") == "input"] if isinstance(blocks, list) else []
    values = {
        name: entered
        for name, block in _items(_find(payload, "view", "state", "values"))
        for entry in _values(block)
        if (entered := _entered(entry))
    }
    return Sheet(
        _word(payload, "view", "callback_id"),
        memory_of(_word(payload, "view", "private_metadata")),
        values,
        tuple(name for one in inputs if (name := _word(one, "block_id"))),
    )


def _entered(entry: object) -> str:
    """What one field of a form holds; of several that were chosen a line each."""
    if isinstance(many := _find(entry, "selected_options"), list):
        return "\n".join(value for one in many[:MAX_PICKED] if (value := _word(one, "value")))
    if option := _word(entry, "selected_option", "value"):
        return "" if option == NOTHING else option
    places = ("value", "selected_date", "selected_conversation", "selected_channel")
    return next((found for place in places if (found := _word(entry, place))), "")


def _event(payload: Payload, envelope_id: str) -> Looked | Misfit:
    """Of events only one is of use: that somebody opened the Home tab."""
    person, team = _word(payload, "event", "user"), _word(payload, "team_id")
    if _word(payload, "event", "type") != "app_home_opened" or _word(payload, "event", "tab") != "home":
        return _unknown(payload)
    if not person or not team:
        return Misfit("the event has no user or no team", _HELP, None)
    delivery = _digest("looked", _word(payload, "event_id") or envelope_id, person)
    return Looked(delivery, team, Origin("", person))


def _chosen(payload: Payload) -> tuple[str, ...]:
    """What was chosen in this bot's fields of the message, each once."""
    fields = _fields(payload, PICK)
    options = [one for field in fields if isinstance(many := _find(field, "selected_options"), list) for one in many]
    return tuple(dict.fromkeys(value for one in options if (value := _word(one, "value"))))[:MAX_PICKED]


def _typed_beside(payload: Payload) -> str:
    """What was typed in this bot's line of the message."""
    return next((text for field in _fields(payload, ENTRY) if (text := _word(field, "value"))), "")


def _fields(payload: Payload, kind: str) -> list[object]:
    blocks = _find(payload, "state", "values")
    return [field for block in _values(blocks) for name, field in _items(block) if action_of(name) == kind]


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


_KINDS: Mapping[str, Callable[[Payload, str], Delivery]] = {
    "block_actions": _acted,
    "block_suggestion": _searched,
    "event_callback": _event,
    "message_action": _summoned,
    "shortcut": _summoned,
    "view_submission": _submitted,
}


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

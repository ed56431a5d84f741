"""Opening, replacing and filling in views: what views.* and the acks of submissions have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bot.sandbox.composing import fill, with_defaults
from bot.sandbox.errors import SlackError, check
from bot.sandbox.messages import Message, View
from bot.sandbox.payloads import answer, initial
from bot.sandbox.shapes import Json
from bot.sandbox.state import State
from bot.slack.render.limits import refused_view

MOST_VIEWS = 3
"""Modals on top of one another."""

STATELESS = frozenset({"button", "overflow", "workflow_button", "icon_button", "feedback_buttons"})
"""Elements that keep nothing of what was done with them."""

Filled = Mapping[str, Mapping[str, object]]
"""What a person filled in: by block_id and action_id."""


def make_view(state: State, user: str, body: Json) -> View:
    """Open a modal in front of a person's others, or publish their Home tab. Raises `SlackError`."""
    check(refused_view(body))
    external_id = body.get("external_id")
    if external_id and any(view.body.get("external_id") == external_id for view in state.views.values()):
        raise SlackError("duplicate_external_id")
    view_id, stack = state.ids.object_id("V"), state.stack(user)
    on_top = body["type"] == "modal" and stack
    view = View(
        view_id,
        user,
        _filled(state, body),
        _hash(state),
        stack[0].id if on_top else view_id,
        stack[-1].id if on_top else None,
    )
    if body["type"] == "home":
        state.show_home(view)
    else:
        state.show_view(view)
    return view


def push_view(state: State, user: str, body: Json) -> View:
    """Open a modal on top of a person's others. Raises `SlackError`."""
    if len(state.stack(user)) >= MOST_VIEWS:
        raise SlackError("push_limit_reached")
    check_type(body, "modal")
    return make_view(state, user, body)


def check_type(body: Json, wanted: str) -> None:
    """Raises `SlackError` invalid_arguments for a view that is not of this type."""
    if body.get("type") != wanted:
        raise SlackError("invalid_arguments", messages=["must be a valid enum value [json-pointer:/view/type]"])


def view_of(answer: Json) -> Json:
    """The view that an ack brings. Raises `SlackError`."""
    view = answer.get("view")
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", messages=["missing required field: view"])
    return view


def errors_of(view: View, answer: Json) -> dict[str, str]:
    """What an ack says is wrong with a form, by block_id: of its input blocks alone. Raises `SlackError`."""
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    errors = answer.get("errors")
    if not isinstance(errors, dict) or not errors or not inputs.issuperset(errors):
        raise SlackError("invalid_errors")
    return {block_id: str(text) for block_id, text in errors.items()}


def replace_view(state: State, present: View, body: Json) -> View:
    """Put another content in an open view. Raises `SlackError`."""
    check_type(body, present.body["type"])
    check(refused_view(body))
    view = replace(present, body=_filled(state, body), hash=_hash(state), errors={})
    if body["type"] == "home":
        state.show_home(view)
    else:
        state.show_view(view)
    return view


def values_of(holder: View | Message, filled: Filled) -> Json:
    """`state.values` for what a person filled in; what they left alone has its initial value."""
    values: Json = {}
    for block_id, element in holder.elements():
        if element["type"] in STATELESS:
            continue
        action_id = element["action_id"]
        value = filled.get(block_id, {}).get(action_id, initial(element))
        values.setdefault(block_id, {})[action_id] = {"type": element["type"], **answer(element, value)}
    return values


def missing(view: View, values: Json) -> dict[str, str]:
    """What Slack's client says before it submits: required inputs that are empty, by block_id."""
    return {
        block["block_id"]: "Please complete this required field."
        for block in view.body["blocks"]
        if block["type"] == "input"
        and not block.get("optional")
        and _is_empty(values[block["block_id"]][block["element"]["action_id"]])
    }


def _is_empty(entry: Json) -> bool:
    return not any(value for name, value in entry.items() if name != "type")


def _filled(state: State, body: Json) -> Json:
    return {**with_defaults(body), "blocks": list(fill(state.ids, body["blocks"]))}


def _hash(state: State) -> str:
    return f"{int(float(state.ids.ts()))}.{state.ids.secret(8)}"

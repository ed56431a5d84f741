"""views.*: modals and the Home tab."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import View
from bot.sandbox.shapes import Json
from bot.sandbox.state import Trigger
from bot.sandbox.viewing import check_type, make_view, push_view, replace_view


@method("views.open")
def views_open(call: Call) -> Json:
    check_type(call.thing("view"), "modal")
    trigger = _pull(call)
    if call.state.stack(trigger.user):
        call.state.close_view(call.state.stack(trigger.user)[0], all_of_them=True)
    return _shown(call, make_view(call.state, trigger.user, call.thing("view")))


@method("views.push")
def views_push(call: Call) -> Json:
    trigger = _pull(call)
    if trigger.view_id not in call.state.views:
        raise SlackError("not_found")
    return _shown(call, push_view(call.state, trigger.user, call.thing("view")))


@method("views.update")
def views_update(call: Call) -> Json:
    """By view_id or external_id; a `hash` that is not the present one is refused."""
    present = _find(call)
    given = call.text("hash")
    if given is not None and given != present.hash:
        raise SlackError("hash_conflict")
    return _shown(call, replace_view(call.state, present, call.thing("view")))


@method("views.publish")
def views_publish(call: Call) -> Json:
    user = call.user("user_id")
    if not call.state.workspace.app.has_home:
        raise SlackError("not_enabled")
    view = call.thing("view")
    check_type(view, "home")
    present = call.state.homes.get(user.id)
    given = call.text("hash")
    if given is not None and present is not None and given != present.hash:
        raise SlackError("hash_conflict")
    return _shown(call, make_view(call.state, user.id, view))


def _pull(call: Call) -> Trigger:
    """Use up the trigger of the call. Raises `SlackError` for one that is unknown, used, or too old."""
    call.thing("view")
    trigger = call.state.triggers.get(call.needed("trigger_id"))
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if call.now > trigger.expires:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger


def _find(call: Call) -> View:
    views = [*call.state.views.values(), *call.state.homes.values()]
    view_id, external_id = call.text("view_id"), call.text("external_id")
    if view_id is None and external_id is None:
        raise SlackError("invalid_arguments", messages=["missing required field: view_id"])
    for view in views:
        if view_id == view.id or (external_id is not None and view.body.get("external_id") == external_id):
            return view
    raise SlackError("not_found")


def _shown(call: Call, view: View) -> Json:
    return {"view": view.as_slack(call.state.workspace)}

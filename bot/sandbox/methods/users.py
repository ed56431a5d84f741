"""users.* and usergroups.*: people and the groups they are in."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.conversations import of_types
from bot.sandbox.shapes import Json


@method("users.info", "users:read", takes_json=False)
def users_info(call: Call) -> Json:
    return {"user": call.user().as_slack(call.now, locale=call.flag("include_locale"))}


@method("users.list", "users:read", takes_json=False)
def users_list(call: Call) -> Json:
    people = [user for user in call.state.workspace.users.values() if not user.is_stranger]
    members = [user.as_slack(call.now, locale=call.flag("include_locale")) for user in people]
    return {"cache_ts": int(call.now), **call.page("members", members)}


@method("users.profile.get", "users.profile:read", takes_json=False)
def users_profile_get(call: Call) -> Json:
    user = call.user() if call.text("user") else call.state.workspace.users[call.bot]
    return {"profile": user.as_slack(call.now)["profile"]}


@method("users.getPresence", "users:read", takes_json=False)
def users_get_presence(call: Call) -> Json:
    return {"presence": "away" if call.user().deleted else "active"}


@method("users.conversations", "channels:read", "groups:read", "mpim:read", "im:read", takes_json=False)
def users_conversations(call: Call) -> Json:
    member = call.user().id if call.text("user") else call.bot
    workspace = call.state.workspace
    found = [channel for channel in of_types(call) if member in channel.members]
    return call.page("channels", [channel.as_slack(workspace.team.id, call.bot) for channel in found])


@method("usergroups.list", "usergroups:read", takes_json=False)
def usergroups_list(call: Call) -> Json:
    _check_plan(call)
    with_users, with_count = call.flag("include_users"), call.flag("include_count")
    groups = [g for g in call.state.workspace.groups.values() if not g.disabled or call.flag("include_disabled")]
    team = call.state.workspace.team.id
    return {"usergroups": [group.as_slack(team, users=with_users, count=with_count) for group in groups]}


@method("usergroups.users.list", "usergroups:read", takes_json=False)
def usergroups_users_list(call: Call) -> Json:
    _check_plan(call)
    group = call.state.workspace.groups.get(call.text("usergroup") or "")
    if group is None or (group.disabled and not call.flag("include_disabled")):
        raise SlackError("no_such_subteam")
    return {"users": list(group.users)}


def _check_plan(call: Call) -> None:
    if not call.state.workspace.has_user_groups:
        raise SlackError("plan_upgrade_required")

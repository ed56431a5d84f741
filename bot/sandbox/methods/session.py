"""auth.test, apps.connections.open, team.info, bots.info: who the app is, and how it connects."""

from __future__ import annotations

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.shapes import Json
from bot.sandbox.workspace import CREATED


@method("api.test", tokens=("bot", "app"))
def api_test(call: Call) -> Json:
    error = call.text("error")
    if error is not None:
        raise SlackError(error, extra={"args": call.args})
    return {"args": call.args}


@method("auth.test", tokens=("bot", "app"))
def auth_test(call: Call) -> Json:
    workspace = call.state.workspace
    app = workspace.app
    if call.token == "app":  # noqa: S105 - a kind, not a token
        return {"app_name": app.name, "app_id": app.id}
    return {
        "url": f"https://{workspace.team.domain}.slack.com/",
        "team": workspace.team.name,
        "user": app.bot_name,
        "team_id": workspace.team.id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", tokens=("app",))
def apps_connections_open(call: Call) -> Json:
    return {"url": (call.sockets.link or call.base).replace("http", "ws", 1) + call.sockets.ticket()}


@method("team.info", "team:read", takes_json=False)
def team_info(call: Call) -> Json:
    team = call.state.workspace.team
    return {"team": {**team.as_slack(), "url": f"https://{team.domain}.slack.com/", "email_domain": "", "icon": {}}}


@method("bots.info", "users:read", takes_json=False)
def bots_info(call: Call) -> Json:
    app = call.state.workspace.app
    if call.text("bot") != app.bot_id:
        raise SlackError("bot_not_found")
    known = {"id": app.bot_id, "app_id": app.id, "user_id": app.bot_user_id, "name": app.name}
    return {"bot": {**known, "deleted": False, "updated": CREATED, "icons": {}}}

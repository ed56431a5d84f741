"""The sandbox's own routes, beside Slack's: to act as a person, to look, to break things, and the page.

Act (POST, JSON in and out; each answers when the app has acknowledged, with `ack_ms` and `ack`, or with the `error`
that the person sees; `times`, `team` and `forged` as in `outcomes.How`):
  /sandbox/command  {user, channel, text}
  /sandbox/press    {user, channel, ts, action_id, block_id?, value?, values?} in a message, {user, view_id, action_id,
                    value?, values?} in a view; `values` is what is filled in so far
  /sandbox/submit   {user, view_id, values: {block_id: {action_id: value}}}
  /sandbox/close    {user, view_id}
  /sandbox/message  {user, channel, text, thread_ts?}
  /sandbox/shortcut {user, callback_id}, and {channel, ts} for one on a message
  /sandbox/suggest  {user, action_id, value} and {view_id} or {channel, ts}: type into a menu that asks for its options
  /sandbox/react    {user, channel, ts, name}: put an emoji on a message, or take it off again
  /sandbox/home     {user, tab?}: look at the Home tab, or at the messages beside it
  /sandbox/envelope {type, payload}: deliver any envelope at all
  /sandbox/user     {user, deleted?, is_restricted?, …}: change a person
  /sandbox/group    {group, users}: change a user group
Look (GET):
  /sandbox/state?user=          people, channels, the app, connections
  /sandbox/messages?channel=&user=   as that person sees them, and the commands that they typed there
  /sandbox/ephemeral?user=      what only they see
  /sandbox/views?user=          open modals, and the Home tab
  /sandbox/log?after=           what went over the wire, after a moment of it
  /sandbox/events?user=         changes as they happen (server-sent events)
Break (POST):
  /sandbox/faults   {clear?, rate_limits?, refuse_connections?, calls?: [`faults.Fault`],
                    socket?: drop | warning | refresh_requested | link_disabled}
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from bot.sandbox.control import Control
from bot.sandbox.errors import SandboxError
from bot.sandbox.messages import Message, View
from bot.sandbox.outcomes import How, Outcome
from bot.sandbox.shapes import Json
from bot.sandbox.state import Event, State
from bot.sandbox.workspace import User

PAGE = Path(__file__).parent / "page"
KEEP_ALIVE = 15.0
"""Seconds between comments on a quiet event stream, so that a closed page is noticed."""


class Routes:
    """Handlers of `/sandbox/…` and of the page."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._people = control.people
        self._state: State = control.state

    def add_to(self, app: web.Application) -> None:
        acts: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "command": self._command,
            "press": self._press,
            "submit": self._submit,
            "close": self._close,
            "message": self._message,
            "shortcut": self._shortcut,
            "suggest": self._suggest,
            "react": self._react,
            "home": self._home,
            "envelope": self._envelope,
            "user": self._user,
            "group": self._group,
            "faults": self._faults,
        }
        looks: dict[str, Callable[[User | None, web.Request], Json]] = {
            "state": self._overview,
            "messages": self._messages,
            "ephemeral": self._ephemeral,
            "views": self._views,
            "log": self._log,
        }
        for name, act in acts.items():
            app.router.add_post(f"/sandbox/{name}", _acting(act))
        for name, look in looks.items():
            app.router.add_get(f"/sandbox/{name}", self._looking(look))
        app.router.add_get("/sandbox/events", self._events)
        for path in ("/", "/archives/{channel}/{message}"):
            app.router.add_get(path, _index)
        app.router.add_static("/page/", PAGE)

    # ---------------------------------------------------------------- acting

    async def _command(self, body: Json) -> Json:
        outcome = await self._people.command(body["user"], body["channel"], body["text"], _how(body))
        return outcome.as_json()

    async def _press(self, body: Json) -> Json:
        value = body.get("value")
        outcome: Outcome
        if "view_id" in body:
            view, filled = self._view(body), body.get("values", {})
            outcome = await self._people.press_in_view(
                body["user"], view, body["action_id"], filled, _how(body), value=value
            )
        else:
            message, block_id = self._message_of(body), body.get("block_id")
            outcome = await self._people.press(
                body["user"],
                message,
                body["action_id"],
                _how(body),
                block_id=block_id,
                value=value,
                filled=body.get("values"),
            )
        return outcome.as_json()

    async def _submit(self, body: Json) -> Json:
        view, values = self._view(body), body.get("values", {})
        return (await self._people.submit(body["user"], view, values, _how(body))).as_json()

    async def _close(self, body: Json) -> Json:
        return (await self._people.close(body["user"], self._view(body), _how(body))).as_json()

    async def _message(self, body: Json) -> Json:
        thread = body.get("thread_ts")
        message = await self._people.say(body["user"], body["channel"], body["text"], _how(body), thread_ts=thread)
        return {"ok": True, "message": self._shown(message)}

    async def _shortcut(self, body: Json) -> Json:
        message = self._message_of(body) if "ts" in body else None
        return (await self._people.shortcut(body["user"], body["callback_id"], message, _how(body))).as_json()

    async def _suggest(self, body: Json) -> Json:
        place = self._view(body) if "view_id" in body else self._message_of(body)
        typed = str(body.get("value", ""))
        return (await self._people.suggest(body["user"], place, body["action_id"], typed, _how(body))).as_json()

    async def _react(self, body: Json) -> Json:
        await self._people.react(body["user"], self._message_of(body), body["name"], _how(body))
        return {"ok": True}

    async def _home(self, body: Json) -> Json:
        self._people.open_home(body["user"], body.get("tab", "home"))
        return {"ok": True}

    async def _envelope(self, body: Json) -> Json:
        return (await self._people.deliver(body["type"], body["payload"], _how(body))).as_json()

    async def _user(self, body: Json) -> Json:
        flags = {name: bool(value) for name, value in body.items() if name != "user"}
        self._control.change_user(body["user"], **flags)
        return {"ok": True}

    async def _group(self, body: Json) -> Json:
        self._control.change_group(body["group"], body["users"])
        return {"ok": True}

    async def _faults(self, body: Json) -> Json:
        await self._control.fault(body)
        return {"ok": True}

    def _view(self, body: Json) -> View:
        found = [*self._state.views.values(), *self._state.homes.values()]
        for view in found:
            if view.id == body["view_id"]:
                return view
        raise SandboxError(f"There is no view {body['view_id']}.")

    def _message_of(self, body: Json) -> Message:
        person = self._state.workspace.user(body["user"])
        channel = self._state.workspace.channel(body["channel"], person)
        message = self._state.messages.get((channel.id, body["ts"]))
        if message is None:
            raise SandboxError(f"There is no message {body['ts']} in {channel.name}.")
        return message

    # ---------------------------------------------------------------- looking

    def _looking(
        self, look: Callable[[User | None, web.Request], Json]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            try:
                user = self._state.workspace.user(request.query["user"]) if "user" in request.query else None
                return web.json_response({"ok": True, **look(user, request)})
            except SandboxError as error:
                return web.json_response({"ok": False, "error": str(error)}, status=404)

        return handle

    def _overview(self, user: User | None, _request: web.Request) -> Json:
        workspace = self._state.workspace
        if user is not None and not user.deleted:
            workspace.direct(user.id)
        teams = {team.id: team.name for team in (workspace.team, *workspace.other_teams)}
        app = workspace.app
        return {
            "team": workspace.team.as_slack(),
            "app": {
                "name": app.name,
                "bot_user_id": app.bot_user_id,
                "suggestions": [list(one) for one in self._control.suggestions],
                "commands": [[c.command, c.description, c.usage_hint] for c in app.commands],
                "shortcuts": [[one.callback_id, one.name, one.type, one.description] for one in app.shortcuts],
            },
            "people": [_person(one, teams) for one in workspace.users.values()],
            "groups": {group.id: group.handle for group in workspace.groups.values()},
            "channels": [
                {
                    "id": channel.id,
                    "name": channel.name,
                    "topic": channel.topic,
                    "members": channel.members,
                    "is_im": channel.is_im,
                    "is_private": channel.is_private,
                    "shared_with": [teams[team] for team in channel.shared_with],
                }
                for channel in workspace.channels.values()
                if user is None or user.id in channel.members
            ],
            "connections": len(self._control.sockets.connections),
        }

    def _messages(self, user: User | None, request: web.Request) -> Json:
        person = user or self._state.workspace.user(self._state.workspace.app.bot_user_id)
        channel = self._state.workspace.channel(request.query.get("channel", ""), person)
        found = self._state.in_channel(channel.id, user.id if user else None)
        typed = [asdict(one) for one in self._state.typed if user and (one.channel, one.user) == (channel.id, user.id)]
        return {"messages": [self._shown(message) for message in found], "typed": typed}

    def _log(self, _user: User | None, request: web.Request) -> Json:
        after = request.query.get("after", "")
        with self._state.changed:
            return {"log": [line for line in self._state.log if line["ts"] > after]}

    def _ephemeral(self, user: User | None, _request: web.Request) -> Json:
        found = [m for m in self._state.messages.values() if user is not None and m.ephemeral_to == user.id]
        return {"messages": [self._shown(message) for message in found]}

    def _views(self, user: User | None, _request: web.Request) -> Json:
        if user is None:
            raise SandboxError("Say whose: ?user=")
        home = self._state.homes.get(user.id)
        return {
            "views": [self._shown_view(view) for view in self._state.stack(user.id)],
            "home": self._shown_view(home) if home else None,
        }

    def _shown(self, message: Message) -> Json:
        return self._state.show(message)

    def _shown_view(self, view: View) -> Json:
        return {**view.as_slack(self._state.workspace), "errors": view.errors}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            user = self._state.workspace.user(request.query.get("user", ""))
        except SandboxError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        closed_page = contextlib.suppress(ConnectionResetError)
        with closed_page, self._state.watching(user) as queue:
            await response.write(b": welcome\n\n")
            while not self._control.stopping.is_set():
                await response.write(await self._next(queue))
        return response

    async def _next(self, queue: asyncio.Queue[Event]) -> bytes:
        try:
            event = await asyncio.wait_for(queue.get(), KEEP_ALIVE)
        except TimeoutError:
            return b": still here\n\n"
        return f"event: {event.kind}\ndata: {json.dumps(event.data)}\n\n".encode()


async def _index(_request: web.Request) -> web.FileResponse:
    return web.FileResponse(PAGE / "index.html")


def _acting(act: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """JSON in, JSON out. The content type keeps out forms of other pages; their scripts have another Origin."""

    async def handle(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "Send JSON, as application/json."}, status=415)
        try:
            body = await request.json()
            if not isinstance(body, dict):
                raise SandboxError("Send a JSON object.")
            return web.json_response(await act(body))
        except KeyError as missing:
            return web.json_response({"ok": False, "error": f"{missing.args[0]} is missing."}, status=400)
        except (SandboxError, TypeError, ValueError) as error:
            return web.json_response({"ok": False, "error": str(error)}, status=400)

    return handle


def _how(body: Json) -> How:
    return How(int(body.get("times", 1)), body.get("team"), bool(body.get("forged", False)))


def _person(user: User, teams: dict[str, str]) -> Json:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "title": user.title,
        "team": teams[user.team_id],
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_guest": user.is_restricted,
        "is_stranger": user.is_stranger,
    }

"""The routes by which one looks at the workspace, and hears of its changes: see `bot.sandbox.routes`."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from aiohttp import web

from bot.sandbox.control import Control
from bot.sandbox.errors import SandboxError
from bot.sandbox.messages import View
from bot.sandbox.shapes import Json
from bot.sandbox.state import Event, State
from bot.sandbox.workspace import User

KEEP_ALIVE = 15.0
"""Seconds between comments on a quiet event stream, so that a closed page is noticed."""


class Looking:
    """Handlers of `GET /sandbox/…`."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._state: State = control.state

    def add_to(self, app: web.Application) -> None:
        looks: dict[str, Callable[[User | None, web.Request], Json]] = {
            "state": self._overview,
            "messages": self._messages,
            "ephemeral": self._ephemeral,
            "views": self._views,
            "log": self._log,
        }
        for name, look in looks.items():
            app.router.add_get(f"/sandbox/{name}", self._looking(look))
        app.router.add_get("/sandbox/events", self._events)

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
        return {"messages": [self._state.show(message) for message in found], "typed": typed}

    def _log(self, _user: User | None, request: web.Request) -> Json:
        after = request.query.get("after", "")
        with self._state.changed:
            return {"log": [line for line in self._state.log if line["ts"] > after]}

    def _ephemeral(self, user: User | None, _request: web.Request) -> Json:
        found = [m for m in self._state.messages.values() if user is not None and m.ephemeral_to == user.id]
        return {"messages": [self._state.show(message) for message in found]}

    def _views(self, user: User | None, _request: web.Request) -> Json:
        if user is None:
            raise SandboxError("Say whose: ?user=")
        home = self._state.homes.get(user.id)
        return {
            "views": [self._shown_view(view) for view in self._state.stack(user.id)],
            "home": self._shown_view(home) if home else None,
        }

    def _shown_view(self, view: View) -> Json:
        return {**view.as_slack(self._state.workspace), "errors": view.errors}

    async def _events(self, request: web.Request) -> web.StreamResponse:
        try:
            user = self._state.workspace.user(request.query.get("user", ""))
        except SandboxError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        closed_page = contextlib.suppress(ConnectionResetError)
        with closed_page, self._state.watching(user) as queue:
            await response.prepare(request)
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

"""The routes by which one acts as a person, changes the workspace, or breaks things: see `bot.sandbox.routes`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.control import Control
from bot.sandbox.errors import SandboxError
from bot.sandbox.messages import Message, View
from bot.sandbox.outcomes import How, Outcome
from bot.sandbox.shapes import Json
from bot.sandbox.state import State


class Acting:
    """Handlers of `POST /sandbox/…`."""

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
        for name, act in acts.items():
            app.router.add_post(f"/sandbox/{name}", _acting(act))

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
        return {"ok": True, "message": self._state.show(message)}

    async def _shortcut(self, body: Json) -> Json:
        message = self._message_of(body) if "ts" in body else None
        return (await self._people.shortcut(body["user"], body["callback_id"], message, _how(body))).as_json()

    async def _suggest(self, body: Json) -> Json:
        place = self._view(body) if "view_id" in body else self._message_of(body)
        typed = str(body.get("value", ""))
        outcome = await self._people.suggest(
            body["user"], place, body["action_id"], typed, _how(body), filled=body.get("values")
        )
        return outcome.as_json()

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
        homes = (*self._state.homes.values(), *self._state.former_homes.values())
        for view in (*self._state.views.values(), *homes):
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

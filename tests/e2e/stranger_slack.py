"""The smallest Slack server that somebody might write to try the bot: four Web API methods, one WebSocket, a
response_url. It shares nothing with the product's own sandbox.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.support.waiting import DEADLINE

BOT_TOKEN, APP_TOKEN = "xoxb-stranger", "xapp-1-stranger"
ADA = "U0ADA"

Json = dict[str, Any]
T = TypeVar("T")


class StrangerSlack:
    """One workspace, one channel, one person. Of two WebSockets the newer one is served, and the older is closed."""

    def __init__(self) -> None:
        self.messages: dict[str, Json] = {}
        """By ts; what came to a response_url, too."""
        self.methods: list[str] = []
        """Every Web API method that was called."""
        self._socket: web.WebSocketResponse | None = None
        self._gone: set[web.WebSocketResponse] = set()
        self._linked = asyncio.Condition()
        """Told when a WebSocket comes, and when one has gone."""
        self._acks: dict[str, asyncio.Future[None]] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(DEADLINE)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(DEADLINE)
        self._loop.close()

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/"

    # ---------------------------------------------------------------- what Ada does and sees

    def type(self, text: str) -> None:
        """Type `/checkpoint …`, and wait for the acknowledgement."""
        self._deliver("slash_commands", {"command": "/checkpoint", "text": text, "user_id": ADA, "team_id": "T0"})

    def press(self, label: str) -> None:
        """Press the newest button of that label."""
        message, button = self._wait(lambda: next(self._buttons(label), None))
        actions = [{"type": "button", "block_id": "b", "action_ts": str(uuid.uuid4()), **button}]
        self._deliver(
            "interactive",
            {
                "type": "block_actions",
                "user": {"id": ADA},
                "team": {"id": "T0"},
                "channel": {"id": "C0"},
                "message": message,
                "actions": actions,
            },
        )

    def wait_for_text(self, *texts: str) -> str:
        """The text of the newest message that says all of `texts`."""

        def look() -> str | None:
            shown = [str(message["text"]) for message in self.messages.values()]
            return next((one for one in reversed(shown) if all(text in one for text in texts)), None)

        return self._wait(look)

    def _wait(self, look: Callable[[], T | None]) -> T:
        with self._changed:
            self._changed.wait_for(lambda: look() is not None, DEADLINE)
            found = look()
        assert found is not None, json.dumps([m["text"] for m in self.messages.values()], indent=1)
        return found

    def _buttons(self, label: str) -> Iterator[tuple[Json, Json]]:
        for message in reversed(self.messages.values()):
            for block in message["blocks"]:
                for element in [*block.get("elements", []), block.get("accessory")]:
                    if element and element.get("type") == "button" and element["text"]["text"] == label:
                        yield message, {"action_id": element["action_id"], "value": element.get("value", "")}

    # ---------------------------------------------------------------- the server

    async def _serve(self) -> None:
        app = web.Application()
        app.router.add_post("/api/{method}", self._method)
        app.router.add_post("/respond", self._respond)
        app.router.add_get("/link", self._link)
        runner = web.AppRunner(app, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._port = runner.addresses[0][1]
        self._ready.set()
        await self._stop.wait()
        await runner.cleanup()

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.methods.append(method)
        is_json = request.content_type == "application/json"
        args = json.loads(await request.text() or "{}") if is_json else dict(await request.post())
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or args.get("token")
        if token != (APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN):
            return web.json_response({"ok": False, "error": "invalid_auth"})
        match method:
            case "auth.test":
                answer: Json = {"ok": True, "team_id": "T0", "user_id": "U0BOT", "bot_id": "B0"}
            case "apps.connections.open":
                answer = {"ok": True, "url": f"ws://127.0.0.1:{self._port}/link"}
            case "users.info":
                answer = {"ok": True, "user": {"id": args["user"], "name": "ada"}}
            case "chat.postMessage" | "chat.update":
                answer = {"ok": True, "channel": "C0", "ts": self._show(args)}
            case _:
                answer = {"ok": False, "error": "unknown_method"}
        return web.json_response(answer)

    async def _respond(self, request: web.Request) -> web.Response:
        self._show(await request.json())
        return web.Response(text="ok")

    def _show(self, args: Json) -> str:
        ts = str(args.get("ts") or f"17.{len(self.messages):06}")
        blocks = args.get("blocks") or []
        blocks = json.loads(blocks) if isinstance(blocks, str) else blocks
        with self._changed:
            self.messages[ts] = {"ts": ts, "text": args.get("text", ""), "blocks": blocks}
            self._changed.notify_all()
        return ts

    async def _link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async with self._linked:
            older, self._socket = self._socket, socket
            self._linked.notify_all()
        if older is not None:
            await older.close()
        await socket.send_json({"type": "hello", "num_connections": 1})
        async for frame in socket:
            if frame.type == web.WSMsgType.TEXT:
                ack = self._acks.pop(json.loads(frame.data).get("envelope_id", ""), None)
                if ack is not None and not ack.done():
                    ack.set_result(None)
        async with self._linked:
            self._gone.add(socket)
            self._linked.notify_all()
        return socket

    def _deliver(self, kind: str, payload: Json) -> None:
        url = f"http://127.0.0.1:{self._port}/respond"
        whole = {"channel_id": "C0", "trigger_id": str(uuid.uuid4()), "response_url": url, **payload}
        self._run(self._send({"type": kind, "envelope_id": str(uuid.uuid4()), "payload": whole}))

    async def _send(self, envelope: Json) -> None:
        """Deliver, over another connection if the first has gone."""
        ack: asyncio.Future[None] = self._loop.create_future()
        self._acks[str(envelope["envelope_id"])] = ack
        async with asyncio.timeout(DEADLINE):
            while not ack.done():
                socket = await self._usable()
                with suppress(ConnectionError):
                    await socket.send_json(envelope)
                gone = asyncio.ensure_future(self._wait_until_gone(socket))
                await asyncio.wait({ack, gone}, return_when=asyncio.FIRST_COMPLETED)
                gone.cancel()

    async def _usable(self) -> web.WebSocketResponse:
        async with self._linked:
            await self._linked.wait_for(lambda: self._socket is not None and self._socket not in self._gone)
            assert self._socket is not None
            return self._socket

    async def _wait_until_gone(self, socket: web.WebSocketResponse) -> None:
        async with self._linked:
            await self._linked.wait_for(lambda: socket in self._gone)

    def _run(self, work: Coroutine[object, object, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE)

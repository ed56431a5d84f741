"""Stands between workspaces and the programs that connect to them, and takes the time from an envelope to its ack.

In a process of its own that does nothing else: a workspace sees an ack only when it is through with all that the
program has posted meanwhile. Run with the number of workspaces. Prints the ports as JSON, and reads as many addresses,
a line each. At the next line, or at the end of input, it prints how long each ack took, in milliseconds, by envelope
and by workspace.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, web

Side = ClientWebSocketResponse | web.WebSocketResponse

EVERYONE = "U0BENCH"
"""How the ids of those begin whose commands are timed."""


class Relay:
    """Of one workspace."""

    def __init__(self) -> None:
        self.address = ""
        self.took: dict[str, float] = {}
        self._sent: dict[str, float] = {}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        app = web.WebSocketResponse(autoping=False)
        await app.prepare(request)
        async with (
            ClientSession() as session,
            session.ws_connect(f"{self.address}{request.path_qs}", autoping=False) as workspace,
        ):
            ways = [
                asyncio.create_task(_pass(workspace, app, self._left)),
                asyncio.create_task(_pass(app, workspace, self._came)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await app.close()
        return app

    def _left(self, text: str, at: float) -> None:
        envelope = json.loads(text)
        if str(envelope.get("payload", {}).get("user_id")).startswith(EVERYONE):
            self._sent[envelope["envelope_id"]] = at

    def _came(self, text: str, at: float) -> None:
        id = json.loads(text).get("envelope_id")
        if id in self._sent:
            self.took[id] = (at - self._sent.pop(id)) * 1000


async def _pass(source: Side, target: Side, look: Callable[[str, float], None]) -> None:
    async for message in source:
        at = time.monotonic()
        if message.type is WSMsgType.TEXT:
            await target.send_str(message.data)
            look(message.data, at)
        elif message.type is WSMsgType.PING:
            await target.ping(message.data)
        elif message.type is WSMsgType.PONG:
            await target.pong(message.data)


async def main(count: int) -> None:
    relays = [Relay() for _ in range(count)]
    ports = []
    for relay in relays:
        application = web.Application()
        application.router.add_get("/link/", relay.handle)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ports.append(runner.addresses[0][1])
    print(json.dumps(ports), flush=True)
    for relay in relays:
        relay.address = (await asyncio.to_thread(sys.stdin.readline)).strip()
    await asyncio.to_thread(sys.stdin.readline)
    print(json.dumps([relay.took for relay in relays]), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))

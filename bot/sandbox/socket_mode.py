"""Socket Mode: connections by ticket, envelopes to one of them, acks, and Slack closing connections as it does.

Shapes from Slack's page on Socket Mode. At most ten connections; each envelope goes to one of them.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

from aiohttp import WSCloseCode, WSMsgType, web

from bot.sandbox.errors import SandboxError
from bot.sandbox.faults import Faults
from bot.sandbox.shapes import Json
from bot.sandbox.state import Event, State

MOST_CONNECTIONS = 10
TICKET_LIFE = 30.0
"""Seconds."""
PING_EVERY = 10.0
"""Seconds; clients that hear no ping for some time reconnect."""

_LINGER = "hh" if sys.platform == "win32" else "ii"
"""How the system's `struct linger` is laid out."""

EnvelopeType = Literal["slash_commands", "interactive", "events_api"]
Disconnect = Literal["warning", "refresh_requested", "link_disabled"]


@dataclass(frozen=True, slots=True)
class Ack:
    """An app's answer to an envelope."""

    payload: Json
    ms: float
    """How long it took, in milliseconds."""


class NoConnection(SandboxError):
    """The app has no open connection."""


@dataclass(eq=False, slots=True)
class Connection:
    host: str
    ws: web.WebSocketResponse
    request: web.Request

    async def send(self, message: Json) -> None:
        await self.ws.send_str(json.dumps(message))

    def reset(self) -> None:
        """Drop it without a close frame, as a broken network does (TCP reset)."""
        transport = self.request.transport
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(_LINGER, 1, 0))
        transport.abort()


class SocketMode:
    """The far end of the app's connections. Lives on the sandbox's own thread."""

    def __init__(self, state: State, faults: Faults, clock: Callable[[], float], random: Random) -> None:
        self._state = state
        self._faults = faults
        self._clock = clock
        self._random = random
        self._tickets: dict[str, float] = {}
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._sent: dict[str, float] = {}
        """When envelopes that are not acknowledged yet were sent."""
        self.connections: list[Connection] = []
        self.link = ""
        """Where apps are sent to connect, as `http://…`, when something stands between."""

    def ticket(self) -> str:
        """The path of a connection that may be opened once, soon."""
        ticket = self._state.ids.secret(32)
        self._tickets[ticket] = self._clock() + TICKET_LIFE
        return f"/link/?ticket={ticket}&app_id={self._state.workspace.app.id}"

    async def deliver(self, kind: EnvelopeType, payload: Json, timeout: float, retry: Json | None = None) -> Ack | None:
        """Send an envelope over one connection and wait for its ack; None when it does not come in time.

        Raises `NoConnection`.
        """
        if not self.connections:
            raise NoConnection("The app holds no connection.")
        envelope_id = self._state.ids.envelope()
        connection = self._random.choice(self.connections)
        ack = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = ack
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload, **(retry or {})}
        answered = payload.get("type") in ("view_submission", "block_suggestion")
        envelope["accepts_response_payload"] = kind == "slash_commands" or answered
        self._state.note("envelope", host=connection.host, **envelope)
        started = self._sent[envelope_id] = asyncio.get_running_loop().time()
        try:
            await connection.send(envelope)
            answer = await asyncio.wait_for(ack, timeout)
        except (TimeoutError, ConnectionError):
            self._state.note("timeout", envelope_id=envelope_id)
            return None
        finally:
            del self._waiting[envelope_id]
        return Ack(answer, (asyncio.get_running_loop().time() - started) * 1000)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route that connections are opened at."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self._faults.refuse_connections:
            raise web.HTTPServiceUnavailable
        if self._clock() > expires:
            raise web.HTTPUnauthorized(text="invalid ticket")
        ws = web.WebSocketResponse(heartbeat=PING_EVERY)
        await ws.prepare(request)
        connection = Connection(f"applink-{self._random.randrange(100)}", ws, request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await connection.send(self._goodbye(connection, "too_many_websockets"))
            await ws.close()
            return ws
        self.connections.append(connection)
        self._count()
        try:
            await connection.send(self._hello(connection))
            async for message in ws:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
        finally:
            self.connections.remove(connection)
            self._count()
        return ws

    async def disconnect(self, reason: Disconnect, connection: Connection | None = None) -> None:
        """Ask the app to reconnect; all but a warning close the connection too. Without one, any is chosen."""
        chosen = connection or self._any()
        await chosen.send(self._goodbye(chosen, reason))
        if reason != "warning":
            await chosen.ws.close(code=WSCloseCode.OK)

    def drop(self) -> None:
        """Reset a connection without a word. Raises `NoConnection`."""
        self._any().reset()

    async def close(self) -> None:
        for connection in list(self.connections):
            await connection.ws.close(code=WSCloseCode.GOING_AWAY)

    def _receive(self, text: str) -> None:
        """An ack, by whichever connection it comes. One that nobody waits for any more is late."""
        envelope_id, payload = _ack(text)
        waiting = self._waiting.get(envelope_id)
        late = waiting is None or waiting.done()
        sent = self._sent.pop(envelope_id, None)
        ms = None if sent is None else (asyncio.get_running_loop().time() - sent) * 1000
        self._state.note("ack", envelope_id=envelope_id, payload=payload, late=late, ms=ms)
        if waiting is not None and not waiting.done():
            waiting.set_result(payload)

    def _any(self) -> Connection:
        if not self.connections:
            raise NoConnection("The app holds no connection.")
        return self._random.choice(self.connections)

    def _hello(self, connection: Connection) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "debug_info": {"host": connection.host, "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._state.workspace.app.id},
        }

    @staticmethod
    def _goodbye(connection: Connection, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": connection.host}}

    def _count(self) -> None:
        count = len(self.connections)
        self._state.note("connections", count=count)
        self._state.announce(Event("connections", {"count": count}))


def _ack(text: str) -> tuple[str, Json]:
    """Envelope id and payload of what an app sent; both empty for what is no ack."""
    try:
        message = json.loads(text)
    except ValueError:
        return "", {}
    if not isinstance(message, dict) or not isinstance(message.get("envelope_id"), str):
        return "", {}
    payload = message.get("payload")
    return message["envelope_id"], payload if isinstance(payload, dict) else {}

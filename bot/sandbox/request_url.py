"""Requests over HTTP, for an app that holds no connection: signed as Slack signs them, one for each envelope.

Shapes from Slack's pages on request signing, slash commands, interactivity and the Events API.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import urlencode

from aiohttp import ClientError, ClientSession, ClientTimeout

from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import Ack, EnvelopeType, NoConnection, SocketMode
from bot.sandbox.state import State

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class RequestUrl:
    """Where the app's requests go. Lives on the sandbox's own thread."""

    def __init__(self, state: State, clock: Callable[[], float], secret: str) -> None:
        self._state = state
        self._clock = clock
        self._secret = secret
        self.url = ""
        """Empty while the app takes them over Socket Mode."""

    async def deliver(self, kind: EnvelopeType, payload: Json, timeout: float, retry: Json | None = None) -> Ack | None:
        """Send a request and wait for its answer; None when it does not come in time.

        Raises `NoConnection` where nobody is there, and for an answer that is no 200.
        """
        body, content_type = _body(kind, payload)
        headers = {"Content-Type": content_type, **self._signed(body), **_again(retry)}
        self._state.note("request", url=self.url, type=kind, headers=headers, body=body.decode())
        started = asyncio.get_running_loop().time()
        try:
            async with (
                ClientSession(timeout=ClientTimeout(total=timeout)) as session,
                session.post(self.url, data=body, headers=headers) as answer,
            ):
                status, text = answer.status, await answer.text()
        except TimeoutError:
            self._state.note("timeout", url=self.url)
            return None
        except ClientError as error:
            raise NoConnection(f"The app does not answer at {self.url}: {type(error).__name__}.") from error
        self._state.note("answer", status=status, body=text)
        if status != 200:
            raise NoConnection(f"The app answered {status}.")
        return Ack(_payload(text), (asyncio.get_running_loop().time() - started) * 1000)

    def _signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self._clock()))
        digest = hmac.new(self._secret.encode(), f"v0:{stamp}:".encode() + body, sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


class Delivery:
    """To the app by whichever way it takes requests."""

    def __init__(self, sockets: SocketMode, http: RequestUrl) -> None:
        self._sockets = sockets
        self._http = http

    async def deliver(self, kind: EnvelopeType, payload: Json, timeout: float, retry: Json | None = None) -> Ack | None:
        """None when the app does not acknowledge in time. Raises `NoConnection`."""
        way = self._http if self._http.url else self._sockets
        return await way.deliver(kind, payload, timeout, retry)


def _body(kind: EnvelopeType, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), JSON
    form = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(form).encode(), FORM


def _again(retry: Json | None) -> dict[str, str]:
    """Of an event that was not acknowledged before."""
    if not retry or not retry["retry_attempt"]:
        return {}
    return {"X-Slack-Retry-Num": str(retry["retry_attempt"]), "X-Slack-Retry-Reason": f"http_{retry['retry_reason']}"}


def _payload(text: str) -> Json:
    """What an answer says: JSON, or the text of a message."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {}

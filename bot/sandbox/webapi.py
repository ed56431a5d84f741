"""The Web API: reads a request as Slack does, lets it in or refuses it, and answers with `ok`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

import bot.sandbox.methods  # noqa: F401 - fills the table
from bot.sandbox.calls import METHODS, Call, Method, TokenKind
from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.faults import Faults
from bot.sandbox.pace import Pace
from bot.sandbox.shapes import Json
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.state import State

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass
class WebApi:
    """Answers `/api/<method>`."""

    state: State
    sockets: SocketMode
    events: Events
    faults: Faults
    pace: Pace
    clock: Callable[[], float]
    tokens: Mapping[str, TokenKind]
    base: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        begun = self.clock()
        fault = self.faults.take(name)
        if fault is not None:
            await asyncio.sleep(fault.delay)
        if fault is not None and fault.cut == "before":
            return _cut(request)
        args: Json = {}
        try:
            method = _find(name)
            args = await _arguments(request, method)
            token = self._token(request, args)
            if fault is not None:
                fault.refuse()
            answer = {"ok": True, **self._call(method, token, args)}
        except SlackError as refused:
            self.state.note("web_api", method=name, args=args, ok=False, error=refused.code, ms=self._since(begun))
            return self._refusal(refused)
        self.state.note("web_api", method=name, args=args, ok=True, error=None, ms=self._since(begun))
        if fault is not None and fault.cut == "after":
            return _cut(request)
        return web.json_response(answer, headers=self._headers(method, token))

    def _since(self, begun: float) -> float:
        """Milliseconds."""
        return (self.clock() - begun) * 1000

    def _call(self, method: Method, token: TokenKind, args: Json) -> Json:
        if token not in method.tokens:
            raise SlackError("not_allowed_token_type")
        call = Call(
            args,
            frozenset(self._scopes(token)),
            token,
            self.state,
            self.sockets,
            self.events,
            self.pace,
            self.clock(),
            self.base,
        )
        if method.scopes:
            call.require(*method.scopes)
        return method.run(call)

    def _token(self, request: web.Request, args: Json) -> TokenKind:
        """The kind of the caller's token: of the Authorization header, or of the argument `token`."""
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        argument = args.pop("token", None)
        token = given.strip() if scheme.lower() == "bearer" and given.strip() else argument
        if not token:
            raise SlackError("not_authed")
        if token not in self.tokens:
            raise SlackError("invalid_auth")
        return self.tokens[token]

    def _scopes(self, token: TokenKind) -> tuple[str, ...]:
        return self.state.workspace.app.scopes if token == "bot" else ("connections:write",)  # noqa: S105 - a kind

    def _headers(self, method: Method, token: TokenKind) -> dict[str, str]:
        return {"X-OAuth-Scopes": ",".join(self._scopes(token)), "X-Accepted-OAuth-Scopes": ",".join(method.scopes)}

    @staticmethod
    def _refusal(refused: SlackError) -> web.Response:
        if refused.status >= 500:
            return web.Response(status=refused.status, text="Something went wrong.", headers=refused.headers)
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)


def _find(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method", extra={"req_method": name})
    return METHODS[name]


async def _arguments(request: web.Request, method: Method) -> Json:
    """From the query and the body. An empty body is no body, whatever its type says."""
    args: Json = dict(request.query)
    if request.content_type in _FORMS:
        form = await request.post()
        return {**args, **{name: value for name, value in form.items() if isinstance(value, str)}}
    body = await request.read()
    if not body or request.content_type == "text/plain":
        return args
    if request.content_type != "application/json":
        raise SlackError("invalid_post_type")
    return {**args, **(_json(body) if method.takes_json else {})}


def _json(body: bytes) -> Json:
    try:
        value = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(value, dict):
        raise SlackError("json_not_object")
    return value


def _cut(request: web.Request) -> web.StreamResponse:
    """No answer at all: the connection is gone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()

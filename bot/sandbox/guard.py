"""Lets only pages and programs of this machine in: other sites in the person's browser must not reach the sandbox."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

GONE = 499
"""The status of an answer that nobody hears, as nginx has it."""

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses a Host that is not loopback (DNS rebinding) and an Origin that is not this server's (CSRF)."""
    host = request.headers.get("Host", "")
    if _name(f"//{host}") not in LOOPBACK:
        raise web.HTTPForbidden(text="The sandbox answers on this machine only.")
    origin = request.headers.get("Origin")
    if origin is not None and origin != f"http://{host}":
        raise web.HTTPForbidden(text="The sandbox answers its own page only.")
    return await handler(request)


@web.middleware
async def while_it_is_heard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Ends quietly when who asked is gone: a page that is closed is no error."""
    try:
        return await handler(request)
    except ConnectionError:
        return web.Response(status=GONE)


async def add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    """Nothing from outside, nothing inline, nothing framed; for every answer."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)


def _name(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None

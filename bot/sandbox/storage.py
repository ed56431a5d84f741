"""Files: taken at the address that an upload was given, and served to who brings the app's token.

Without one, Slack leads to its page for signing in. The page of the sandbox has a way of its own, under `/sandbox/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from aiohttp import BodyPartReader, web

from bot.sandbox.calls import TokenKind
from bot.sandbox.state import State, StoredFile

LARGEST_UPLOAD = 20 * 1024 * 1024
SCOPES = frozenset({"files:read", "files:write"})
"""One of these reads what the app has uploaded."""


class Storage:
    """Handlers of uploads and downloads."""

    def __init__(self, state: State, tokens: Mapping[str, TokenKind]) -> None:
        self._state = state
        self._tokens = tokens

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/upload/v1/{secret}", self._upload)
        for path in ("/files-pri/{key}/{name}", "/files-pri/{key}/download/{name}"):
            app.router.add_get(path, self._private)
        app.router.add_get("/sandbox/files/{id}", self._for_the_page)
        app.router.add_get("/signin", _sign_in)

    async def _upload(self, request: web.Request) -> web.Response:
        file_id = self._state.uploads.pop(request.match_info["secret"], None)
        if file_id is None:
            return web.Response(status=404, text="not found")
        stored = self._state.files[file_id]
        stored.content = await _uploaded(request)
        stored.received = True
        return web.Response(text=f"OK - {len(stored.content)}")

    async def _private(self, request: web.Request) -> web.Response:
        if not self._may_read(request):
            raise web.HTTPFound(f"/signin?redir={quote(request.path, safe='')}")
        return _content(self._find(request.match_info["key"].rpartition("-")[2]))

    async def _for_the_page(self, request: web.Request) -> web.Response:
        return _content(self._find(request.match_info["id"]))

    def _may_read(self, request: web.Request) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self._tokens.get(token.strip()) == "bot"
        return known and not SCOPES.isdisjoint(self._state.workspace.app.scopes)

    def _find(self, file_id: str) -> StoredFile:
        stored = self._state.files.get(file_id)
        if stored is None or not stored.received:
            raise web.HTTPNotFound
        return stored


def _content(stored: StoredFile) -> web.Response:
    if stored.content.startswith(b"\x89PNG\r\n"):
        return web.Response(body=stored.content, content_type="image/png")
    safe = "".join(letter for letter in stored.name if letter.isalnum() or letter in "._-")
    headers = {"Content-Disposition": f'attachment; filename="{safe}"'}
    return web.Response(body=stored.content, content_type="application/octet-stream", headers=headers)


async def _sign_in(_request: web.Request) -> web.Response:
    page = "<!doctype html><title>Sign in</title><p>This file is private. Send the app's token to read it.</p>"
    return web.Response(text=page, content_type="text/html", status=403)


async def _uploaded(request: web.Request) -> bytes:
    """The file: the body as it is, or the first part of a form."""
    if request.content_type != "multipart/form-data":
        return await request.read()
    part = await (await request.multipart()).next()
    return bytes(await part.read()) if isinstance(part, BodyPartReader) else b""

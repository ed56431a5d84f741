"""response_url: an app's short-lived way back to the person, with Slack's rules.

Five uses within 30 minutes; `replace_original` and `delete_original` reach only the message whose button was pressed,
never one that a slash command's own response_url posted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from aiohttp import web

from bot.sandbox.composing import compose
from bot.sandbox.errors import SlackError
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json
from bot.sandbox.state import Hook, State

LIFE = 1800.0
"""Seconds."""


class ResponseUrls:
    def __init__(self, state: State, clock: Callable[[], float]) -> None:
        self._state = state
        self._clock = clock
        self.base = ""

    def make(self, kind: Literal["commands", "actions"], channel: str, user: str, source: Message | None = None) -> str:
        """The URL for one interaction."""
        path = f"{kind}/{self._state.workspace.team.id}/{self._state.ids.secret(32)}"
        url = f"{self.base}/hooks/{path}"
        self._state.add_hook(path, Hook(kind, channel, user, self._clock() + LIFE, url, source=source))
        return url

    async def handle(self, request: web.Request) -> web.Response:
        path = request.match_info["path"]
        try:
            content = await _content(request)
            self._use(path)
            self.respond(self._state.hooks[path], content)
        except SlackError as refused:
            self._state.note("response_url", ok=False, error=refused.code)
            status = 404 if refused.code in ("used_url", "expired_url") else 400
            return web.json_response(refused.body, status=status)
        self._state.note("response_url", ok=True, error=None, content=content)
        return web.json_response({"ok": True})

    def respond(self, hook: Hook, content: Json) -> None:
        """Do what an app answered, by the URL or in the ack of its command. Raises `SlackError`."""
        present = self._present(hook.source)
        if present is not None and content.get("delete_original"):
            self._state.delete(present)
        elif present is not None and content.get("replace_original"):
            new = self._compose(hook, content, ts=present.ts, ephemeral_to=present.ephemeral_to)
            message = replace(
                present, text=new.text, blocks=new.blocks, attachments=new.attachments, answers=new.answers
            )
            self._state.update(message, edited=present.ephemeral_to is None)
        elif content.get("response_type") == "in_channel":
            self._state.post(self._compose(hook, content))
        else:
            self._state.post(self._compose(hook, content, ephemeral_to=hook.user))

    def _use(self, path: str) -> None:
        hook = self._state.hooks.get(path)
        if hook is None or self._clock() > hook.expires:
            raise SlackError("expired_url")
        if hook.uses_left == 0:
            raise SlackError("used_url")
        hook.uses_left -= 1

    def _present(self, source: Message | None) -> Message | None:
        return self._state.messages.get((source.channel, source.ts)) if source else None

    def _compose(self, hook: Hook, content: Json, *, ts: str = "", ephemeral_to: str | None = None) -> Message:
        ids, bot = self._state.ids, self._state.workspace.app.bot_user_id
        ts = ts or ids.ts()
        message = compose(ids, content, channel=hook.channel, ts=ts, user=bot, ephemeral_to=ephemeral_to)
        return replace(message, answers=hook.url)


async def _content(request: web.Request) -> Json:
    try:
        content = await request.json()
    except ValueError:
        raise SlackError("invalid_payload") from None
    if not isinstance(content, dict):
        raise SlackError("invalid_payload")
    return content

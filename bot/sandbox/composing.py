"""From what an app sends to a message or a view, as Slack fills it up: ids for blocks, defaults for text objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence

from bot.sandbox.errors import SlackError, check
from bot.sandbox.ids import Ids
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json, objects
from bot.slack.render.limits import TEXT_KEPT, refused_content

_DEFAULTS = {"plain_text": ("emoji", True), "mrkdwn": ("verbatim", False)}


def compose(ids: Ids, content: Json, *, channel: str, ts: str, user: str, ephemeral_to: str | None = None) -> Message:
    """The app's message from the arguments of a method, a response_url or an ack. Raises `SlackError`."""
    text, blocks = _text_and_blocks(content)
    attachments = parts(content, "attachments", "invalid_attachments")
    check(refused_content(text, blocks, attachments))
    return Message(
        channel,
        ts,
        user,
        (text or "")[:TEXT_KEPT],
        fill(ids, blocks or ()),
        tuple(attachments or ()),
        thread_ts=content.get("thread_ts") or None,
        from_app=True,
        ephemeral_to=ephemeral_to,
    )


def parts(content: Json, name: str, error: str) -> list[Json] | None:
    """A list that may have come as JSON text, as it does in forms. Raises `SlackError`."""
    value = content.get(name)
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise SlackError(error) from None
    if value in (None, ""):
        return None
    if not isinstance(value, list):
        raise SlackError(error)
    return value


def fill(ids: Ids, blocks: Sequence[Json]) -> tuple[Json, ...]:
    """Blocks as Slack stores them: each with a block_id, each pressable element with an action_id."""
    filled = copy.deepcopy(list(blocks))
    for block in filled:
        block.setdefault("block_id", ids.block_id())
    for part in objects(filled):
        if part.get("type") in _DEFAULTS and "text" in part:
            part.setdefault(*_DEFAULTS[part["type"]])
        if part.get("type") in ("button", "overflow"):
            part.setdefault("action_id", ids.block_id())
    return tuple(filled)


def _text_and_blocks(content: Json) -> tuple[str | None, list[Json] | None]:
    text = content.get("text")
    blocks = parts(content, "blocks", "invalid_blocks_format")
    markdown = content.get("markdown_text")
    if not markdown:
        return (text if isinstance(text, str) else None), blocks
    if text or blocks:
        raise SlackError("markdown_text_conflict")
    return str(markdown), [{"type": "markdown", "text": str(markdown)}]

"""From what an app sends to a message or a view, as Slack fills it up: ids for blocks, defaults for text objects."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence

from bot.sandbox.errors import SlackError, check
from bot.sandbox.ids import Ids
from bot.sandbox.messages import Message
from bot.sandbox.shapes import Json, objects
from bot.slack.render.limits import TEXT_KEPT, refused_content, refused_metadata
from bot.slack.render.limits.elements import CONTEXT_ACTIONS, IN_ACTIONS, IN_INPUTS, UPLOAD

INTERACTIVE = frozenset(IN_ACTIONS | IN_INPUTS | UPLOAD | CONTEXT_ACTIONS)
"""The types of elements that have an action_id."""

_DEFAULTS = {"plain_text": ("emoji", True), "mrkdwn": ("verbatim", False)}


def compose(
    ids: Ids,
    content: Json,
    *,
    channel: str,
    ts: str,
    user: str,
    ephemeral_to: str | None = None,
    customized: bool = False,
) -> Message:
    """The app's message from the arguments of a method, a response_url or an ack. Raises `SlackError`.

    Only `customized` ones may go under another name; without the scope for that, Slack passes over it.
    """
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
        broadcast=is_true(content.get("reply_broadcast")),
        from_app=True,
        ephemeral_to=ephemeral_to,
        username=(content.get("username") or None) if customized else None,
        icons=_icons(content) if customized else {},
        metadata=_metadata(content),
    )


def is_true(value: object) -> bool:
    """A flag as forms and JSON write it."""
    return value in (True, 1, "1", "true", "True")


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
    filled = [with_defaults(block) for block in blocks]
    for block in filled:
        block.setdefault("block_id", ids.block_id())
    for part in objects(filled):
        for child in part.get("child_blocks", ()):
            child.setdefault("block_id", ids.block_id())
        if part.get("type") in INTERACTIVE:
            part.setdefault("action_id", ids.block_id())
    return tuple(filled)


def with_defaults(whole: Json) -> Json:
    """A copy with the flags of text objects that were left out."""
    filled = copy.deepcopy(whole)
    for part in objects(filled):
        if part.get("type") in _DEFAULTS and isinstance(part.get("text"), str):
            part.setdefault(*_DEFAULTS[part["type"]])
    return filled


def _icons(content: Json) -> Json:
    if content.get("icon_emoji"):
        return {"emoji": str(content["icon_emoji"])}
    return {"image_48": str(content["icon_url"])} if content.get("icon_url") else {}


def _metadata(content: Json) -> Json | None:
    """Raises `SlackError` invalid_metadata_format, invalid_metadata_schema, metadata_too_large."""
    value = content.get("metadata")
    if isinstance(value, str) and value:
        try:
            value = json.loads(value)
        except ValueError:
            raise SlackError("invalid_metadata_format") from None
    if value in (None, ""):
        return None
    if not isinstance(value, dict):
        raise SlackError("invalid_metadata_format")
    check(refused_metadata(value))
    return value


def _text_and_blocks(content: Json) -> tuple[str | None, list[Json] | None]:
    text = content.get("text")
    blocks = parts(content, "blocks", "invalid_blocks_format")
    markdown = content.get("markdown_text")
    if not markdown:
        return (text if isinstance(text, str) else None), blocks
    if text or blocks:
        raise SlackError("markdown_text_conflict")
    return str(markdown), [{"type": "markdown", "text": str(markdown)}]

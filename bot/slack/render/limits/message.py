"""What Slack refuses in a message: blocks, attachments and metadata that do not fit, with its own codes.

The cumulative cap on blocks is undocumented and was reported with slackapi/bolt-js issue 2509.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.slack.render.limits.blocks import SURFACES
from bot.slack.render.limits.charts import CHARTS_TOGETHER
from bot.slack.render.limits.refused import Refused
from bot.slack.render.limits.schema import array, objects, shape, typed
from bot.slack.render.limits.tables import CELLS_TOGETHER, cells_together
from bot.slack.render.limits.unique import check_ids
from bot.slack.render.limits.values import Json, Problem, Problems, anything, string

TEXT_KEPT = 40_000
"""Characters of `text` that a new message keeps; Slack cuts the rest off."""
TEXT_AT_UPDATE = 4_000
"""Characters of `text` that chat.update takes."""
BLOCKS_TOGETHER = 13_200
"""Characters in all blocks of a message together."""
MARKDOWN_TOGETHER = 12_000
MESSAGE_BLOCKS = 50
ATTACHMENTS = 100
METADATA_BYTES = 16_384
"""Of the JSON of a message's metadata. Slack publishes no figure; this one is the sandbox's own."""


def refused_content(
    text: str | None, blocks: Sequence[object] | None, attachments: Sequence[object] | None
) -> Refused | None:
    """Why Slack refuses a message of these parts; None when it takes it. A message must say something."""
    if not (text or "").strip() and not blocks and not attachments:
        return Refused("no_text")
    if attachments:
        refused = refused_attachments(attachments)
        if refused is not None:
            return refused
    if blocks:
        refused = refused_blocks(blocks)
        if refused is not None:
            return refused
    inner = [block for one in attachments or () if isinstance(one, dict) for block in one.get("blocks") or ()]
    return _refused_tables([*(blocks or ()), *inner])


def refused_blocks(blocks: Sequence[object]) -> Refused | None:
    """Why Slack refuses these blocks in a message: invalid_blocks, invalid_attachments, msg_blocks_too_long."""
    problems = block_problems(blocks, "/blocks")
    if problems:
        return Refused("invalid_blocks", tuple(problems))
    known = [block for block in blocks if isinstance(block, dict)]
    refused = _refused_tables(known)
    if refused is not None:
        return refused
    if sum(len(block["text"]) for block in known if block["type"] == "markdown") > MARKDOWN_TOGETHER:
        return Refused("msg_blocks_too_long")
    prose = [block for block in known if block["type"] != "data_table"]  # it may hold 20,000 by itself
    if sum(len(part["text"]) for part in objects(prose) if isinstance(part.get("text"), str)) > BLOCKS_TOGETHER:
        return Refused("msg_blocks_too_long")
    return None


def _refused_tables(blocks: Sequence[object]) -> Refused | None:
    """A message has one table at most, in whatever part of it."""
    if sum(part.get("type") in CELLS_TOGETHER for part in objects(list(blocks))) > 1:
        return Refused("invalid_attachments", (Problem("", "only_one_table_allowed"),))
    return None


def block_problems(blocks: object, pointer: str) -> Problems:
    """What is wrong with the blocks of a message, one by one and together."""
    problems = Problems()
    array(typed(SURFACES["message"]), MESSAGE_BLOCKS, least=0)(blocks, pointer, problems)
    if not isinstance(blocks, list):
        return problems
    known = [block for block in blocks if isinstance(block, dict)]
    check_ids(known, pointer, problems)
    for kind, most in CELLS_TOGETHER.items():
        if cells_together(known, kind) > most:
            problems.at(pointer, f"all cells together must be less than {most + 1} characters")
    if sum(block.get("type") == "data_visualization" for block in known) > CHARTS_TOGETHER:
        problems.at(pointer, f"no more than {CHARTS_TOGETHER} data_visualization blocks allowed")
    return problems


def refused_attachments(attachments: Sequence[object]) -> Refused | None:
    """Why Slack refuses these attachments: too_many_attachments, invalid_attachments."""
    if len(attachments) > ATTACHMENTS:
        return Refused("too_many_attachments")
    problems = Problems()
    for position, one in enumerate(attachments):
        pointer = f"/attachments/{position}"
        if not isinstance(one, dict):
            problems.at(pointer, "must provide an object")
        elif one.get("blocks"):
            problems.extend(block_problems(one["blocks"], f"{pointer}/blocks"))
    return Refused("invalid_attachments", tuple(problems)) if problems else None


def refused_metadata(metadata: Json) -> Refused | None:
    """Why Slack refuses this metadata: invalid_metadata_schema, metadata_too_large. An empty object takes it away."""
    problems = Problems()
    if metadata:
        _METADATA(metadata, "/metadata", problems)
    if problems:
        return Refused("invalid_metadata_schema", tuple(problems))
    return Refused("metadata_too_large") if len(json.dumps(metadata).encode()) > METADATA_BYTES else None


def _payload(value: object, pointer: str, problems: Problems) -> None:
    if not isinstance(value, dict):
        problems.at(pointer, "must provide an object")


_METADATA = shape({"event_type": string(), "event_payload": _payload}, {"entities": anything})

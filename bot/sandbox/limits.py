"""What Slack refuses: messages, views and rates that go beyond its limits, with Slack's own codes.

Sources: Slack's Web API and Block Kit references; the cumulative cap on blocks is undocumented and was reported with
slackapi/bolt-js issue 2509.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bot.sandbox.blockkit import SURFACES, plain
from bot.sandbox.errors import SlackError
from bot.sandbox.schema import Problems, anything, array, boolean, one_of, shape, string, typed
from bot.sandbox.shapes import Json, objects

TEXT_KEPT = 40_000
"""Characters of `text` that a new message keeps; Slack cuts the rest off."""
TEXT_AT_UPDATE = 4_000
"""Characters of `text` that chat.update takes."""
BLOCKS_TOGETHER = 13_200
"""Characters in all blocks of a message together."""
MARKDOWN_TOGETHER = 12_000
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100
VIEW_BYTES = 250_000
ATTACHMENTS = 100

_TS = re.compile(r"\d{1,11}\.\d{6}\Z")


def check_ts(ts: str | None) -> str:
    """A message's ts as Slack writes it (`1700000000.000100`). Raises `SlackError` message_not_found for others."""
    if ts is None or not _TS.match(ts):
        raise SlackError("message_not_found")
    return ts


def check_content(text: str | None, blocks: list[Json] | None, attachments: list[Json] | None) -> None:
    """A message must say something, in blocks that fit. Raises `SlackError`."""
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    if attachments is not None and len(attachments) > ATTACHMENTS:
        raise SlackError("too_many_attachments")
    if blocks:
        check_blocks(blocks)


def check_blocks(blocks: Sequence[object]) -> None:
    """Blocks of a message. Raises `SlackError`: invalid_blocks, invalid_attachments, msg_blocks_too_long."""
    problems = block_problems(blocks, "message", MESSAGE_BLOCKS, "/blocks")
    if problems:
        raise SlackError("invalid_blocks", messages=problems)
    known = [block for block in blocks if isinstance(block, dict)]
    if sum(block["type"] == "table" for block in known) > 1:
        raise SlackError("invalid_attachments", messages=["only_one_table_allowed"])
    if sum(len(block["text"]) for block in known if block["type"] == "markdown") > MARKDOWN_TOGETHER:
        raise SlackError("msg_blocks_too_long")
    if sum(len(part["text"]) for part in objects(known) if isinstance(part.get("text"), str)) > BLOCKS_TOGETHER:
        raise SlackError("msg_blocks_too_long")


def block_problems(blocks: object, surface: str, most: int, pointer: str) -> Problems:
    """What is wrong with the blocks of a message, a modal or a Home tab."""
    problems = Problems()
    array(typed(SURFACES[surface]), most, least=0)(blocks, pointer, problems)
    if isinstance(blocks, list):
        _check_ids([block for block in blocks if isinstance(block, dict)], pointer, problems)
    return problems


def check_view(view: Json) -> None:
    """A modal or a Home tab. Raises `SlackError`: invalid_arguments, view_too_large."""
    problems = Problems()
    _VIEW(view, "/view", problems)
    if "blocks" in view:
        surface = "home" if view.get("type") == "home" else "modal"
        problems.extend(block_problems(view["blocks"], surface, VIEW_BLOCKS, "/view/blocks"))
        if view.get("type") == "modal" and _has_inputs(view["blocks"]) and not view.get("submit"):
            problems.at("/view", "missing required field: submit")
    if problems:
        raise SlackError("invalid_arguments", messages=problems)
    if len(json.dumps(view).encode()) > VIEW_BYTES:
        raise SlackError("view_too_large")


@dataclass
class Pace:
    """About one message per second and channel, with short bursts, as chat.postMessage allows."""

    clock: Callable[[], float]
    on: bool = False
    per_second: float = 1.0
    burst: float = 3.0
    _level: dict[str, tuple[float, float]] = field(default_factory=dict, init=False)

    def take(self, channel: str) -> None:
        """Count one message. Raises `SlackError` ratelimited (HTTP 429 with Retry-After in seconds)."""
        if not self.on:
            return
        now = self.clock()
        left, seen = self._level.get(channel, (self.burst, now))
        left = min(self.burst, left + (now - seen) * self.per_second)
        if left < 1:
            self._level[channel] = (left, now)
            raise rate_limited(math.ceil((1 - left) / self.per_second))
        self._level[channel] = (left - 1, now)


def rate_limited(seconds: int) -> SlackError:
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(seconds)})


_VIEW_FIELDS = {
    "title": plain(24),
    "submit": plain(24),
    "close": plain(24),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}
_VIEW = shape(
    {"type": one_of("modal", "home"), "blocks": anything},
    {
        **_VIEW_FIELDS,
        "callback_id": string(255, shortest=0),
        "external_id": string(255, shortest=0),
        "private_metadata": string(3000, shortest=0),
    },
)


def _check_ids(blocks: Sequence[Json], pointer: str, problems: Problems) -> None:
    """block_id is unique in a message or view, action_id in a block."""
    for repeated in _repeated(block.get("block_id") for block in blocks):
        problems.at(pointer, f"`block_id` needs to be unique: {repeated}")
    for position, block in enumerate(blocks):
        for repeated in _repeated(part.get("action_id") for part in objects(block.get("elements"))):
            problems.at(f"{pointer}/{position}/elements", f"`action_id` needs to be unique: {repeated}")


def _repeated(ids: Iterable[object]) -> list[str]:
    counts = Counter(one for one in ids if isinstance(one, str))
    return [one for one, times in counts.items() if times > 1]


def _has_inputs(blocks: object) -> bool:
    return isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)

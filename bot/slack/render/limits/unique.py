"""What may stand only once: the ids of blocks in a message or view, those of elements in a block, a view's focus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bot.slack.render.limits.schema import objects
from bot.slack.render.limits.values import Json, Problems


def check_ids(blocks: Sequence[Json], pointer: str, problems: Problems) -> None:
    """block_id is unique in a message or view, action_id in a block."""
    every = [*blocks, *(child for block in blocks for child in _children(block))]
    for repeated in _repeated(block.get("block_id") for block in every):
        problems.at(pointer, f"`block_id` needs to be unique: {repeated}")
    for position, block in enumerate(blocks):
        parts = [block.get("elements"), block.get("rows"), block.get("actions")]
        for repeated in _repeated(part.get("action_id") for part in objects(parts)):
            problems.at(f"{pointer}/{position}/elements", f"`action_id` needs to be unique: {repeated}")


def check_focus(blocks: Sequence[Json], pointer: str, problems: Problems) -> None:
    """The focus of a view is on one element at most."""
    if sum(part.get("focus_on_load") is True for part in objects(list(blocks))) > 1:
        problems.at(pointer, "`focus_on_load` can be set on only one element")


def _children(block: Json) -> list[Json]:
    children = block.get("child_blocks")
    return [one for one in children if isinstance(one, dict)] if isinstance(children, list) else []


def _repeated(ids: Iterable[object]) -> list[str]:
    counts = Counter(one for one in ids if isinstance(one, str))
    return [one for one, times in counts.items() if times > 1]

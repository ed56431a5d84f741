"""What Slack refuses in a modal or a Home tab."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.slack.render.limits.blocks import SURFACES
from bot.slack.render.limits.composition import plain
from bot.slack.render.limits.refused import Refused
from bot.slack.render.limits.schema import array, nullable, shape, typed
from bot.slack.render.limits.tables import CELLS_TOGETHER, cells_together
from bot.slack.render.limits.unique import check_focus, check_ids
from bot.slack.render.limits.values import Check, Json, Problems, boolean, one_of, string

VIEW_BLOCKS = 100
VIEW_BYTES = 250_000

_NAMED: dict[str, Check] = {
    "callback_id": string(255, shortest=0),
    "external_id": string(255, shortest=0),
    "private_metadata": string(3000, shortest=0),
}
_BUTTONS: dict[str, Check] = {
    "close": nullable(plain(24)),
    "submit": nullable(plain(24)),
    "clear_on_close": boolean,
    "notify_on_close": boolean,
    "submit_disabled": boolean,
}


def refused_view(view: Json) -> Refused | None:
    """Why Slack refuses this view: invalid_arguments, view_too_large; None when it takes it."""
    problems = view_problems(view)
    if problems:
        return Refused("invalid_arguments", tuple(problems))
    return Refused("view_too_large") if len(json.dumps(view).encode()) > VIEW_BYTES else None


def view_problems(view: Json, pointer: str = "/view") -> Problems:
    problems = Problems()
    surface = "home" if view.get("type") == "home" else "modal"
    _SHAPES[surface](view, pointer, problems)
    blocks = view.get("blocks")
    if not isinstance(blocks, list):
        return problems
    known = [block for block in blocks if isinstance(block, dict)]
    check_ids(known, f"{pointer}/blocks", problems)
    check_focus(known, f"{pointer}/blocks", problems)
    for kind, most in CELLS_TOGETHER.items():
        if cells_together(known, kind) > most:
            problems.at(f"{pointer}/blocks", f"all cells together must be less than {most + 1} characters")
    if surface == "modal" and not view.get("submit"):
        for position, block in enumerate(known):
            if block.get("type") == "input":
                problems.at(
                    f"{pointer}/blocks/{position}/input", "must define `submit` to use an `input` block in modals"
                )
    return problems


def _shape(surface: str, required: Mapping[str, Check], extra: Mapping[str, Check]) -> Check:
    blocks = array(typed(SURFACES[surface]), VIEW_BLOCKS, least=0)
    return shape({"type": one_of(surface), "blocks": blocks, **required}, {**_NAMED, **extra})


_SHAPES = {
    "modal": _shape("modal", {"title": plain(24)}, _BUTTONS),
    "home": _shape("home", {}, {"title": plain(24), **_BUTTONS}),
}

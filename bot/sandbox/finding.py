"""Finding what a person presses or chooses from, and judging the options that an app gives."""

from __future__ import annotations

from bot.sandbox.errors import SandboxError
from bot.sandbox.payloads import Value
from bot.sandbox.shapes import Json
from bot.slack.render.limits import Problems
from bot.slack.render.limits.composition import OPTION, OPTION_GROUP
from bot.slack.render.limits.schema import array


def are_options(ack: Json) -> bool:
    """Whether an app gave options that a menu takes."""
    problems = Problems()
    if "option_groups" in ack:
        array(OPTION_GROUP, 100, least=0)(ack["option_groups"], "/option_groups", problems)
    else:
        array(OPTION, 100, least=0)(ack.get("options"), "/options", problems)
    return not problems


def find(
    found: list[tuple[str, Json]], action_id: str, block_id: str | None, value: Value, *, forged: bool
) -> tuple[str, Json]:
    """The one element that is meant, with its block. Raises `SandboxError`."""
    fits = [(b, e) for b, e in found if e["action_id"] == action_id and block_id in (None, b)]
    exact = [(b, e) for b, e in fits if value is not None and value in _values(e)]
    chosen = exact or fits
    if not chosen and forged:
        return block_id or "forged", {"type": "button", "action_id": action_id, "value": value}
    if len(chosen) != 1:
        there = ", ".join(f"{e['action_id']} in {b}" for b, e in found) or "nothing"
        raise SandboxError(f"{len(chosen)} elements fit {action_id}. There is {there}.")
    if value is not None and not exact and not forged and chosen[0][1]["type"] in ("button", "overflow"):
        raise SandboxError(f"{action_id} does not carry the value {value}.")
    return chosen[0]


def _values(element: Json) -> list[object]:
    groups = [element.get("options", []), *(group["options"] for group in element.get("option_groups", []))]
    return [element.get("value"), *(option["value"] for group in groups for option in group)]

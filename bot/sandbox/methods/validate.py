"""blocks.validate: what is wrong with blocks, a message or a view, without sending it."""

from __future__ import annotations

import json

from bot.sandbox.calls import Call, method
from bot.sandbox.errors import SlackError
from bot.sandbox.shapes import Json
from bot.slack.render.limits import Problem, Problems, block_problems, view_problems

_CONSTRAINTS = {
    "must be less than ": "max_length",
    "must be more than ": "min_length",
    "no more than ": "max_items",
    "no less than ": "min_items",
    "must be a valid enum value": "enum",
    "missing required field": "required",
}


@method("blocks.validate")
def blocks_validate(call: Call) -> Json:
    """Exactly one of `blocks`, `message`, `view`; bare blocks are looked at as those of a message."""
    given = [name for name in ("blocks", "message", "view") if call.args.get(name) not in (None, "")]
    if len(given) != 1:
        raise SlackError("invalid_arguments", messages=["must define exactly one of `blocks`, `message` or `view`"])
    value = _parsed(call.args[given[0]])
    problems = _problems(given[0], value)
    if problems:
        raise SlackError(f"invalid_{given[0]}", extra={"errors": [_shown(problem) for problem in problems]})
    return {}


def _problems(kind: str, value: object) -> Problems:
    if kind == "blocks":
        return block_problems(value, "/blocks")
    if not isinstance(value, dict):
        return Problems([Problem(f"/{kind}", "must provide an object")])
    if kind == "view":
        return view_problems(value)
    return block_problems(value["blocks"], "/message/blocks") if "blocks" in value else Problems()


def _parsed(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise SlackError("invalid_arguments", messages=["must be valid JSON"]) from None


def _shown(problem: Problem) -> Json:
    constraint = next((name for start, name in _CONSTRAINTS.items() if problem.message.startswith(start)), None)
    named = {"constraint": constraint} if constraint else {}
    known = {"pointer": problem.pointer, "code": "failed_constraint", "message": problem.message}
    return {**known, **named, "field": problem.pointer.rpartition("/")[2]}

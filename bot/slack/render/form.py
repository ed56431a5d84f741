"""A `Form` as a modal: pure, within Slack's limits, and with no way for a name to become markup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from bot.dispatch.views import Alert, Choice, Conversation, Day, Field, Form, Option, Search, Several, Text
from bot.slack.render.blocks import clean, paragraph
from bot.slack.render.newer import MAX_OPTION, MAX_OPTION_VALUE, Block, plain
from commands.base import Paragraph

VERSION = 1
"""Of what a form brings back: another version's is not read."""

MAX_TITLE, MAX_HINT, MAX_ALERT, MAX_LABEL, MAX_OPTIONS = 24, 2000, 200, 2000, 100
MAX_INITIAL, MAX_MEMORY = 3000, 3000


def modal(form: Form, *, alerts: bool = True) -> Block:
    """The view. Without `alerts` it is for a server that does not know that block."""
    return {
        "type": "modal",
        "callback_id": form.kind,
        "private_metadata": _metadata(form.memory),
        "title": plain(_short(form.title, MAX_TITLE)),
        "submit": plain(_short(form.submit, MAX_TITLE)),
        "close": plain("Cancel"),
        "blocks": [block for number, part in enumerate(form.parts) for block in _blocks(part, number, alerts=alerts)],
    }


def memory_of(private_metadata: str) -> Mapping[str, str] | None:
    """What a form brings back; None for one of another version, or of somebody else's making."""
    try:
        found = json.loads(private_metadata)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.pop("v", None) != VERSION:
        return None
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _metadata(memory: Mapping[str, str]) -> str:
    """What a form brings back. Of a longer one than Slack takes the longest value, which is a note, is shortened: the
    others are ids."""
    text = json.dumps({"v": VERSION, **memory}, ensure_ascii=False)
    if len(text) <= MAX_MEMORY:
        return text
    longest = max(memory, key=lambda key: len(memory[key]))
    return _metadata({**memory, longest: memory[longest][: len(memory[longest]) // 2]})


def options(found: Sequence[Option]) -> list[Block]:
    """The answer to what was typed into a search."""
    return [_option(one) for one in found[:MAX_OPTIONS] if 0 < len(one.value) <= MAX_OPTION_VALUE]


def _blocks(part: Field | Alert | Paragraph, number: int, *, alerts: bool) -> Iterable[Block]:
    match part:
        case Alert() if alerts:
            text = plain(_short(clean(part.text), MAX_ALERT))
            yield {"type": "alert", "block_id": f"alert-{number}", "level": part.level, "text": text}
        case Alert():
            yield {"type": "section", "block_id": f"alert-{number}", "text": plain(clean(part.text)[:3000])}
        case Paragraph():
            yield {**paragraph(part.text), "block_id": f"said-{number}"}
        case _:
            yield _input(part)


def _input(field: Field) -> Block:
    block: Block = {
        "type": "input",
        "block_id": field.id,
        "label": plain(field.label),
        "element": {**_element(field), "action_id": f"bot.{field.id}.0"},
        "optional": field.optional,
    }
    if field.hint:
        block["hint"] = plain(clean(field.hint)[:MAX_HINT])
    if field.watched:
        block["dispatch_action"] = True
    return block


def _element(field: Field) -> Block:
    match field:
        case Search(chosen=chosen):
            element: Block = {"type": "external_select", "min_query_length": 0, "placeholder": plain("Type to search")}
            return {**element, "initial_option": _option(chosen)} if chosen else element
        case Text():
            element = {"type": "plain_text_input", "multiline": field.long, "max_length": field.most}
            text = clean(field.text)[: min(field.most, MAX_INITIAL)]
            return {**element, "initial_value": text} if text.strip() else element
        case Day(day=day):
            return {"type": "datepicker", **({"initial_date": day} if day else {})}
        case Choice():
            element = {"type": "static_select", "options": [_option(one) for one in field.options]}
            first = next((one for one in field.options if one.value == field.chosen), None)
            return {**element, "initial_option": _option(first)} if first else element
        case Several():
            element = {"type": "multi_static_select", "options": options(field.options)}
            return {**element, "max_selected_items": field.most, "placeholder": plain("Choose")}
        case Conversation(chosen=chosen):
            element = {
                "type": "conversations_select",
                "filter": {"include": ["public", "private"], "exclude_bot_users": True},
                "response_url_enabled": True,
            }
            return {**element, **({"initial_conversation": chosen} if chosen else {})}
    raise TypeError(f"no element for {type(field).__name__}")


def _option(one: Option) -> Block:
    return {"text": plain(_short(clean(one.label), MAX_OPTION)), "value": one.value}


def _short(text: str, most: int) -> str:
    text = " ".join(text.split()) or "–"
    return text if len(text) <= most else f"{text[: most - 1]}…"

"""Block Kit as Slack accepts it: which blocks and elements there are, and how much fits in each.

Figures from Slack's Block Kit reference; the wording of refusals from answers of the live API that people published.
"""

from __future__ import annotations

from bot.sandbox.schema import (
    Check,
    Problems,
    alternative,
    anything,
    array,
    boolean,
    both,
    integer,
    one_of,
    shape,
    string,
    typed,
)
from bot.sandbox.shapes import Json


def text(longest: int, *kinds: str) -> Check:
    """A text object of at most this many characters; of both kinds unless told."""
    fields = {"type": one_of(*(kinds or ("plain_text", "mrkdwn"))), "text": string(longest)}
    return shape(fields, {"emoji": boolean, "verbatim": boolean})


def plain(longest: int) -> Check:
    return text(longest, "plain_text")


ID = string(255)
CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = shape({"text": plain(75), "value": string(150)}, {"description": plain(75), "url": string(3000)})
CHOICE = shape({"text": text(75), "value": string(150)}, {"description": text(75)})
OPTION_GROUP = shape({"label": plain(75), "options": array(OPTION, 100)})
SLACK_FILE = shape({}, {"id": string(), "url": string()})

# ---------------------------------------------------------------- elements

_COMMON = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean, "placeholder": plain(150)}


def _one_source(menu: Json, pointer: str, problems: Problems) -> None:
    if "options" not in menu and "option_groups" not in menu:
        problems.at(pointer, "missing required field: options")


def _menu(*, several: bool) -> Check:
    initial = {"initial_options": array(OPTION, 100)} if several else {"initial_option": OPTION}
    sources = {"options": array(OPTION, 100), "option_groups": array(OPTION_GROUP, 100)}
    more = {"max_selected_items": integer} if several else {}
    return both(shape({}, {**_COMMON, **sources, **initial, **more}), _one_source)


def _picker(initial: str, **more: Check) -> Check:
    return shape({}, {**_COMMON, initial: anything, **more})


def _typing(**more: Check) -> Check:
    given = {"initial_value": string(3000, shortest=0), "dispatch_action_config": anything, **more}
    return shape({}, {**_COMMON, **given})


BUTTON = shape(
    {"text": plain(75)},
    {
        "action_id": ID,
        "value": string(2000, shortest=0),
        "url": string(3000),
        "style": one_of("primary", "danger"),
        "confirm": CONFIRM,
        "accessibility_label": string(75),
    },
)
IMAGE = shape({"alt_text": string(2000)}, {"image_url": string(3000), "slack_file": SLACK_FILE})

SELECTS: dict[str, Check] = {
    "static_select": _menu(several=False),
    "multi_static_select": _menu(several=True),
    "external_select": _picker("initial_option", min_query_length=integer),
    "users_select": _picker("initial_user"),
    "multi_users_select": _picker("initial_users", max_selected_items=integer),
    "channels_select": _picker("initial_channel", response_url_enabled=boolean),
    "conversations_select": _picker(
        "initial_conversation", default_to_current_conversation=boolean, response_url_enabled=boolean, filter=anything
    ),
}
PICKERS: dict[str, Check] = {
    "datepicker": _picker("initial_date"),
    "timepicker": _picker("initial_time", timezone=string()),
    "datetimepicker": _picker("initial_date_time"),
    "checkboxes": shape({"options": array(CHOICE, 10)}, {**_COMMON, "initial_options": array(CHOICE, 10)}),
    "radio_buttons": shape({"options": array(CHOICE, 10)}, {**_COMMON, "initial_option": CHOICE}),
}
INPUTS: dict[str, Check] = {
    "plain_text_input": _typing(multiline=boolean, min_length=integer, max_length=integer),
    "email_text_input": _typing(),
    "url_text_input": _typing(),
    "number_input": _typing(is_decimal_allowed=boolean, min_value=anything, max_value=anything),
}
PRESSED: dict[str, Check] = {
    "button": BUTTON,
    "overflow": shape({"options": array(OPTION, 5)}, {"action_id": ID, "confirm": CONFIRM}),
}
INTERACTIVE = {**PRESSED, **SELECTS, **PICKERS}

# ---------------------------------------------------------------- rich text

_STYLED = {"style": anything}
_RICH_PARTS = typed(
    {
        "text": shape({"text": string()}, _STYLED),
        "link": shape({"url": string()}, {"text": string(), "unsafe": boolean, **_STYLED}),
        "emoji": shape({"name": string()}, {"unicode": string(), "skin_tone": integer, **_STYLED}),
        "user": shape({"user_id": string()}, _STYLED),
        "usergroup": shape({"usergroup_id": string()}, _STYLED),
        "channel": shape({"channel_id": string()}, _STYLED),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}, _STYLED),
        "date": shape({"timestamp": integer, "format": string()}, {"url": string(), "fallback": string()}),
        "color": shape({"value": string()}, _STYLED),
    }
)
_RICH_SECTION = shape({"elements": array(_RICH_PARTS, least=0)})
_RICH_ELEMENTS = typed(
    {
        "rich_text_section": _RICH_SECTION,
        "rich_text_preformatted": shape(
            {"elements": array(_RICH_PARTS, least=0)}, {"border": integer, "language": string()}
        ),
        "rich_text_quote": shape({"elements": array(_RICH_PARTS, least=0)}, {"border": integer}),
        "rich_text_list": shape(
            {
                "style": one_of("bullet", "ordered"),
                "elements": array(typed({"rich_text_section": _RICH_SECTION}), least=0),
            },
            {"indent": integer, "offset": integer, "border": integer},
        ),
    }
)
RICH_TEXT = shape({"elements": array(_RICH_ELEMENTS, least=0)}, {"block_id": ID})

# ---------------------------------------------------------------- blocks


def _text_or_fields(block: Json, pointer: str, problems: Problems) -> None:
    if block.get("text") is None and block.get("fields") is None:
        problems.at(pointer, "must define either `text` or `fields`")


def _picture(block: Json, pointer: str, problems: Problems) -> None:
    if block.get("image_url") is None and block.get("slack_file") is None:
        problems.at(pointer, "must define either `image_url` or `slack_file`")


_SECTION = shape(
    {},
    {
        "block_id": ID,
        "text": alternative(text(3000)),
        "fields": array(text(2000), 10),
        "accessory": typed({**INTERACTIVE, "image": IMAGE}),
        "expand": boolean,
    },
)
_CELL = typed(
    {
        "raw_text": shape({"text": string()}),
        "raw_number": shape({"value": anything}, {"text": string()}),
        "rich_text": RICH_TEXT,
    }
)
_COLUMN = shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": boolean})
_INPUT = shape(
    {"label": plain(2000), "element": typed({**INPUTS, **SELECTS, **PICKERS})},
    {"block_id": ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)

EVERYWHERE: dict[str, Check] = {
    "section": both(_SECTION, _text_or_fields),
    "header": shape({"text": plain(150)}, {"block_id": ID, "level": integer}),
    "context": shape(
        {"elements": array(typed({"plain_text": plain(2000), "mrkdwn": text(2000, "mrkdwn"), "image": IMAGE}), 10)},
        {"block_id": ID},
    ),
    "divider": shape({}, {"block_id": ID}),
    "actions": shape({"elements": array(typed(INTERACTIVE), 25)}, {"block_id": ID}),
    "image": both(
        shape(
            {"alt_text": string(2000)},
            {"image_url": string(3000), "slack_file": SLACK_FILE, "title": plain(2000), "block_id": ID},
        ),
        _picture,
    ),
    "input": _INPUT,
    "rich_text": RICH_TEXT,
}
TABLE: dict[str, Check] = {
    "table": shape(
        {"rows": array(array(_CELL, 20), 100)},
        {"block_id": ID, "column_settings": array(_COLUMN, 20, least=0)},
    )
}
MARKDOWN: dict[str, Check] = {"markdown": shape({"text": string(12_000)}, {"block_id": ID})}

SURFACES: dict[str, dict[str, Check]] = {
    "message": {**EVERYWHERE, **TABLE, **MARKDOWN},
    "home": {**EVERYWHERE, **TABLE},
    "modal": EVERYWHERE,
}
"""The blocks that each surface takes."""

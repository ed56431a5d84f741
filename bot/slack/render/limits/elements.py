"""Interactive elements: buttons, menus, pickers and fields. Figures from Slack's Block Kit reference."""

from __future__ import annotations

from bot.slack.render.limits.composition import (
    CHOICE,
    CONFIRM,
    DISPATCH,
    ENTRY,
    FILTER,
    ID,
    OPTION,
    OPTION_GROUP,
    plain,
)
from bot.slack.render.limits.consistency import chosen_among_options, lengths_in_order, numbers_in_order
from bot.slack.render.limits.rich_text import RICH_TEXT
from bot.slack.render.limits.schema import array, both, exactly_one, shape
from bot.slack.render.limits.values import Check, anything, boolean, integer, matching, one_of, string, url

_COMMON = {"action_id": ID, "confirm": CONFIRM, "focus_on_load": boolean}
_HINTED = {**_COMMON, "placeholder": plain(150)}
_SEVERAL = {"max_selected_items": integer(1)}
_SOURCES = {"options": array(OPTION, 100), "option_groups": array(OPTION_GROUP, 100)}
_HERE = {"default_to_current_conversation": boolean, "filter": FILTER}
_ANSWERS = {"response_url_enabled": boolean}
_FIELD = {"action_id": ID, "focus_on_load": boolean, "placeholder": plain(150), "dispatch_action_config": DISPATCH}
_NUMBER = matching(r"[+-]?(\d+(\.\d*)?|\.\d+)", "must be a valid number")
_ONE_SOURCE = exactly_one("options", "option_groups")


def _picker(**more: Check) -> Check:
    return shape({}, {**_HINTED, **more})


def _press(longest: int, **more: Check) -> dict[str, Check]:
    return {"action_id": ID, "value": string(longest, shortest=0), "accessibility_label": string(75), **more}


BUTTON = shape(
    {"text": plain(75)},
    _press(2000, url=url(web=False), style=one_of("primary", "danger"), confirm=CONFIRM),
)
_FEEDBACK = shape({"text": plain(75), "value": string(2000)}, {"accessibility_label": string(75)})
CONTEXT_ACTIONS: dict[str, Check] = {
    "feedback_buttons": shape({"positive_button": _FEEDBACK, "negative_button": _FEEDBACK}, {"action_id": ID}),
    "icon_button": shape(
        {"icon": one_of("trash"), "text": plain(75)},
        _press(2000, confirm=CONFIRM, visible_to_user_ids=array(string(), 10)),
    ),
}
_WORKFLOW = shape(
    {
        "text": plain(75),
        "workflow": shape({"trigger": shape({"url": url()}, {"customizable_input_parameters": anything})}),
    },
    {"action_id": ID, "style": one_of("primary", "danger"), "accessibility_label": string(75)},
)

MENUS: dict[str, Check] = {
    "static_select": both(_picker(**_SOURCES, initial_option=OPTION), _ONE_SOURCE, chosen_among_options),
    "external_select": _picker(initial_option=OPTION, min_query_length=integer(0)),
    "users_select": _picker(initial_user=string()),
    "channels_select": _picker(initial_channel=string(), **_ANSWERS),
    "conversations_select": _picker(initial_conversation=string(), **_HERE, **_ANSWERS),
    "multi_static_select": both(
        _picker(**_SOURCES, **_SEVERAL, initial_options=array(OPTION, 100)), _ONE_SOURCE, chosen_among_options
    ),
    "multi_external_select": both(
        _picker(**_SEVERAL, initial_options=array(OPTION, 100), min_query_length=integer(0)), chosen_among_options
    ),
    "multi_users_select": _picker(**_SEVERAL, initial_users=array(string())),
    "multi_channels_select": _picker(**_SEVERAL, initial_channels=array(string())),
    "multi_conversations_select": _picker(**_SEVERAL, **_HERE, initial_conversations=array(string())),
}
PICKERS: dict[str, Check] = {
    "datepicker": _picker(
        initial_date=matching(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])", "must be a valid date")
    ),
    "timepicker": _picker(initial_time=matching(r"([01]\d|2[0-3]):[0-5]\d", "must be a valid time"), timezone=string()),
    "checkboxes": both(
        shape({"options": array(CHOICE, 10)}, {**_COMMON, "initial_options": array(CHOICE, 10)}), chosen_among_options
    ),
    "radio_buttons": both(
        shape({"options": array(CHOICE, 10)}, {**_COMMON, "initial_option": CHOICE}), chosen_among_options
    ),
}
_MOMENT: dict[str, Check] = {
    "datetimepicker": shape({}, {**_COMMON, "initial_date_time": integer(1_000_000_000, 9_999_999_999)})
}
_WRITING: dict[str, Check] = {"rich_text_input": shape({}, {**_FIELD, "initial_value": RICH_TEXT})}
FIELDS: dict[str, Check] = {
    "plain_text_input": both(
        shape(
            {},
            {
                **_FIELD,
                "initial_value": string(3000, shortest=0),
                "multiline": boolean,
                "min_length": integer(0, 3000),
                "max_length": integer(1, 3000),
            },
        ),
        lengths_in_order,
    ),
    "email_text_input": shape({}, {**_FIELD, "initial_value": string(shortest=0)}),
    "url_text_input": shape({}, {**_FIELD, "initial_value": string(shortest=0)}),
    "number_input": both(
        shape(
            {"is_decimal_allowed": boolean},
            {**_FIELD, "initial_value": _NUMBER, "min_value": _NUMBER, "max_value": _NUMBER},
        ),
        numbers_in_order,
    ),
}
UPLOAD: dict[str, Check] = {
    "file_input": shape({}, {"action_id": ID, "filetypes": array(string()), "max_files": integer(1, 10)})
}
_PRESSED: dict[str, Check] = {
    "button": BUTTON,
    "overflow": shape({"options": array(ENTRY, 5)}, {"action_id": ID, "confirm": CONFIRM}),
    "workflow_button": _WORKFLOW,
}

IN_SECTIONS = {**_PRESSED, **MENUS, **PICKERS}
IN_ACTIONS = {**IN_SECTIONS, **_MOMENT, **_WRITING}
IN_INPUTS = {**FIELDS, **MENUS, **PICKERS, **_MOMENT, **_WRITING}

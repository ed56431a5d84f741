"""Composition objects: texts, options, confirmations, pictures. Figures from Slack's Block Kit reference."""

from __future__ import annotations

from bot.slack.render.limits.schema import array, both, exactly_one, shape, typed
from bot.slack.render.limits.values import Check, boolean, matching, one_of, string, url

ID = string(255)


def plain(longest: int) -> Check:
    """A plain_text object of at most this many characters."""
    return shape({"type": one_of("plain_text"), "text": string(longest)}, {"emoji": boolean})


def mrkdwn(longest: int) -> Check:
    return shape({"type": one_of("mrkdwn"), "text": string(longest)}, {"verbatim": boolean})


def text(longest: int) -> Check:
    """A text object of either kind. `emoji` is of plain_text alone, `verbatim` of mrkdwn alone."""
    return typed({"plain_text": plain(longest), "mrkdwn": mrkdwn(longest)})


CONFIRM = shape(
    {"title": plain(100), "text": text(300), "confirm": plain(30), "deny": plain(30)},
    {"style": one_of("primary", "danger")},
)
OPTION = shape({"text": plain(75), "value": string(150)}, {"description": plain(75)})
"""An option of a select menu."""
ENTRY = shape({"text": plain(75), "value": string(150)}, {"description": plain(75), "url": url(web=False)})
"""An option of an overflow menu: the only one that may open an address."""
CHOICE = shape({"text": text(75), "value": string(150)}, {"description": text(75)})
"""An option of checkboxes and radio buttons."""
OPTION_GROUP = shape({"label": plain(75), "options": array(OPTION, 100)})

SLACK_FILE = both(
    shape({}, {"id": matching(r"F[A-Z0-9]+", "invalid slack file"), "url": url()}), exactly_one("id", "url")
)
IMAGE = both(
    shape({"alt_text": string(2000)}, {"image_url": url(), "slack_file": SLACK_FILE}),
    exactly_one("image_url", "slack_file"),
)
FILTER = shape(
    {},
    {
        "include": array(one_of("im", "mpim", "private", "public"), 4),
        "exclude_external_shared_channels": boolean,
        "exclude_bot_users": boolean,
    },
)
DISPATCH = shape({}, {"trigger_actions_on": array(one_of("on_enter_pressed", "on_character_entered"), 2)})

"""Block Kit as Slack accepts it: which blocks each surface takes, and how much fits in each.

Figures from Slack's Block Kit reference; the wording of refusals from answers of the live API that people published.
"""

from __future__ import annotations

from bot.slack.render.limits.cards import ALERT, CARD, CAROUSEL, CONTEXT_ACTION, TASKS, container
from bot.slack.render.limits.charts import CHART
from bot.slack.render.limits.composition import ID, IMAGE, SLACK_FILE, mrkdwn, plain, text
from bot.slack.render.limits.elements import IN_ACTIONS, IN_INPUTS, IN_SECTIONS, UPLOAD
from bot.slack.render.limits.rich_text import RICH_TEXT
from bot.slack.render.limits.schema import alternative, any_of, array, both, exactly_one, shape, typed
from bot.slack.render.limits.tables import DATA_TABLE, TABLE
from bot.slack.render.limits.values import Check, boolean, integer, one_of, string, url

_SECTION = shape(
    {},
    {
        "block_id": ID,
        "text": alternative(text(3000)),
        "fields": array(text(2000), 10),
        "accessory": typed({**IN_SECTIONS, "image": IMAGE}),
        "expand": boolean,
    },
)
_PICTURE = shape(
    {"alt_text": string(2000)}, {"image_url": url(), "slack_file": SLACK_FILE, "title": plain(2000), "block_id": ID}
)
_VIDEO = shape(
    {"alt_text": string(2000), "title": plain(200), "thumbnail_url": url(), "video_url": url()},
    {
        "block_id": ID,
        "author_name": string(50),
        "description": plain(200),
        "provider_icon_url": url(),
        "provider_name": string(50),
        "title_url": url(),
    },
)


def _input(fields: dict[str, Check]) -> Check:
    return shape(
        {"label": plain(2000), "element": typed(fields)},
        {"block_id": ID, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
    )


_EVERYWHERE: dict[str, Check] = {
    "section": both(_SECTION, any_of("text", "fields")),
    "header": shape({"text": plain(150)}, {"block_id": ID, "level": integer(1, 4)}),
    "context": shape(
        {"elements": array(typed({"plain_text": plain(2000), "mrkdwn": mrkdwn(2000), "image": IMAGE}), 10)},
        {"block_id": ID},
    ),
    "divider": shape({}, {"block_id": ID}),
    "actions": shape({"elements": array(typed(IN_ACTIONS), 25)}, {"block_id": ID}),
    "image": both(_PICTURE, exactly_one("image_url", "slack_file")),
    "input": _input(IN_INPUTS),
    "rich_text": RICH_TEXT,
    "video": _VIDEO,
    **CARD,
}
_FILE = {"file": shape({"external_id": string(), "source": one_of("remote")}, {"block_id": ID})}
_CHILDREN = {**{kind: check for kind, check in _EVERYWHERE.items() if kind != "card"}, **TABLE, **_FILE}
_WIDE = {**_EVERYWHERE, **TABLE, **DATA_TABLE, **CAROUSEL, **container(_CHILDREN)}
_MARKDOWN = {"markdown": shape({"text": string(12_000)}, {"block_id": ID})}

SURFACES: dict[str, dict[str, Check]] = {
    "message": {**_WIDE, **_MARKDOWN, **CHART, **CONTEXT_ACTION, **TASKS, **_FILE},
    "home": _WIDE,
    "modal": {**_EVERYWHERE, **ALERT, "input": _input({**IN_INPUTS, **UPLOAD})},
}
"""The blocks that each surface takes."""

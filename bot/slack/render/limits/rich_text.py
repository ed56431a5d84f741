"""Rich text: sections, lists, quotes and fences, and what stands in them."""

from __future__ import annotations

from bot.slack.render.limits.composition import ID
from bot.slack.render.limits.schema import array, shape, typed
from bot.slack.render.limits.values import boolean, integer, matching, one_of, string

_STYLE = shape(
    {},
    dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), boolean
    ),
)
_STYLED = {"style": _STYLE}
_WORDS = {
    "text": shape({"text": string()}, _STYLED),
    "link": shape({"url": string()}, {"text": string(shortest=0), "unsafe": boolean, **_STYLED}),
}
_PARTS = typed(
    {
        **_WORDS,
        "emoji": shape(
            {"name": string()}, {"unicode": string(), "skin_tone": integer(1, 6), "display_url": string(), **_STYLED}
        ),
        "user": shape({"user_id": string()}, _STYLED),
        "usergroup": shape({"usergroup_id": string()}, _STYLED),
        "channel": shape({"channel_id": string()}, _STYLED),
        "team": shape({"team_id": string()}, _STYLED),
        "broadcast": shape({"range": one_of("here", "channel", "everyone")}, _STYLED),
        "date": shape(
            {"timestamp": integer(0), "format": string()}, {"url": string(), "fallback": string(), **_STYLED}
        ),
        "color": shape({"value": matching(r"#[0-9a-fA-F]{3,8}", "must be a valid color")}, _STYLED),
    }
)
_BORDER = {"border": integer(0, 1)}
_SECTION = shape({"elements": array(_PARTS, least=0)})
_ELEMENTS = typed(
    {
        "rich_text_section": _SECTION,
        "rich_text_preformatted": shape({"elements": array(typed(_WORDS), least=0)}, {**_BORDER, "language": string()}),
        "rich_text_quote": shape({"elements": array(_PARTS, least=0)}, _BORDER),
        "rich_text_list": shape(
            {"style": one_of("bullet", "ordered"), "elements": array(typed({"rich_text_section": _SECTION}), least=0)},
            {"indent": integer(0, 8), "offset": integer(0), **_BORDER},
        ),
    }
)
RICH_TEXT = shape({"elements": array(_ELEMENTS, least=0)}, {"block_id": ID})

"""What Slack is given to parse: moments, commands and bold names, and never anything else."""

from __future__ import annotations

import re
from collections.abc import Iterator

_MOMENT = r"<!date\^[0-9]+\^\{date_short_pretty\} \{time\}\|[0-9: -]+ UTC>"
_STYLED = r"(?<!\w)([*`])(?!\s)[^*_~`<>\n]+(?<!\s)\1(?!\w)"
_MEANT = re.compile(f"{_MOMENT}|{_STYLED}")


def stray(value: object) -> list[str]:
    """The texts that Slack parses and that hold something which it would take for other markup."""
    return [text for text in _parsed(value) if set("<>*_~`") & set(_MEANT.sub("", text))]


def _parsed(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield str(value["text"])
        for inner in value.values():
            yield from _parsed(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parsed(inner)

"""PowerShell's wildcard patterns: `*`, `?`, `[a-c]`, and a backtick before what stands for itself.

Source: Microsoft's about_Wildcards.
"""

from __future__ import annotations

import re
from functools import lru_cache

SPECIAL = "*?[]"


class BadPattern(ValueError):
    """A pattern whose bracket is never closed."""


def has_wildcards(text: str) -> bool:
    """Whether a cmdlet takes the text for a pattern."""
    return any(char in "*?[" for char in re.sub("`.", "", text))


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches, in any case. Raises `BadPattern`."""
    return _compiled(pattern).fullmatch(text) is not None


def escape(text: str) -> str:
    """The pattern that hits this text only, as `WildcardPattern.Escape` makes it."""
    return "".join("`" + char if char in SPECIAL + "`" else char for char in text)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        part, at = _part(pattern, at)
        parts.append(part)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _part(pattern: str, at: int) -> tuple[str, int]:
    char = pattern[at]
    if char == "`" and at + 1 < len(pattern):
        return re.escape(pattern[at + 1]), at + 2
    if char == "*":
        return ".*", at + 1
    if char == "?":
        return ".", at + 1
    if char == "[":
        return _char_set(pattern, at + 1)
    return re.escape(char), at + 1


def _char_set(pattern: str, start: int) -> tuple[str, int]:
    """A bracket's content as alternatives: its own characters mean nothing to `re`."""
    chars: list[str] = []
    at = start
    while at < len(pattern) and (pattern[at] != "]" or at == start):
        if pattern[at] == "`" and at + 1 < len(pattern):
            at += 1
        first = pattern[at]
        if pattern[at + 1 : at + 2] == "-" and pattern[at + 2 : at + 3] not in ("", "]"):
            low, high = sorted((first, pattern[at + 2]))
            chars.append(f"{re.escape(low)}-{re.escape(high)}")
            at += 3
        else:
            chars.append(re.escape(first))
            at += 1
    if at >= len(pattern):
        raise BadPattern(pattern)
    return "[" + "".join(chars) + "]", at + 1

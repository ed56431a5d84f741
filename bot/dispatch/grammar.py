"""From the text of a slash command to words, forgiving of what Slack and phones do to text.

Words are kept as they were typed wherever they may be names: `DB–01` with an en dash is another name than `DB-01`.
`normalise_name` gives the form in which both are alike, for when nothing has the raw name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from commands.base import UsageError
from commands.kit.words import typed

LONGEST = 3000
"""Characters of text that are read."""

_DASHES = r"\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d"
_DOUBLE = '"\u201c\u201d\u201e\u201f'
_SINGLE = "'\u2018\u2019\u201a\u201b"
_INVISIBLE = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Soft hyphen, zero-width characters, and the marks that set the direction of writing."""

_START = re.compile(rf"[^\s{_INVISIBLE}]")
_LETTERS = rf"[{_INVISIBLE}]*[^\W\d_][\w{_DASHES}{_INVISIBLE}]*"
_OPTION = re.compile(rf"[{_DASHES}]+{_LETTERS}|\u2014(?=[{_INVISIBLE}]*(?:\s|\Z))")
_IN_DOUBLE = re.compile(rf"[{_DOUBLE}]((?:[^{_DOUBLE}]|([{_DOUBLE}])\2)*+)[{_DOUBLE}]")
_IN_SINGLE = re.compile(rf"[{_SINGLE}](.*?)[{_SINGLE}](?=[\s,{_INVISIBLE}]|\Z)", re.DOTALL)
_BARE = re.compile(rf"[,=]|(?:[^\s,={_INVISIBLE}]++|[{_INVISIBLE}]++(?!\s|\Z))++")
_LONE = re.compile(rf"[{_DOUBLE}]|[{_SINGLE}][{_INVISIBLE}]*\Z")
_DOUBLED = re.compile(rf"([{_DOUBLE}])\1")

_MARKUP = re.compile(r"<([@#!]|[a-z][a-z0-9+.-]{1,20}:)([^<>|\s]*)(?:\|([^<>]*))?>", re.IGNORECASE)
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos|#39|nbsp);")
_CHARACTERS = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "#39": "'", "nbsp": "\u00a0"}


def split(text: str) -> tuple[str, ...]:
    """The words of `text`. Raises `UsageError` and nothing else, whatever the text.

    Any white space parts words. Quotes of every kind keep words together where they stand at a word's beginning, or
    behind a comma or an option's `=`; a double quote inside double quotes is typed twice. A backslash and an apostrophe
    inside a word are themselves; a quote without its other is refused. Slack's own encoding is undone:
    `<@U1|ada>` is U1, `<http://x|x>` is x, `&amp;` is &.
    """
    if len(text) > LONGEST:
        raise UsageError(
            f"That is {len(text):,} characters long, and I read {LONGEST:,} at the most.",
            "Type a shorter command; a long story fits in a file or a ticket that --note names.",
        )
    text = unescaped(text)
    words = []
    at = 0
    while start := _START.search(text, at):
        word, at = _word(text, start.start())
        words.append(word)
    return tuple(words)


def unescaped(text: str) -> str:
    """A text as it was typed, before Slack encoded it."""
    return _ENTITY.sub(lambda entity: _CHARACTERS[entity[1]], _MARKUP.sub(_as_typed, text))


_AS_IT_IS = re.compile(r"[A-Za-z0-9_.]+(?:[- ][A-Za-z0-9_.]+)*")
"""Names in which nothing but case makes no difference."""


@lru_cache(maxsize=32_768)
def normalise_name(text: str) -> str:
    """The form in which names are compared when no name is letter for letter what was typed.

    Case, width and composition of letters (NFKC), kinds of dashes, quotes and spaces, and invisible characters make no
    difference. Never act on it where two names are alike in this form: ask. Every look-up compares all names of the
    fleet, which stay the same for weeks.
    """
    if _AS_IT_IS.fullmatch(text):  # most names
        return text.casefold()
    visible = re.sub(f"[{_INVISIBLE}\ufe0e\ufe0f]", "", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold())
    folded = re.sub(f"[{_DASHES}]+", "-", folded)
    folded = re.sub(f"[{_SINGLE}]", "'", re.sub(f"[{_DOUBLE}]", '"', folded))
    return " ".join(folded.split())


def _word(text: str, at: int) -> tuple[str, int]:
    """The word that begins at `at`, and where it ends."""
    option = _OPTION.match(text, at)
    word, at = (_option(option[0]), option.end()) if option else ("", at)
    may_open = option is None
    while True:
        if may_open and (quoted := _quoted(text, at)):
            part, at = quoted
            may_open = False
        elif bare := _BARE.match(text, at):
            part, at = bare[0], bare.end()
            if _LONE.search(part):
                raise _unclosed()
            may_open = part == "," or (part == "=" and option is not None)
        else:
            return word, at
        word += part


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    """What stands in the quotes that open at `at`, and where they end; None where none open."""
    if found := _IN_DOUBLE.match(text, at):
        return _DOUBLED.sub(r"\1", found[1]), found.end()
    if closed := _IN_SINGLE.match(text, at):
        return closed[1], closed.end()
    if at < len(text) and text[at] in _DOUBLE + _SINGLE:
        raise _unclosed()
    return None


def _unclosed() -> UsageError:
    """A quote that has no other is never taken for a part of a name."""
    return UsageError(
        "A quote is opened and not closed.",
        f"Put one at each end, as in {typed('web01', 'before upgrade')}; a quote that belongs to a name goes inside"
        f" double quotes, where a double one is typed twice: {typed('web01', 'the ' + chr(34) + 'old' + chr(34))}.",
    )


def _option(typed: str) -> str:
    """`--no-safety` for what phones make of it, `—no–safety`."""
    visible = re.sub(f"[{_INVISIBLE}]", "", typed)
    dashes = re.match(f"[{_DASHES}]+", visible)
    first = dashes[0] if dashes else ""
    return (first if set(first) == {"-"} else "--") + re.sub(f"[{_DASHES}]", "-", visible[len(first) :])


def _as_typed(markup: re.Match[str]) -> str:
    """What a person typed, or picked, before Slack encoded it: the id of a mention, the text of a link."""
    kind, body, label = markup.groups()
    match kind:
        case "@" | "#":
            return body
        case "!":
            return body.removeprefix("subteam^") if body.startswith("subteam^") else label or f"@{body}"
        case "mailto:" | "tel:":
            return label or body
        case _:
            return label or f"{kind}{body}"

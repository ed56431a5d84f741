"""Names inside sentences, kept apart from the words around them.

A name that a person or a host gave may be any text: a checkpoint may be called `note`, or `*`. In a sentence it stands
between two of Unicode's isolates, and so does a command to type. Whoever shows the sentence makes them stand out, by
style and never by markup; plain text drops the isolates. They also keep a name from right to left in its place.
"""

from __future__ import annotations

import re

NAME, COMMAND, END = "\u2068", "\u2066", "\u2069"
"""First strong isolate for a name of any script, left-to-right isolate for a command, and the end of both."""

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_MARKS = re.compile(f"[{NAME}{COMMAND}{END}]")


def name(text: str) -> str:
    """A name as it stands in a sentence: one line, and apart from the words around it. One that nobody would see is in
    quotes."""
    seen = _UNSEEN.sub("", _BREAKS.sub(" ", text))
    return f"{NAME}{seen}{END}" if seen.strip() else f'{NAME}"{seen}"{END}'


def command(text: str) -> str:
    """What to type, as it stands in a sentence."""
    return f"{COMMAND}{_UNSEEN.sub('', _BREAKS.sub(' ', text))}{END}"


def unmarked(text: str) -> str:
    """The text without the marks, for where nothing can stand out: notifications, tables, the record."""
    return _MARKS.sub("", text)

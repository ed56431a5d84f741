"""What a mistyped word was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

NEAR = 60.0
"""Of a hundred: how alike two words are that one may be a slip for the other."""


def nearest(word: str, known: Iterable[str], *, most: int = 3, at_least: float = NEAR) -> tuple[str, ...]:
    """Up to `most` of the known words that are nearest, the nearest first."""
    found = process.extract(word, tuple(known), scorer=fuzz.ratio, limit=most, score_cutoff=at_least)
    return tuple(near for near, _, _ in found)

"""The commands that somebody may have meant who mistyped a word: the same words with that one put right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commands.base import Slip

MOST = 3
"""Commands that are offered at once."""

Words = tuple[str, ...]


def of(slips: Sequence[Slip], words: Sequence[str]) -> tuple[Words, ...]:
    """The commands with the slips put right, the likeliest first. Several slips are all put right in one."""
    if len(slips) == 1:
        return several(_with(words, slips[0], near) for near in slips[0].near)
    whole: Words | None = tuple(words)
    for slip in slips:
        whole = _with(whole, slip, slip.near[0]) if whole is not None and slip.near else None
    return (whole,) if whole and slips else ()


def several(commands: Iterable[Words | None]) -> tuple[Words, ...]:
    """Each once, and no more than are offered."""
    return tuple(dict.fromkeys(one for one in commands if one is not None))[:MOST]


def _with(words: Sequence[str], slip: Slip, near: str) -> Words | None:
    """The words with the right one in the slip's place, None where it is none of them. The first word is the command,
    and is put right by whoever knows the commands."""
    places = range(1, len(words))
    for at in reversed(places) if slip.last else places:
        for end in sorted(
            {at + 1, at + len(slip.typed.split())}
        ):  # a name with blanks may have been typed as several words
            if (right := _put_right(" ".join(words[at:end]), slip.typed, near)) is not None:
                return (*words[:at], right, *words[end:])
    return None


def _put_right(word: str, typed: str, near: str) -> str | None:
    """The word, the part of a list, or the option before its `=` that was mistyped; None where it is another."""
    if _same(word, typed):
        return near
    if typed.startswith("--") and _same(word.partition("=")[0], typed):
        return f"{near}={word.partition('=')[2]}"
    parts = word.split(",")
    if len(parts) > 1 and any(_same(part, typed) for part in parts):
        return ",".join(near if _same(part, typed) else part for part in parts)
    return None


def _same(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()

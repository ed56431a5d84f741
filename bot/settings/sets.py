"""Named sets of VMs: `@shop` stands in the settings for the patterns that `sets` gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from bot.settings.kinds import did_you_mean
from bot.settings.problems import Place, found
from bot.settings.section import Section

S = TypeVar("S", bound=Section)
Sets = Mapping[str, Sequence[str]]

SET = "@"
"""What a set's name begins with wherever one stands in the place of VMs."""


def expanded(patterns: Sequence[str], sets: Sets) -> tuple[str, ...]:
    """The patterns with those of its sets in the place of each, each once. A set that there is not has none."""
    every = (sets.get(one[1:].casefold(), ()) if one.startswith(SET) else (one,) for one in patterns)
    return tuple(dict.fromkeys(pattern for some in every for pattern in some))


def without_sets(section: S, sets: Sets) -> S:
    """The section with the patterns of sets in the place of their names, wherever VMs stand in it. Raises what
    `problems.found` raises for a set that there is not."""
    found(list(unknown(section, sets)))
    return section.model_copy(update=dict(_changes(section, sets)))


def unknown(section: Section, sets: Sets) -> Iterator[tuple[Place, str]]:
    """A sentence for each set that there is not, with its place."""
    for name in type(section).model_fields:
        for at, one in enumerate(_items(section, name)):
            if isinstance(one, Section):
                yield from (((name, at, *place), why) for place, why in unknown(one, sets))
            elif name in VMS and one.startswith(SET) and one[1:].casefold() not in sets:
                yield (name, at), f"there is no set {one}{did_you_mean(one[1:], sets)}"


VMS = frozenset({"vms", "production_only", "excluded"})
"""The settings that name VMs."""


def _changes(section: Section, sets: Sets) -> Iterator[tuple[str, object]]:
    """The fields that are another one without sets."""
    for name in type(section).model_fields:
        now = _items(section, name)
        if now and isinstance(now[0], Section):
            yield name, tuple(without_sets(one, sets) for one in now if isinstance(one, Section))
        elif name in VMS and any(str(one).startswith(SET) for one in now):
            yield name, expanded([str(one) for one in now], sets)


def _items(section: Section, name: str) -> tuple[str | Section, ...]:
    """What stands in a list of the section; nothing for what is no list."""
    value = getattr(section, name)
    return value if isinstance(value, tuple) else ()

"""What stands in the settings in the place of VMs: `@shop` for the patterns that `sets` gives it, and `prod/web*` for
VMs of one host or cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.settings.kinds import did_you_mean
from bot.settings.problems import Place, found
from bot.settings.section import Section
from commands.kit import patterns as matcher

S = TypeVar("S", bound=Section)
Sets = Mapping[str, Sequence[str]]

SET = "@"
"""What a set's name begins with wherever one stands in the place of VMs."""


@dataclass(frozen=True, slots=True)
class Places:
    """What may stand before the slash of a pattern."""

    names: Sequence[str]
    """Of hosts and clusters."""
    nodes: Mapping[str, str]
    """The cluster of each node that the settings list, by the node's name in lower case."""

    def wrong_with(self, pattern: str) -> str:
        """A sentence, where no VM can be meant; empty where one can."""
        place, of_name = matcher.parts(pattern)
        if not place or place.casefold() in map(str.casefold, self.names):
            return ""
        if cluster := self.nodes.get(place.casefold()):
            return f"{place} is a node of the cluster {cluster}, which its VMs belong to: write {cluster}/{of_name}"
        near = did_you_mean(place, self.names)
        return (
            f"there is no host or cluster {place}{near} (a node goes by the name of its cluster, and the slash of a "
            "name is written [/])"
        )


def misplaced(section: Section, places: Places) -> Iterator[tuple[Place, str]]:
    """A sentence for each pattern of another place than there is, with where it stands."""
    return _wrong(section, places.wrong_with)


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

    def wrong_with(one: str) -> str:
        known = not one.startswith(SET) or one[1:].casefold() in sets
        return "" if known else f"there is no set {one}{did_you_mean(one[1:], sets)}"

    return _wrong(section, wrong_with)


def _wrong(section: Section, wrong_with: Callable[[str], str]) -> Iterator[tuple[Place, str]]:
    for name in type(section).model_fields:
        for at, one in enumerate(_items(section, name)):
            if isinstance(one, Section):
                yield from (((name, at, *place), why) for place, why in _wrong(one, wrong_with))
            elif name in VMS and (why := wrong_with(one)):
                yield (name, at), why


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

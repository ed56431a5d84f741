"""The search for a VM as one types: by name, by host, and by who has checkpoints of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from threading import Lock

from cachetools import LRUCache, TTLCache

from backends.base import VMInventory
from bot.dispatch.views import Option
from commands.base import Context, Grant
from commands.kit.finding import plain

MOST = 100
"""Slack takes no more."""

OWNERS_KEPT = 30.0
"""Seconds: whose checkpoints are is read for everybody at once."""

KINDS_OF_SIGHT = 64
"""How many different sets of grants are kept ready to be searched."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A VM, and what is compared with each letter that somebody types."""

    seen: VMInventory
    name: str
    whole: str
    """The name, the host, and those whose its checkpoints are."""


@dataclass(frozen=True, slots=True)
class _Sight:
    """What people with the same grants may look for, in the order of its names."""

    edition: int
    """What was seen of the fleet."""
    owners: Mapping[str, str]
    entries: Sequence[_Entry]
    by_id: Mapping[str, _Entry]


class VMSearch:
    """Safe to use from many threads. What can be found is put in order after an answer of a host, and not for each
    letter that somebody types."""

    def __init__(self, verb: str) -> None:
        """Only VMs are found that somebody may do this to."""
        self._verb = verb
        self._sights: LRUCache[tuple[Grant, ...], _Sight] = LRUCache(KINDS_OF_SIGHT)
        self._owners: TTLCache[None, Mapping[str, str]] = TTLCache(1, OWNERS_KEPT)
        self._lock = Lock()

    def find(self, context: Context, text: str) -> tuple[Option, ...]:
        """The best first: names that begin with it, names with it inside, then hosts and owners."""
        ranked = _ranked(self._sight_of(context).entries, plain(text).split())
        return tuple(islice((option_of(one.seen) for one in ranked if context.may(self._verb, one.seen.vm)), MOST))

    def _sight_of(self, context: Context) -> _Sight:
        edition, owners = context.fleet.edition, self._owners_of(context)
        with self._lock:
            kept = self._sights.get(context.grants)
        if kept is None or kept.edition != edition or kept.owners is not owners:
            kept = _seen_anew(context.fleet.known(), edition, owners, kept)
            with self._lock:
                self._sights[context.grants] = kept
        return kept

    def _owners_of(self, context: Context) -> Mapping[str, str]:
        """By checkpoint, the name of whose it is, as it is compared."""
        with self._lock:
            kept = self._owners.get(None)
        if kept is None:
            kept = {id: plain(name) for id, name in context.record.checkpoints.owners().items()}
            with self._lock:
                self._owners[None] = kept
        return kept


def option_of(seen: VMInventory) -> Option:
    """`web01 · hv01 · running`."""
    vm = seen.vm
    return Option(f"{vm.name} · {vm.host} · {vm.state.label}", vm.id)


def _seen_anew(known: Sequence[VMInventory], edition: int, owners: Mapping[str, str], before: _Sight | None) -> _Sight:
    """One host has answered, and the others show what they showed before."""
    old = before.by_id if before is not None and before.owners is owners else {}
    entries = [
        kept if (kept := old.get(one.vm.id)) is not None and kept.seen is one else _entry(one, owners) for one in known
    ]
    entries.sort(key=lambda one: (one.name, one.seen.vm.host))
    return _Sight(edition, owners, entries, {one.seen.vm.id: one for one in entries})


def _entry(seen: VMInventory, owners: Mapping[str, str]) -> _Entry:
    name, whose = plain(seen.vm.name), dict.fromkeys(owners.get(one.id, "") for one in seen.checkpoints)
    return _Entry(seen, name, "\n".join((name, plain(seen.vm.host), *whose)))


def _ranked(entries: Sequence[_Entry], terms: Sequence[str]) -> Iterator[_Entry]:
    if not terms:
        return iter(entries)
    found = entries
    for term in terms:
        found = [one for one in found if term in one.whole]
    begin: list[_Entry] = []
    contain: list[_Entry] = []
    beside: list[_Entry] = []
    for one in found:
        if not all(term in one.name for term in terms):
            beside.append(one)
        else:
            (begin if one.name.startswith(terms[0]) else contain).append(one)
    return chain(begin, contain, beside)

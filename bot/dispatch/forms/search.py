"""The search for a VM as one types: by name, by host, and by who has checkpoints of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from threading import Lock

from cachetools import LRUCache, TTLCache

from backends.base import VM, VMInventory
from bot.dispatch.views import Option
from commands.base import Context, Grant
from commands.kit.finding import plain

MOST = 100
"""Slack takes no more."""

OWNERS_KEPT = 30.0
"""Seconds: whose checkpoints are is read for all that somebody sees at once."""

KINDS_OF_SIGHT = 64
"""How many different sets of grants are kept ready to be searched."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A VM, with what is compared with each letter that somebody types."""

    name: str
    host: str
    vm: VM
    option: Option


class VMSearch:
    """Safe to use from many threads. What somebody sees is put in order once for each answer of a host, and for all who
    have the same grants."""

    def __init__(self, verb: str) -> None:
        """Only VMs are found that somebody may do this to."""
        self._verb = verb
        self._entries: LRUCache[tuple[Grant, ...], tuple[int, Sequence[_Entry]]] = LRUCache(KINDS_OF_SIGHT)
        self._owners: TTLCache[tuple[Grant, ...], Mapping[str, str]] = TTLCache(KINDS_OF_SIGHT, OWNERS_KEPT)
        self._lock = Lock()

    def find(self, context: Context, text: str) -> tuple[Option, ...]:
        """The best first: names that begin with it, names with it inside, then hosts and owners."""
        terms, entries = plain(text).split(), self._entries_of(context)
        ranked = _ranked(entries, terms, self._owners_of(context)) if terms else iter(entries)
        return tuple(islice((one.option for one in ranked if context.may(self._verb, one.vm)), MOST))

    def _entries_of(self, context: Context) -> Sequence[_Entry]:
        """In the order of their names."""
        edition = context.fleet.edition
        with self._lock:
            kept = self._entries.get(context.grants)
        if kept is None or kept[0] != edition:
            entries = sorted(map(_entry, context.fleet.known()), key=lambda one: (one.name, one.vm.host))
            kept = edition, entries
            with self._lock:
                self._entries[context.grants] = kept
        return kept[1]

    def _owners_of(self, context: Context) -> Mapping[str, str]:
        """By VM, the names of those whose its checkpoints are."""
        with self._lock:
            known = self._owners.get(context.grants)
        if known is None:
            known = _owners(context, context.fleet.known())
            with self._lock:
                self._owners[context.grants] = known
        return known


def option_of(seen: VMInventory) -> Option:
    """`web01 · hv01 · running`."""
    vm = seen.vm
    return Option(f"{vm.name} · {vm.host} · {vm.state.label}", vm.id)


def _entry(seen: VMInventory) -> _Entry:
    return _Entry(plain(seen.vm.name), plain(seen.vm.host), seen.vm, option_of(seen))


def _owners(context: Context, seen: Sequence[VMInventory]) -> Mapping[str, str]:
    notes = context.record.checkpoints.notes([one.id for each in seen for one in each.checkpoints])
    found = {
        each.vm.id: {note.owner_name or note.owner or "" for one in each.checkpoints if (note := notes.get(one.id))}
        for each in seen
        if each.checkpoints
    }
    return {id: plain(" ".join(sorted(names))) for id, names in found.items()}


def _ranked(entries: Iterable[_Entry], terms: Sequence[str], owners: Mapping[str, str]) -> Iterator[_Entry]:
    begin: list[_Entry] = []
    contain: list[_Entry] = []
    beside: list[_Entry] = []
    for one in entries:
        beyond = [term for term in terms if term not in one.name]
        if not beyond:
            (begin if one.name.startswith(terms[0]) else contain).append(one)
        elif all(term in one.host or term in owners.get(one.vm.id, "") for term in beyond):
            beside.append(one)
    return chain(begin, contain, beside)

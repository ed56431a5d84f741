"""The search for a VM as one types: by name, by host, and by who has checkpoints of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from threading import Lock

from cachetools import TTLCache

from backends.base import VMInventory
from bot.dispatch.views import Option
from commands.base import Context
from commands.kit.finding import plain

MOST = 100
"""Slack takes no more."""

OWNERS_KEPT = 30.0
"""Seconds: whose checkpoints are is read for all that somebody sees at once."""


class VMSearch:
    """Safe to use from many threads."""

    def __init__(self, verb: str) -> None:
        """Only VMs are found that somebody may do this to."""
        self._verb = verb
        self._owners: TTLCache[str, Mapping[str, str]] = TTLCache(64, OWNERS_KEPT)
        self._lock = Lock()

    def find(self, context: Context, text: str) -> tuple[Option, ...]:
        """The best first: names that begin with it, names with it inside, then hosts and owners."""
        terms = plain(text).split()
        seen = context.fleet.known()
        owners = self._owners_of(context, seen) if terms else {}
        ranked = sorted(
            ((rank, plain(one.vm.name), one.vm.host, one) for one in seen if (rank := _rank(one, owners, terms)) >= 0),
            key=lambda found: found[:3],
        )
        found = (option_of(one) for *_, one in ranked if context.may(self._verb, one.vm))
        return tuple(islice(found, MOST))

    def _owners_of(self, context: Context, seen: Iterable[VMInventory]) -> Mapping[str, str]:
        """By checkpoint, the name of whose it is."""
        with self._lock:
            known = self._owners.get(context.person.id)
            if known is None:
                ids = [one.id for each in seen for one in each.checkpoints]
                notes = context.record.checkpoints.notes(ids)
                known = {id: plain(note.owner_name or note.owner or "") for id, note in notes.items()}
                self._owners[context.person.id] = known
            return known


def option_of(seen: VMInventory) -> Option:
    """`web01 · hv01 · running`."""
    vm = seen.vm
    return Option(f"{vm.name} · {vm.host} · {vm.state.label}", vm.id)


def _rank(seen: VMInventory, owners: Mapping[str, str], terms: list[str]) -> int:
    """The lower the better; -1 for what does not fit."""
    name = plain(seen.vm.name)
    if not terms or name.startswith(terms[0]):
        beyond = [term for term in terms[1:] if term not in name]
    else:
        beyond = [term for term in terms if term not in name]
    if not beyond:
        return 0 if not terms or name.startswith(terms[0]) else 1
    others = f"{plain(seen.vm.host)} {' '.join(owners.get(one.id, '') for one in seen.checkpoints)}"
    return 2 if all(term in others for term in beyond) else -1

"""Finds what people name: by name, by short id or by GUID, and asks when that fits several."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Protocol, TypeVar

from backends.base import VM, Checkpoint, VMInventory
from commands.base import Context, HostStatus, NotKnown, Slip, UsageError, name
from commands.kit import meant
from commands.kit.words import say_span, short_id, typed

_ID = re.compile(r"\{?([0-9a-f]{4,8}|[0-9a-f]{8}-[0-9a-f-]{0,27})\}?")
_UNTYPEABLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

NEWEST = frozenset({"latest", "newest", "last"})
"""What the newest checkpoint is called where none has that name."""

Found = tuple[VMInventory, Checkpoint]
"""A VM, and the one of its checkpoints that was named."""


class Named(Protocol):
    """A thing with a GUID and a name."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True)
class Place:
    """A host, a cluster, or a node of a cluster."""

    host: str
    """The name of the host or cluster."""
    node: str = ""


def place_of(text: str, hosts: Iterable[HostStatus]) -> Place | None:
    """The host or cluster of that name, else the node of a cluster that is called so; None where there is none."""
    wanted, every = text.casefold(), tuple(hosts)
    if found := next((one for one in every if one.name.casefold() == wanted), None):
        return Place(found.name)
    nodes = (Place(one.name, node.name) for one in every for node in one.nodes)
    return next((place for place in nodes if place.node.casefold() == wanted), None)


def is_pattern(text: str) -> bool:
    """Whether what was typed means whatever is there: a pattern or a set, alone or in a list."""
    return "*" in text or "?" in text or any(part.lstrip().startswith("@") for part in text.split(","))


@lru_cache(maxsize=32_768)
def plain(name: str) -> str:
    """The name for comparing: Hyper-V's names differ by more than their case, and composed letters are one letter."""
    return (name if name.isascii() else unicodedata.normalize("NFKC", name)).casefold().strip()


def named(text: str, things: Iterable[Thing], normalise: Callable[[str], str] = plain) -> tuple[Thing, ...]:
    """The one whose GUID it is; else those called `text`; else those whose GUID begins with it (four hexadecimal digits
    at least). A name that is another one's GUID takes nobody's button from it."""
    everything = tuple(things)
    if is_guid(text) and (meant := tuple(thing for thing in everything if thing.id == text)):
        return meant
    wanted = normalise(text)
    if called := tuple(thing for thing in everything if wanted and normalise(thing.name) == wanted):
        return called
    identity = _ID.fullmatch(text.strip().casefold())
    return tuple(thing for thing in everything if identity and thing.id.startswith(identity[1]))


def is_guid(text: str) -> bool:
    """Whether it is a whole GUID: what buttons say, and nobody types."""
    return _GUID.fullmatch(text) is not None


def fits(name: str, pattern: str) -> bool:
    """Whether a name fits what a person typed with `*` and `?`. Brackets mean themselves: `web[1]` is a name."""
    return fnmatchcase(name.casefold(), pattern.casefold().replace("[", "[[]"))


def nearest(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three names that `text` may be a slip for."""
    by_plain = {plain(name): name for name in names}
    return tuple(by_plain[near] for near in meant.nearest(plain(text), by_plain))


def tell_apart(ids: Sequence[str]) -> tuple[str, ...]:
    """The shortest beginnings of these GUIDs, of eight characters or more, that differ from each other."""
    length = next((n for n in range(8, 36) if len({one[:n] for one in ids}) == len(set(ids))), 36)
    return tuple(one[:length] for one in ids)


def typeable(thing: Named) -> str:
    """The word to type for a VM or a checkpoint: its name, or its short id where the name cannot be typed."""
    can = thing.name == " ".join(thing.name.split()) and thing.name and not _UNTYPEABLE.search(thing.name)
    return thing.name if can else short_id(thing.id)


def listable(vm: VM) -> str:
    """The word to type for a VM in a list."""
    return short_id(vm.id) if re.search(r"[,*?]", vm.name) else typeable(vm)


def on_it(seen: VMInventory, text: str) -> tuple[Checkpoint, ...]:
    """The checkpoints of this VM that `text` may mean. `latest` is the newest that people took, where none is called
    so."""
    if found := named(text, seen.checkpoints):
        return found
    if text.casefold() not in NEWEST:
        return ()
    return tuple(one for one in seen.checkpoints if one.managed_by is None)[-1:]


def checkpoint_on(seen: VMInventory, text: str, now: datetime) -> Checkpoint:
    """The checkpoint of this VM that `text` names. Raises `NotKnown`, and `UsageError` where it names several."""
    found = on_it(seen, text)
    vm = name(seen.vm.name)
    if not found and is_guid(text):
        raise NotKnown(f"That checkpoint of {vm} has gone.", f"What it has: {typed('list', typeable(seen.vm))}.")
    if not found:
        unknown = NotKnown(f"{vm} has no checkpoint called {name(text)}.", _where_to_look(seen, text))
        if near := nearest(text, (one.name for one in seen.checkpoints)):
            unknown.slips = (Slip(text, near, last=True),)
        raise unknown
    if len(found) > 1:
        ids = tell_apart([one.id for one in found])
        listed = ", ".join(f"{id} ({say_span(now - one.created)} old)" for id, one in zip(ids, found, strict=True))
        sentence = f"{vm} on {name(seen.vm.host)} has {len(found)} checkpoints that {name(text)} may mean."
        raise UsageError(sentence, f"Type the short id of one in its place: {listed}.")
    return found[0]


def one_checkpoint(context: Context, vm: str, checkpoint: str, *, disks: bool = False) -> Found:
    """The checkpoint of one VM, looked up on its host."""
    seen = context.fleet.look(context.fleet.find_one(vm), disks=disks)
    return seen, checkpoint_on(seen, checkpoint, context.now)


def _where_to_look(seen: VMInventory, text: str) -> str:
    every = typed("list", typeable(seen.vm))
    if not seen.checkpoints:
        return f"It has none: {typed('create', typeable(seen.vm))} takes one."
    if near := nearest(text, (one.name for one in seen.checkpoints)):
        return f"Did you mean {' or '.join(map(name, near))}? All of them: {every}."
    newest = seen.checkpoints[-1]
    return f"Its newest is {name(newest.name)} ({short_id(newest.id)}). All of them: {every}."

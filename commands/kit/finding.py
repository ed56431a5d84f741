"""Finds what people name: by name, by short id or by GUID, and asks when that fits several."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol, TypeVar

from backends.base import Checkpoint, VMInventory
from commands.base import Context, NotKnown, UsageError
from commands.kit.words import say_names, say_span, short_id, typed

_ID = re.compile(r"\{?([0-9a-f]{4,8}|[0-9a-f]{8}-[0-9a-f-]{0,27})\}?")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Found = tuple[VMInventory, Checkpoint]
"""A VM, and the one of its checkpoints that was named."""


class Named(Protocol):
    """A thing with a GUID and a name."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


def plain(name: str) -> str:
    """The name for comparing: Hyper-V's names differ by more than their case, and composed letters are one letter."""
    return unicodedata.normalize("NFKC", name).casefold().strip()


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


def covering(patterns: Iterable[str], name: str) -> str | None:
    """The first of the settings' patterns that is this name or fits it. In settings, `[12]` is either of the two."""
    return next((p for p in patterns if plain(p) == plain(name) or fnmatchcase(plain(name), plain(p))), None)


def nearest(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Up to three names that `text` may be a slip for."""
    by_plain = {plain(name): name for name in names}
    return tuple(by_plain[near] for near in difflib.get_close_matches(plain(text), by_plain, n=3))


def tell_apart(ids: Sequence[str]) -> tuple[str, ...]:
    """The shortest beginnings of these GUIDs, of eight characters or more, that differ from each other."""
    length = next((n for n in range(8, 36) if len({one[:n] for one in ids}) == len(set(ids))), 36)
    return tuple(one[:length] for one in ids)


def checkpoint_on(seen: VMInventory, text: str, now: datetime) -> Checkpoint:
    """The checkpoint of this VM that `text` names. Raises `NotKnown`, and `UsageError` where it names several."""
    found = named(text, seen.checkpoints)
    if not found and is_guid(text):
        raise NotKnown(f"That checkpoint of {seen.vm.name} has gone.", f"What it has: {typed('list', seen.vm.name)}.")
    if not found:
        raise NotKnown(f"{seen.vm.name} has no checkpoint called {text}.", _where_to_look(seen, text))
    if len(found) > 1:
        ids = tell_apart([one.id for one in found])
        listed = ", ".join(f"{id} ({say_span(now - one.created)} old)" for id, one in zip(ids, found, strict=True))
        sentence = f"{seen.vm.name} on {seen.vm.host} has {len(found)} checkpoints that {text} may mean."
        raise UsageError(sentence, f"Type the short id of one in its place: {listed}.")
    return found[0]


def one_checkpoint(context: Context, vm: str, checkpoint: str, *, disks: bool = False) -> Found:
    """The checkpoint of one VM, looked up on its host."""
    seen = context.fleet.look(context.fleet.find_one(vm), disks=disks)
    return seen, checkpoint_on(seen, checkpoint, context.now)


def checkpoints(context: Context, vms: str, checkpoint: str) -> tuple[Found, ...]:
    """The checkpoint of that name on each of the VMs, looked up on their hosts.

    Raises `NotKnown` that names every VM which has none: a group is changed as a whole or not at all.
    """
    everyone = context.fleet.look_all(context.fleet.find(vms))
    without = [seen.vm.name for seen in everyone if not named(checkpoint, seen.checkpoints)]
    if without and len(everyone) > 1:
        verb = "has" if len(without) == 1 else "have"
        raise NotKnown(
            f"{say_names(without)} {verb} no checkpoint called {checkpoint}.",
            "Name only VMs that have it: a group is changed as a whole or not at all.",
        )
    return tuple((seen, checkpoint_on(seen, checkpoint, context.now)) for seen in everyone)


def _where_to_look(seen: VMInventory, text: str) -> str:
    if not seen.checkpoints:
        return f"It has none: {typed('create', seen.vm.name)} takes one."
    if near := nearest(text, (one.name for one in seen.checkpoints)):
        return f"Did you mean {' or '.join(near)}? All of them: {typed('list', seen.vm.name)}."
    newest = seen.checkpoints[-1]
    return f"Its newest is {newest.name} ({short_id(newest.id)}). All of them: {typed('list', seen.vm.name)}."

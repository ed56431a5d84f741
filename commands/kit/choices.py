"""What to choose from where a command was typed without its checkpoint, or without how long it is kept."""

from __future__ import annotations

from backends.base import VMInventory
from commands.base import Button, Context, Footnote, Heading, Item, Part, Reply, name, say
from commands.kit import refusals
from commands.kit.finding import one_checkpoint, plain, typeable
from commands.kit.kinds import UNKNOWN, say_kind
from commands.kit.telling import age, keep_buttons, kept, written
from commands.kit.words import say_count, say_span, short_id, typed

MOST = 10
"""Checkpoints that are shown with a button."""

PRESSABLE = frozenset({"apply", "delete", "show"})
"""Commands that need a checkpoint and nothing else."""


def to_choose(context: Context, verb: str, vms: str) -> Reply:
    """The checkpoints that the command may mean, the newest first, each with what does it. Raises what finding the VMs
    raises."""
    everyone = context.fleet.look_all(context.fleet.find(vms))
    if len(everyone) > 1:
        return _shared_names(verb, vms, everyone)
    (seen,) = everyone
    vm = name(seen.vm.name)
    if not seen.checkpoints:
        return say(f"{vm} has no checkpoints. {typed('create', typeable(seen.vm))} takes one.")
    newest_first = tuple(reversed(seen.checkpoints))
    notes = context.record.checkpoints.notes([one.id for one in newest_first])
    parts: list[Part] = [Heading(f"Which checkpoint of {vm}?")]
    for one in newest_first[:MOST]:
        size = written(seen, one)
        told = (f"{age(one, context.now)} old", say_kind(one, notes.get(one.id, UNKNOWN)), short_id(one.id), size)
        button = (Button(verb.capitalize(), verb, one.id),) if verb in PRESSABLE else ()
        parts.append(Item(name(one.name), " · ".join(fact for fact in told if fact), button))
    more = f"{say_count(len(newest_first) - MOST, 'older one')} too. " if len(newest_first) > MOST else ""
    example = typed(verb, typeable(seen.vm), typeable(newest_first[0]))
    return Reply((*parts, Footnote(f"{more}Or type its name or short id: {example}")))


def how_long(context: Context, vm: str, checkpoint: str) -> Reply:
    """The spans that a checkpoint may be kept for, each with what does it. Raises what finding it raises."""
    seen, found = one_checkpoint(context, vm, checkpoint)
    refusals.managed(seen, found, "keep")
    longest = context.policy.keep_longest
    note = context.record.checkpoints.notes([found.id]).get(found.id, UNKNOWN)
    told = (f"{age(found, context.now)} old", say_kind(found, note), kept(note))
    item = Item(name(found.name), " · ".join(fact for fact in told if fact), keep_buttons(found.id, longest))
    spans = ("3d", "2w", *(["forever"] if longest is None else []))
    typed_so = " or ".join(typed("keep", typeable(seen.vm), typeable(found), span) for span in spans)
    most = f" The settings keep it for {say_span(longest)} at the most." if longest else ""
    heading = f"How long is {name(found.name)} of {name(seen.vm.name)} wanted?"
    return Reply((Heading(heading), item, Footnote(f"Or type it: {typed_so}.{most}")))


def _shared_names(verb: str, vms: str, everyone: tuple[VMInventory, ...]) -> Reply:
    """Of a group, the names that all of it has."""
    have = [{plain(one.name) for one in seen.checkpoints} for seen in everyone]
    shared = [one for one in reversed(everyone[0].checkpoints) if all(plain(one.name) in names for names in have)]
    if not shared:
        return say(f"These {len(everyone)} VMs have no checkpoint of the same name.")
    items = (Item(name(one.name), typed(verb, vms, typeable(one))) for one in shared[:MOST])
    return Reply((Heading(f"Which checkpoint of these {len(everyone)} VMs?"), *items))

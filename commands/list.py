"""`/checkpoint list`: the checkpoints of a VM as a tree, or of many VMs as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from backends.base import Checkpoint, VMInventory
from commands.base import CheckpointNote, Context, Footnote, Heading, Part, Reply, Table, Tree, UsageError, say
from commands.kit.options import share_option
from commands.kit.telling import UNKNOWN, age, is_stale, kept, kind, owner, written
from commands.kit.words import say_count, say_names, say_span, say_time, short_id, typed

MOST_ROWS = 60
"""Rows of a table; a message holds about 9,000 characters."""

Notes = Mapping[str, CheckpointNote]


@click.command(epilog="list\nlist web01\nlist web* --share\nlist --stale --host hv01")
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option("--stale", is_flag=True, help="Only checkpoints that have been there too long and that nobody keeps.")
@click.option("--host", metavar="hv01", help="Only VMs on this host.")
@share_option
@click.pass_obj
def command(context: Context, vm: str | None, stale: bool, host: str | None, share: bool) -> Reply:
    """The checkpoints of a VM as a tree with the place where it is now, or many VMs as a table."""
    host = _host(context, host)
    found = context.fleet.find(vm) if vm else None
    if found and len(found) == 1 and not stale and host in (None, found[0].host):
        parts = _one(context, context.fleet.look(found[0], disks=True))
    else:
        wanted = None if found is None else {one.id for one in found}
        everyone = context.fleet.all(host=host, disks=stale)
        seen = [one for one in everyone if wanted is None or one.vm.id in wanted]
        notes = context.record.checkpoints.notes([c.id for one in seen for c in one.checkpoints])
        parts = (*(_stale if stale else _many)(context, seen, notes), *_down(context, host))
    return Reply(parts, shared=share)


def _host(context: Context, text: str | None) -> str | None:
    """The configured name of the host that was typed."""
    if text is None:
        return None
    names = {host.name.casefold(): host.name for host in context.fleet.hosts()}
    if text.casefold() not in names:
        raise UsageError(f"There is no host called {text}.", f"The hosts are {say_names([*names.values()])}.")
    return names[text.casefold()]


def _one(context: Context, seen: VMInventory) -> tuple[Part, ...]:
    vm = seen.vm
    if not seen.checkpoints:
        return say(f"{vm.name} on {vm.host} has no checkpoints. {typed(vm.name)} takes one.").parts
    notes = context.record.checkpoints.notes([one.id for one in seen.checkpoints])
    parts: list[Part] = [
        Heading(f"{vm.name} on {vm.host}"),
        Tree(tuple(_tree(context, seen, notes))),
        Footnote(f"{vm.name} is {vm.state.label} and takes {vm.checkpoint_type.label} checkpoints."),
    ]
    if vm.merging:
        parts.append(Footnote("Disks are being merged after a delete."))
    return tuple(parts)


def _tree(
    context: Context, seen: VMInventory, notes: Notes, under: str | None = None, indent: str = ""
) -> Iterator[str]:
    """The checkpoints under one, and where the VM is now, drawn with branches."""
    children = seen.children(under)
    here = seen.vm.current_id == under
    for number, child in enumerate(children, start=1):
        last = number == len(children) and not here
        yield f"{indent}{'└─' if last else '├─'} {_line(context, seen, child, notes.get(child.id, UNKNOWN))}"
        yield from _tree(context, seen, notes, child.id, f"{indent}{'   ' if last else '│  '}")
    if here:
        yield f"{indent}└─ ● you are here"


def _line(context: Context, seen: VMInventory, one: Checkpoint, note: CheckpointNote) -> str:
    by = "" if one.managed_by else f"by {owner(note)}"
    stale = "stale" if is_stale(one, note, context.policy, context.now) else ""
    facts = (one.name, short_id(one.id), f"{age(one, context.now)} old", kind(one, note), by, kept(note))
    size = written(seen, one)
    return " · ".join(fact for fact in (*facts, f"{size} since" if size else "", stale) if fact)


def _many(context: Context, seen: Sequence[VMInventory], notes: Notes) -> tuple[Part, ...]:
    rows = [
        (
            one.vm.name,
            one.vm.host,
            one.vm.state.label,
            str(len(one.checkpoints)),
            age(one.checkpoints[0], context.now) if one.checkpoints else "",
            str(sum(is_stale(c, notes.get(c.id, UNKNOWN), context.policy, context.now) for c in one.checkpoints) or ""),
        )
        for one in sorted(seen, key=lambda one: (one.vm.name.casefold(), one.vm.host))
    ]
    title = f"{say_count(len(seen), 'VM')}, {say_count(sum(len(one.checkpoints) for one in seen), 'checkpoint')}"
    return _table(title, ("VM", "Host", "State", "Checkpoints", "Oldest", "Stale"), rows, "There is no VM in sight.")


def _stale(context: Context, seen: Sequence[VMInventory], notes: Notes) -> tuple[Part, ...]:
    now = context.now
    stale = [
        (one, c) for one in seen for c in one.checkpoints if is_stale(c, notes.get(c.id, UNKNOWN), context.policy, now)
    ]
    stale.sort(key=lambda found: found[1].created)
    rows = [
        (one.vm.name, c.name, short_id(c.id), age(c, now), written(one, c), owner(notes.get(c.id, UNKNOWN)))
        for one, c in stale
    ]
    columns = ("VM", "Checkpoint", "Short id", "Age", "Written since", "Owner")
    return _table(say_count(len(rows), "stale checkpoint"), columns, rows, "Nothing is stale.")


def _table(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], nothing: str) -> tuple[Part, ...]:
    if not rows:
        return say(nothing).parts
    parts: tuple[Part, ...] = (Heading(title), Table(columns, tuple(rows[:MOST_ROWS])))
    if len(rows) > MOST_ROWS:
        more = f"… and {len(rows) - MOST_ROWS} more: name fewer with a pattern, such as {typed('list', 'web*')}."
        parts += (Footnote(more),)
    return parts


def _down(context: Context, host: str | None) -> Iterator[Footnote]:
    """A line for each host that did not answer: what it has is shown as last seen, or missing."""
    for status in context.fleet.hosts():
        if not status.reachable and host in (None, status.name):
            when = f"shown as seen at {say_time(status.seen_at)}" if status.seen_at else "so its VMs are missing here"
            yield Footnote(f"{status.name} could not be asked, {when}. {status.problem}".strip())
        elif host in (None, status.name):
            yield from (Footnote(f"{status.name}: {gap}") for gap in status.gaps)
            if status.age is not None and status.age.total_seconds() >= 1:
                yield Footnote(f"{status.name} is shown as it was {say_span(status.age)} ago.")

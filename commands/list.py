"""`/checkpoint list`: the checkpoints of a VM as a tree, or of many VMs as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click

from backends.base import Checkpoint, VMInventory
from commands.base import (
    CheckpointNote,
    Context,
    Footnote,
    Heading,
    Paragraph,
    Part,
    Reply,
    Table,
    Tree,
    UsageError,
    name,
    say,
    unmarked,
)
from commands.kit import forecast
from commands.kit.finding import typeable
from commands.kit.options import share_option
from commands.kit.telling import UNKNOWN, age, is_stale, kept, kind, owner, written
from commands.kit.words import say_count, say_names, say_span, say_time, short_id, typed

MOST_ROWS = 60
"""Rows of a table; a message holds about 9,000 characters."""

MOST_TREE = 7_500
"""Characters of a tree, for the same reason."""

WIDTH = 36
"""Characters of a line of facts, as a phone shows them."""

Notes = Mapping[str, CheckpointNote]


ALIASES = ("status",)


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
        filling = map(Footnote, forecast.volumes(context, [one.vm for one in seen]))
        parts = (*(_stale if stale else _many)(context, seen, notes), *filling, *_down(context, host))
    return Reply(parts, shared=share)


def _host(context: Context, text: str | None) -> str | None:
    """The configured name of the host that was typed."""
    if text is None:
        return None
    names = {host.name.casefold(): host.name for host in context.fleet.hosts()}
    if text.casefold() not in names:
        raise UsageError(f"There is no host called {name(text)}.", f"The hosts are {say_names([*names.values()])}.")
    return names[text.casefold()]


def _one(context: Context, seen: VMInventory) -> tuple[Part, ...]:
    vm = seen.vm
    if not seen.checkpoints:
        return say(
            f"{name(vm.name)} on {name(vm.host)} has no checkpoints. {typed('create', typeable(vm))} takes one."
        ).parts
    notes = context.record.checkpoints.notes([one.id for one in seen.checkpoints])
    lines, cut = _tree(context, seen, notes)
    parts: list[Part] = [
        Heading(f"{name(vm.name)} on {name(vm.host)}"),
        Tree(lines),
        Footnote(f"It is {vm.state.label} and takes {vm.checkpoint_type.label} checkpoints."),
    ]
    if cut:
        what = typed("show", typeable(vm), "<checkpoint>")
        parts.append(Paragraph(f"What is known of the older ones is left out here: {what} tells it."))
    if vm.merging:
        parts.append(Footnote("Disks are being merged after a delete."))
    return (*parts, *map(Footnote, forecast.sentences(context, [vm])))


def _tree(context: Context, seen: VMInventory, notes: Notes) -> tuple[tuple[str, ...], bool]:
    """The checkpoints and the place where the VM is now, oldest first, and whether facts had to be left out: where all
    is too much for a message, those of the oldest are."""
    newest_first = [one.id for one in reversed(seen.checkpoints)]
    for many in (len(newest_first), 30, 20, 12, 6, 0):
        lines = tuple(_branch(context, seen, notes, None, frozenset(newest_first[:many])))
        if sum(len(line) + 1 for line in lines) <= MOST_TREE:
            break
    return lines, many < len(newest_first)


def _branch(
    context: Context, seen: VMInventory, notes: Notes, under: str | None, told: frozenset[str]
) -> Iterator[str]:
    """What hangs under a checkpoint. A straight chain goes straight down; only a branch that leads elsewhere is
    indented, and the way to where the VM is now, else to the newest, never is."""
    children = seen.children(under)
    here = seen.vm.current_id == under
    if not children and not here:
        return
    straight = None if here else _straight_on(seen, children)
    for child in children:
        if child is not straight:
            side = [*_node(context, seen, child, notes, told), *_branch(context, seen, notes, child.id, told)]
            yield f"├─{side[0]}"
            yield from (f"│ {line}" for line in side[1:])
    if here:
        yield "● you are here"
    elif straight is not None:
        yield from _node(context, seen, straight, notes, told)
        yield from _branch(context, seen, notes, straight.id, told)


def _straight_on(seen: VMInventory, children: Sequence[Checkpoint]) -> Checkpoint:
    """The one of them that leads to where the VM is now, else the newest."""
    leading = [one for one in children if any(under.id == seen.vm.current_id for under in seen.subtree(one.id))]
    return (leading or children)[-1]


def _node(context: Context, seen: VMInventory, one: Checkpoint, notes: Notes, told: frozenset[str]) -> Iterator[str]:
    """A checkpoint's name, and what is known of it in short lines under it."""
    yield f"○ {unmarked(name(one.name))}"
    rail = "│ " if seen.children(one.id) or seen.vm.current_id == one.id else "  "
    facts = _facts(context, seen, one, notes.get(one.id, UNKNOWN)) if one.id in told else [short_id(one.id)]
    line = ""
    for fact in facts:
        if line and len(line) + len(fact) > WIDTH:
            yield f"{rail}{line}"
            line = ""
        line = f"{line} · {fact}" if line else fact
    yield f"{rail}{line}"


def _facts(context: Context, seen: VMInventory, one: Checkpoint, note: CheckpointNote) -> list[str]:
    by = "" if one.managed_by else f"by {owner(note)}" if note.owner else "owner unknown"
    stale = "stale" if is_stale(one, note, context.policy, context.now) else ""
    size = written(seen, one)
    facts = (
        short_id(one.id),
        f"{age(one, context.now)} old",
        kind(one, note),
        by,
        kept(note),
        f"{size} since" if size else "",
        stale,
    )
    return [fact for fact in facts if fact]


def _many(context: Context, seen: Sequence[VMInventory], notes: Notes) -> tuple[Part, ...]:
    shown = sorted(seen, key=lambda one: (one.vm.name.casefold(), one.vm.host))
    rates = context.growth.of_vms([one.vm.id for one in shown[:MOST_ROWS]])
    rows = [
        (
            one.vm.name,
            one.vm.host,
            one.vm.state.label,
            str(len(one.checkpoints)),
            age(one.checkpoints[0], context.now) if one.checkpoints else "",
            str(sum(is_stale(c, notes.get(c.id, UNKNOWN), context.policy, context.now) for c in one.checkpoints) or ""),
            *([forecast.a_day(rates[one.vm.id]) if one.vm.id in rates else ""] if rates else []),
        )
        for one in shown
    ]
    title = f"{say_count(len(seen), 'VM')}, {say_count(sum(len(one.checkpoints) for one in seen), 'checkpoint')}"
    columns = ("VM", "Host", "State", "Checkpoints", "Oldest", "Stale", *(["Writes"] if rates else []))
    return _table(title, columns, rows, "There is no VM in sight.")


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

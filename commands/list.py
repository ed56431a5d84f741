"""`/checkpoint list`: the checkpoints of a VM as a tree, or of many VMs as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from backends.base import VM, Checkpoint, VMInventory
from commands.base import (
    Actions,
    Button,
    CheckpointNote,
    Context,
    Figure,
    Footnote,
    Heading,
    Paragraph,
    Part,
    Rate,
    Reply,
    Tree,
    UsageError,
    name,
    say,
    unmarked,
)
from commands.base.context import SCANNED_EVERY
from commands.base.health import Verdict
from commands.kit import forecast, pages
from commands.kit.finding import Place, place_of, typeable
from commands.kit.kinds import UNKNOWN, say_kind
from commands.kit.options import share_option
from commands.kit.pages import PAGE, Cell, Row
from commands.kit.telling import (
    age,
    claim_button,
    how_long,
    is_stale,
    is_unclaimed,
    kept,
    known,
    owned,
    owner,
    written,
)
from commands.kit.words import say_count, say_names, say_span, say_time, short_id, typed

MOST_TREE = 7_500
"""Characters of a tree, for the same reason."""

WIDTH = 36
"""Characters of a line of facts, as a phone shows them."""

MOST_IN_MENU = 20
"""Checkpoints of a tree that can be chosen beneath it."""

A_CHOICE = 90
"""Characters that one of them takes: fewer can be chosen where the tree is long."""

MOST_CLAIMED = 10
"""Checkpoints with a button of their own."""

MOST_OLD = 3
"""Hosts that were not asked just now, with a line each."""

Notes = Mapping[str, CheckpointNote]


@dataclass(frozen=True, slots=True)
class Only:
    """What is asked of the checkpoints to list: all of it must hold."""

    stale: bool
    mine: bool
    unclaimed: bool

    @property
    def anything(self) -> bool:
        return self.stale or self.mine or self.unclaimed

    @property
    def words(self) -> str:
        """What one of them is called."""
        return f"{'stale ' * self.stale}{'unclaimed ' * self.unclaimed}checkpoint"

    @property
    def nothing(self) -> str:
        """What is said where there is none."""
        if self.mine:
            return f"No {self.words} is yours."
        return "Nothing is stale." if not self.unclaimed else f"There is no {self.words}."

    def has(self, context: Context, one: Checkpoint, note: CheckpointNote) -> bool:
        return (
            (not self.stale or is_stale(one, note, context.policy, context.now))
            and (not self.mine or note.owner == context.person.id)
            and (not self.unclaimed or is_unclaimed(one, note))
        )


ALIASES = ("status",)


@click.command(epilog="list\nlist web01\nlist web* --share\nlist --stale --host hv01\nlist --mine\nlist --unclaimed")
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option("--stale", is_flag=True, help="Only checkpoints that have been there too long and that nobody keeps.")
@click.option("--mine", is_flag=True, help="Only checkpoints that are yours: you took them, or claimed them.")
@click.option("--unclaimed", is_flag=True, help="Only checkpoints that nobody looks after, or nobody any more.")
@click.option("--host", metavar="hv01", help="Only VMs on this host or cluster, or on this node of a cluster now.")
@pages.page_option
@share_option
@click.pass_obj
def command(
    context: Context,
    *,
    vm: str | None,
    stale: bool,
    mine: bool,
    unclaimed: bool,
    host: str | None,
    page: int,
    share: bool,
) -> Reply:
    """The checkpoints of a VM as a tree with the place where it is now, or many VMs as a table."""
    place = _place(context, host)
    host = place.host if place else None
    found = context.fleet.find(vm) if vm else None
    only = Only(stale, mine, unclaimed)
    if found and len(found) == 1 and not only.anything and _is_on(place, found[0]):
        parts = _one(context, context.fleet.look(found[0], disks=True))
    else:
        wanted = None if found is None else {one.id for one in found}
        everyone = context.fleet.all(host=host, disks=only.anything)
        seen = [one for one in everyone if (wanted is None or one.vm.id in wanted) and _is_on(place, one.vm)]
        filling = map(Footnote, forecast.volumes(context, [one.vm for one in seen]))
        typed_host = (place.node or place.host) if place else None
        at = _At(page, _words(vm=vm, only=only, host=typed_host, share=share))
        told = _chosen(context, seen, only, at) if only.anything else _many(context, seen, at)
        parts = (*told, *filling, *_down(context, host, disks=only.anything))
    return Reply(parts, shared=share)


def _place(context: Context, text: str | None) -> Place | None:
    """The host, cluster or node that was typed."""
    if text is None:
        return None
    hosts = context.fleet.hosts()
    found = place_of(text, hosts)
    if found is None:
        known = say_names([host.name for host in hosts])
        raise UsageError(f"There is no host called {name(text)}.", f"The hosts are {known}.")
    return found


def _is_on(place: Place | None, vm: VM) -> bool:
    return place is None or (vm.host == place.host and place.node in ("", vm.node))


def _one(context: Context, seen: VMInventory) -> tuple[Part, ...]:
    vm = seen.vm
    if not seen.checkpoints:
        none = f"{name(vm.name)} on {name(vm.host)} has no checkpoints. {typed('create', typeable(vm))} takes one."
        return (*_unsound(context, [seen]), *say(none).parts)
    notes = known(context, seen.checkpoints)
    node = f" on {name(vm.node)}" if vm.node else ""
    lines, cut = _tree(context, seen, notes)
    parts: list[Part] = [
        Heading(f"{name(vm.name)} on {name(vm.host)}"),
        *_unsound(context, [seen]),
        Tree(lines),
        Footnote(f"It is {vm.state.label}{node} and takes {vm.checkpoint_type.label} checkpoints."),
    ]
    if cut:
        what = typed("show", typeable(vm), "<checkpoint>")
        parts.append(Paragraph(f"What is known of the older ones is left out here: {what} tells it."))
    room = (MOST_TREE - sum(len(line) + 1 for line in lines)) // A_CHOICE
    shown = tuple(reversed(seen.checkpoints))[: max(0, min(room, MOST_IN_MENU))]
    newest_first = [Row((), one.name, one.id) for one in shown]
    parts += pages.menu("Choose checkpoints, the newest first", newest_first, _acts(context, [seen]))
    free = [one for one in seen.checkpoints if is_unclaimed(one, notes.get(one.id, UNKNOWN))]
    if free:
        newest = free[: -MOST_CLAIMED - 1 : -1]
        parts.append(Actions(tuple(claim_button(one, f"Claim {one.name}") for one in newest)))
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
    by = "" if one.managed_by else owned(note)
    stale = "stale" if is_stale(one, note, context.policy, context.now) else ""
    size = written(seen, one)
    facts = (
        short_id(one.id),
        f"{age(one, context.now)} old",
        say_kind(one, note),
        by,
        kept(note),
        f"{size} since" if size else "",
        stale,
    )
    return [fact for fact in facts if fact]


@dataclass(frozen=True, slots=True)
class _At:
    """A page, and the command without it."""

    page: int
    words: tuple[str, ...]


def _words(*, vm: str | None, only: Only, host: str | None, share: bool) -> tuple[str, ...]:
    """The command as it was typed, without its page."""
    flags = {"--stale": only.stale, "--mine": only.mine, "--unclaimed": only.unclaimed, "--share": share}
    words = ["list", *(flag for flag, given in flags.items() if given), *([f"--host={host}"] if host else [])]
    return (*words, *([vm] if vm is not None else []))


def _many(context: Context, seen: Sequence[VMInventory], at: _At) -> tuple[Part, ...]:
    notes = context.record.checkpoints.notes([c.id for one in seen for c in one.checkpoints])
    shown = sorted(seen, key=lambda one: (one.vm.name.casefold(), one.vm.host))
    on_page = pages.of_page(shown, at.page)
    rates = context.growth.of_vms([one.vm.id for one in on_page])
    title = f"{say_count(len(seen), 'VM')}, {say_count(sum(len(one.checkpoints) for one in seen), 'checkpoint')}"
    columns = ("VM", "Host", "State", "Checkpoints", "Oldest", "Stale", *(["Writes"] if rates else []))
    rows = [Row(_facts_of_vm(context, one, notes, rates), one.vm.name, one.vm.id) for one in on_page]
    if not seen:
        return say("There is no VM in sight.").parts
    told = _table(title, columns, rows, len(seen), at)
    menu = pages.menu("Choose a VM, to see its checkpoints", rows, (Button("Show", "list", ""),))
    return (*_unsound(context, shown), *told, *menu)


def _facts_of_vm(context: Context, one: VMInventory, notes: Notes, rates: Mapping[str, Rate]) -> tuple[Cell, ...]:
    stale = sum(is_stale(c, notes.get(c.id, UNKNOWN), context.policy, context.now) for c in one.checkpoints)
    oldest = one.checkpoints[0] if one.checkpoints else None
    rate = rates.get(one.vm.id)
    return (
        one.vm.name,
        one.vm.host,
        one.vm.state.label,
        Figure(len(one.checkpoints), str(len(one.checkpoints))),
        _old(context, oldest) if oldest else Figure(0, "–"),
        Figure(stale, str(stale or "–")),
        *([Figure(rate.per_day, forecast.a_day(rate)) if rate else Figure(0, "–")] if rates else []),
    )


def _old(context: Context, one: Checkpoint) -> Figure:
    """An age, by which its column is sorted."""
    return Figure(max(0, int((context.now - one.created).total_seconds())), age(one, context.now))


def _chosen(context: Context, seen: Sequence[VMInventory], only: Only, at: _At) -> tuple[Part, ...]:
    """Those that are asked for, oldest first."""
    notes = known(context, [c for one in seen for c in one.checkpoints])
    found = [(one, c) for one in seen for c in one.checkpoints if only.has(context, c, notes.get(c.id, UNKNOWN))]
    found.sort(key=lambda pair: (pair[1].created, pair[1].id))
    on_page = pages.of_page(found, at.page)
    cells = [_row(context, one, c, notes.get(c.id, UNKNOWN)) for one, c in on_page]
    rows = [Row(row, f"{one.vm.name}: {c.name}", c.id) for row, (one, c) in zip(cells, on_page, strict=True)]
    columns = ("VM", "Checkpoint", "Short id", "Kind", "Age", "Written since", "Owner", "Kept")
    title = f"{say_count(len(found), only.words)}{' of yours' * only.mine}"
    if not found:
        return say(only.nothing).parts
    parts = _table(title, columns, rows, len(found), at)
    menu = tuple(pages.menu("Choose checkpoints", rows, _acts(context, [one for one, _ in on_page])))
    claim = tuple(claim_button(c, f"Claim {c.name} of {one.vm.name}") for one, c in on_page[:MOST_CLAIMED])
    return (*parts, *menu, *([Actions(claim)] if only.unclaimed and claim else []))


def _acts(context: Context, seen: Sequence[VMInventory]) -> tuple[Button, ...]:
    """What somebody may do with a checkpoint of any of these VMs."""

    def may(verb: str) -> bool:
        return any(context.may(verb, one.vm) for one in seen)

    buttons = (
        (True, Button("Show", "show", "")),
        (may("apply"), Button("Apply …", "form-apply", "")),
        (may("keep"), Button("Keep …", "form-keep", "")),
        (may("keep"), Button("Claim …", "form-claim", "")),
        (may("delete"), Button("Delete …", "form-delete", "", "danger")),
    )
    return tuple(button for offered, button in buttons if offered)


def _row(context: Context, seen: VMInventory, one: Checkpoint, note: CheckpointNote) -> tuple[Cell, ...]:
    since = seen.growth_since(one.id)
    return (
        seen.vm.name,
        one.name,
        short_id(one.id),
        say_kind(one, note),
        _old(context, one),
        Figure(since or 0, written(seen, one) or "–"),
        owner(note),
        how_long(note),
    )


def _unsound(context: Context, seen: Sequence[VMInventory]) -> Iterator[Part]:
    """First what nobody may touch, then what somebody should look at."""
    verdicts = context.health.kept([one.vm for one in seen])
    for verdict, said in ((Verdict.HOLD, "on Hold: do not touch or restart"), (Verdict.LOOK, "to be looked at")):
        if names := [one.vm_name for one in verdicts.values() if one.verdict is verdict]:
            yield Paragraph(f"{verdict.mark} {say_names(names)} {'is' if len(names) == 1 else 'are'} {said}.")
    if names := [one.vm_name for one in verdicts.values() if one.verdict is Verdict.CANNOT_TELL and one.at]:
        yield Footnote(f"{Verdict.CANNOT_TELL.mark} Nobody can tell how sound {say_names(names)} may be.")
    if broken := [f"{name(c.name)} of {name(one.vm.name)}" for one in seen for c in one.checkpoints if c.missing]:
        which = f"{say_names(broken)} {'is' if len(broken) == 1 else 'are'} broken"
        yield Paragraph(f"⚠️ {which}: Hyper-V does not find the files. Look at them on the host first.")


def _table(title: str, columns: tuple[str, ...], rows: Sequence[Row], of: int, at: _At) -> tuple[Part, ...]:
    """A page of so many rows in all."""
    if not rows:
        return (*say("Nothing more.").parts, *pages.turn(at.words, -(-of // PAGE) + 1, more=False))
    span = f": {(at.page - 1) * PAGE + 1} to {(at.page - 1) * PAGE + len(rows)}" if of > PAGE else ""
    return (
        pages.table(f"{title}{span}", columns, rows),
        *pages.turn(at.words, at.page, more=at.page * PAGE < of),
    )


def _down(context: Context, host: str | None, *, disks: bool) -> Iterator[Footnote]:
    """A line for each host that did not answer, or not in full, or not just now: what it has is shown as last seen, or
    missing. Of many that were not asked just now it is one line."""
    statuses = [one for one in context.fleet.hosts(disks=disks) if host in (None, one.name)]
    for status in statuses:
        if not status.reachable:
            when = f"shown as seen at {say_time(status.seen_at)}" if status.seen_at else "so its VMs are missing here"
            yield Footnote(f"{name(status.name)} could not be asked, {when}. {status.problem}".strip())
        else:
            yield from (Footnote(f"{name(status.name)}: {gap}") for gap in status.gaps)
    old = [(one.name, one.age) for one in statuses if one.reachable and one.age and one.age > SCANNED_EVERY]
    if len(old) > MOST_OLD:
        oldest = say_span(max(age for _, age in old))
        yield Footnote(f"{say_count(len(old), 'host')} are shown as they were some time ago: {oldest} at the most.")
    else:
        yield from (Footnote(f"{name(one)} is shown as it was {say_span(age)} ago.") for one, age in old)

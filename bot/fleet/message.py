"""The digest as a message: one line of truth first, then what needs a look by its weight, with what to do about it.

The order: what was seen, VMs on Hold, what could not be seen, VMs to be looked at, volumes that fill, checkpoints and
disks in trouble, the worst stale ones by owner, the rest in a table that folds, what has been solved, and how much
checkpoints held. Functions of values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from backends.base import Volume
from bot.fleet.digest import Digest, Solved, Stale
from commands.base import (
    Actions,
    Button,
    Chart,
    Figure,
    Filling,
    Footnote,
    Heading,
    Item,
    Paragraph,
    Part,
    Reply,
    Table,
    is_person,
    name,
)
from commands.base.health import VMHealth
from commands.kit.forecast import a_day, free, when_full
from commands.kit.kinds import Kind, kind_of
from commands.kit.soundness import FIRST, NOT, how_to_see
from commands.kit.telling import age, keep_buttons, owned, owner
from commands.kit.words import say_count, say_names, say_size, say_time, typed

MOST_ITEMS = 10
"""Checkpoints with a menu of their own."""

MOST_FOLDED = 30
"""Rows of the table that folds; where there are more, the thread has them."""

MOST_LINES = 4
"""Lines of one kind: volumes, hosts that were not seen."""

MOST_HELD = 10
"""Lines of VMs on Hold: nobody may miss one for want of room."""

ROWS_A_TABLE, TABLES = 80, 3
"""What the thread of a large digest has."""

LONGEST = 60
"""Characters of a name or a reason in a line that is to be scanned."""

GB = 1024.0**3
COLUMNS = ("VM", "Checkpoint", "Age", "Written since", "Owner")


def as_reply(digest: Digest, *, with_thread: bool = False) -> Reply:
    """The digest as a message. Where the rest is in its thread, it says so."""
    stale = sorted(digest.stale[:MOST_ITEMS], key=_weight(digest))
    parts: list[Part] = [Heading("Checkpoint digest"), Paragraph(_truth(digest))]
    parts += [Paragraph(line) for line in _hold(digest)]
    parts += [Footnote(line) for line in _unseen(digest)]
    parts += [Paragraph(line) for line in (*_look(digest), *_volumes(digest), *_trouble(digest))]
    told: set[str | None] = set()
    for one in stale:
        if (whose := _whose(one)) not in told:
            parts.append(_group(digest, whose))
            told.add(whose)
        parts.append(_item(digest, one))
    parts += _rest(digest, with_thread=with_thread)
    parts += [Paragraph(line) for line in _solved(digest.solved)]
    parts += _chart(digest)
    if digest.stale:
        parts.append(Actions((Button("All of mine …", "mine", ""),)))
    return Reply(tuple(parts))


def thread(digest: Digest) -> tuple[Reply, ...]:
    """What has no place in the message itself: the next worst, and by host what is beyond that."""
    rest = digest.stale[MOST_ITEMS:]
    if len(rest) <= MOST_FOLDED:
        return ()
    shown, beyond = rest[: ROWS_A_TABLE * TABLES], rest[ROWS_A_TABLE * TABLES :]
    pages = [shown[at : at + ROWS_A_TABLE] for at in range(0, len(shown), ROWS_A_TABLE)]
    tables = [_table(digest, page, f"Stale checkpoints, the next {len(page)} by size") for page in pages]
    return tuple(Reply((table,)) for table in (*tables, *([_by_host(beyond)] if beyond else [])))


def _truth(digest: Digest) -> str:
    """How much was seen, and only then how it is. What nobody can tell is never called well."""
    seen = _seen(digest)
    if digest.hold:
        seen = f"{seen} ⛔ {say_count(len(digest.hold), 'VM')} on Hold."
    if digest.unjudged:
        seen = f"{seen} Of {say_count(digest.unjudged, 'VM')} nobody can tell whether all is well."
    return seen


def _seen(digest: Digest) -> str:
    if not digest.hosts:
        return "No host is set up, so nothing was looked at."
    away = [host.name for host in digest.hosts if not host.reachable]
    seen = f"{len(digest.hosts) - len(away)} of {say_count(len(digest.hosts), 'host')} seen"
    if away:
        seen = f"⚠️ {seen}, not {say_names(away, most=MOST_LINES)}"
    if not digest.fitting:
        return f"{seen}. No VM that this digest is about was seen."
    if digest.well:
        return f"{seen}. Nothing is stale, and all is well."
    if not digest.stale:
        return f"{seen}. Nothing that was seen is stale."
    size = f", {say_size(digest.size)} written since" if digest.size else ""
    return f"{seen}. {say_count(len(digest.stale), 'stale checkpoint')}{size}."


def _hold(digest: Digest) -> Iterator[str]:
    """The VMs that nobody may touch, a line each, and what to do first."""
    for health in digest.hold[:MOST_HELD]:
        since = f" since {say_time(health.since)}" if health.since else ""
        yield f"⛔ {_called(health.vm_name)} on {_called(health.host)} is on Hold{since}. {_why(health)}"
    if len(digest.hold) > MOST_HELD:
        yield f"… and {say_count(len(digest.hold) - MOST_HELD, 'more VM')} on Hold: {typed('health')}"
    if digest.hold:
        yield f"{FIRST} {NOT}"


def _look(digest: Digest) -> Iterator[str]:
    """The VMs that somebody should look at, a line each."""
    for health in digest.look[:MOST_LINES]:
        yield f"⚠️ {_called(health.vm_name)} on {_called(health.host)}: {_why(health)}"
    if len(digest.look) > MOST_LINES:
        yield f"… and {say_count(len(digest.look) - MOST_LINES, 'more VM')} to be looked at: {typed('health')}"


def _why(health: VMHealth) -> str:
    """The first thing that the verdict rests on, and where the others are."""
    sentence = health.why[0].sentence if health.why else ""
    more = f"{say_count(len(health.why) - 1, 'more reason')}: " if len(health.why) > 1 else "All about it: "
    return f"{sentence} {more}{how_to_see(health.vm_name)}".strip()


def _unseen(digest: Digest) -> Iterator[str]:
    """What could not be looked at, so that nobody takes silence for good news."""
    lines = []
    for host in digest.hosts:
        if not host.reachable:
            when = f"It is shown as seen at {say_time(host.seen_at)}." if host.seen_at else "Its VMs are missing here."
            lines.append(f"{name(host.name)} could not be asked. {when} {host.problem}".strip())
        lines += [f"{name(host.name)}: {gap}" for gap in host.gaps]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"… and {len(lines) - MOST_LINES} more: {typed('hosts')}"
    told = {host.name for host in digest.hosts if host.gaps}
    if unseen := [one.vm.name for one in digest.unseen if one.vm.host not in told]:
        yield f"The disks of these VMs could not all be seen: {say_names(unseen)}."


def _volumes(digest: Digest) -> Iterator[str]:
    """Volumes that fill, the soonest first, then those with little room of which no rate is known."""
    low = {(host, volume.path): volume for host, volume in digest.low}
    lines = [_filling(one, low.pop((one.host, one.path), None)) for one in digest.filling]
    lines += [
        f"💾 {_called(path)} on {_called(host)} has little room: {_free(volume)}."
        for (host, path), volume in sorted(low.items(), key=lambda found: found[1].free)
    ]
    yield from lines[:MOST_LINES]
    if len(lines) > MOST_LINES:
        yield f"… and {len(lines) - MOST_LINES} more volumes have little room or fill."


def _free(volume: Volume) -> str:
    return f"{say_size(volume.free)} free of {say_size(volume.size)}"


def _filling(one: Filling, low: Volume | None) -> str:
    where = f"💾 {_called(one.path)} on {_called(one.host)}"
    return f"{where} is full {when_full(one)} at today's rate: {free(one, low.size if low else None)}."


def _trouble(digest: Digest) -> Iterator[str]:
    """Checkpoints and disks that need a look and have no menu: a line for each kind."""
    if digest.lingering:
        points = say_names([f"{_called(one.vm.name)} ({age(c, digest.at)})" for one, c in digest.lingering])
        yield f"A backup's recovery point lingers on {points}: that backup may be broken."
    if digest.missing:
        broken = say_names([f"{_called(one.vm.name)} ({_called(c.name)})" for one, c in digest.missing], most=6)
        yield f"A checkpoint is broken, since its files are missing: {broken}."
    merging = [one.vm.name for one in digest.unmerged if one.vm.merging]
    if merging:
        yield f"Disks are being merged: {say_names(merging, most=6)}."
    odd = [one.vm.name for one in digest.unmerged if not one.vm.merging]
    if odd:
        told = say_names(odd, most=6)
        yield f"A differencing disk that no checkpoint explains: {told}. A merge pends or a backup lingers."


def _whose(one: Stale) -> str | None:
    """Their user id; None for what nobody looks after, or a schedule does."""
    who = "" if one.note.left else one.note.owner or ""
    return who if is_person(who) else None


def _weight(digest: Digest) -> Callable[[Stale], tuple[int, str, int]]:
    """Groups by what they hold, the heaviest first, and each by size."""
    held: dict[str | None, int] = {}
    for one in digest.stale:
        held[_whose(one)] = held.get(_whose(one), 0) + (one.grown or 0)
    order = {one.checkpoint.id: n for n, one in enumerate(digest.stale)}
    return lambda one: (-held[_whose(one)], _whose(one) or "", order[one.checkpoint.id])


def _group(digest: Digest, whose: str | None) -> Paragraph:
    """How many are theirs and how much that is, with their one mention."""
    theirs = [one for one in digest.stale if _whose(one) == whose]
    size = sum(one.grown or 0 for one in theirs)
    oldest = min(theirs, key=lambda one: one.checkpoint.created).checkpoint
    written = f" {say_size(size)} written since," if size else ""
    facts = f"{len(theirs)} stale,{written} the oldest {age(oldest, digest.at)} old."
    return Paragraph(facts, to=(whose,)) if whose else Paragraph(f"Nobody's, or a schedule's: {facts}")


def _item(digest: Digest, one: Stale) -> Item:
    vm, checkpoint = one.seen.vm, one.checkpoint
    size = "size unknown" if one.grown is None else f"{say_size(one.grown)} written since"
    kind = kind_of(checkpoint, one.note)
    made = "" if kind is Kind.MANUAL else str(kind)
    rate = digest.rates.get(vm.id)
    facts = (
        f"{age(checkpoint, digest.at)} old",
        size,
        f"{a_day(rate)} now" if rate else "",
        made,
        _short(owned(one.note)),
        f"on {_short(vm.host)}",
        _short(one.note.reason),
    )
    return Item(
        f"{name(vm.name)}: {name(checkpoint.name)}",
        ", ".join(fact for fact in facts if fact),
        choices=_choices(one, digest.keep_longest),
    )


def _choices(one: Stale, longest: timedelta | None) -> tuple[Button, ...]:
    id = one.checkpoint.id
    claim = (Button("Claim", "claim", id),) if one.note.owner is None or one.note.left else ()
    return (*keep_buttons(id, longest), *claim, Button("Delete", "delete", id, "danger"))


def _rest(digest: Digest, *, with_thread: bool) -> list[Part]:
    rest = digest.stale[MOST_ITEMS:]
    if not rest:
        return []
    every = typed("list", "--stale")
    if with_thread and len(rest) > MOST_FOLDED:
        return [Paragraph(f"{len(rest):,} more are in the thread of this message. All of them: {every}")]
    table = _table(digest, rest[:MOST_FOLDED], f"{len(rest):,} more stale checkpoints")
    more = len(rest) - MOST_FOLDED
    return [replace(table, folded=True), *([Paragraph(f"… and {more:,} more: {every}")] if more > 0 else [])]


def _table(digest: Digest, rows: Iterable[Stale], title: str) -> Table:
    return Table(COLUMNS, tuple(_row(digest, one) for one in rows), title)


def _row(digest: Digest, one: Stale) -> tuple[str | Figure, ...]:
    days = (digest.at - one.checkpoint.created).total_seconds() / 86400
    size = "unknown" if one.grown is None else say_size(one.grown)
    return (
        _short(one.seen.vm.name, 30),
        _short(one.checkpoint.name, 30),
        Figure(round(days, 1), age(one.checkpoint, digest.at)),
        Figure(float(one.grown or 0), size),
        _short(owner(one.note), 20),
    )


def _by_host(rest: Sequence[Stale]) -> Table:
    """What no table of the thread names, as a sum for each host."""
    hosts: dict[str, list[int]] = {}
    for one in rest:
        hosts.setdefault(one.seen.vm.host, []).append(one.grown or 0)
    heaviest = sorted(hosts.items(), key=lambda found: -sum(found[1]))
    rows = tuple((_short(host, 40), str(len(sizes)), say_size(sum(sizes))) for host, sizes in heaviest)
    return Table(("Host", "Stale", "Written since"), rows, f"The other {len(rest):,}, by host")


def _solved(solved: Solved | None) -> Iterator[str]:
    if solved is None or not (solved.gone or solved.kept):
        return
    freed = f" ({say_size(solved.freed)})" if solved.freed else ""
    said = []
    if solved.gone:
        said.append(f"{say_names(solved.gone, most=3)} {'is' if len(solved.gone) == 1 else 'are'} gone{freed}")
    if solved.kept:
        said.append(f"{say_names(solved.kept, most=3)} {'is' if len(solved.kept) == 1 else 'are'} kept")
    yield f"✅ Solved since {solved.since:%Y-%m-%d}: {', '.join(said)}."


def _chart(digest: Digest) -> list[Part]:
    """How much all checkpoints held, where at least a week of it is known."""
    if len(digest.held) < 4 or not any(size for _, size in digest.held):
        return []
    sizes = [size for _, size in digest.held]
    top = max(digest.held, key=lambda point: point[1])
    (first, before), (_, now) = digest.held[0], digest.held[-1]
    text = (
        f"Checkpoints hold {say_size(now)}; it was {say_size(before)} on {first:%Y-%m-%d}, "
        f"and at most {say_size(top[1])} on {top[0]:%Y-%m-%d}."
    )
    unit, by = ("TB", GB * 1024) if max(sizes) >= 10 * 1024 * GB else ("GB", GB)
    points = tuple((_day(day), size / by) for day, size in digest.held)
    return [Chart(f"Held by checkpoints, {unit}", points, unit, text)]


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _short(text: str, most: int = LONGEST) -> str:
    """One line that a phone shows."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _called(text: str) -> str:
    return name(_short(text))

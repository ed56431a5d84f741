"""`/checkpoint schedule`: checkpoints by the clock, and how long they are kept."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Literal, cast

import click

from backends.base import VM
from commands.base import (
    Context,
    Footnote,
    Heading,
    Left,
    Paragraph,
    Part,
    Rehearsal,
    Reply,
    Schedule,
    SchedulePlan,
    Slip,
    Table,
    Tree,
    UsageError,
    name,
    say,
)
from commands.kit import refusals, rights
from commands.kit.finding import plain
from commands.kit.meant import nearest
from commands.kit.options import span
from commands.kit.words import say_count, say_names, say_span, say_time, typed

LOOKS = ("list", "show")
WHAT = (*LOOKS, "add", "pause", "resume", "run", "remove")

LEAST, DAY = timedelta(hours=1), timedelta(days=1)

_NAME = re.compile(r"[\w][\w .-]{0,39}")

What = Literal["pause", "resume", "run", "remove"]


def _time_of_day(_ctx: click.Context, _param: click.Parameter, text: str | None) -> time | None:
    if text is None:
        return None
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text.strip())
    if not found:
        raise click.BadParameter(f"{text!r} is not a time of day: type for example 02:00 or 18:30")
    return time(int(found[1]), int(found[2]))


def _every(ctx: click.Context, param: click.Parameter, text: str | None) -> timedelta | None:
    found = span(ctx, param, text)
    if found is None:
        return None
    if found == timedelta.max or found < LEAST or found % LEAST or (found > DAY and found % DAY):
        raise click.BadParameter(f"{text!r} is not whole hours up to a day, or whole days")
    return found


def _count(_ctx: click.Context, _param: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"0*([1-9]|[1-4][0-9])", text.strip(), re.ASCII):
        raise click.BadParameter(f"{text!r} is not a number from 1 to 49")
    return int(text)


@click.command(
    epilog="schedule\n"
    "schedule add app* --at 02:00 --keep 7d\n"
    "schedule add @shop --every 6h --keep-last 5 --except 'shop-test*' --name shop\n"
    "schedule add sql01 --at 22:00 --weekdays --keep 2w --dry-run\n"
    "schedule run nightly --dry-run\n"
    "schedule pause nightly"
)
@click.argument("what", metavar="[list|show|add|pause|resume|run|remove]", required=False)
@click.argument("words", metavar="[<vm>|<name>]", nargs=-1)
@click.option("--at", metavar="02:00", callback=_time_of_day, help="The time of day, in the time zone of the settings.")
@click.option("--every", metavar="6h", callback=_every, help="Instead: this often, counted from midnight, or in days.")
@click.option("--weekdays", is_flag=True, help="Only from Monday to Friday.")
@click.option("--keep", metavar="7d", callback=span, help="Those that it took go after this long.")
@click.option("--keep-last", metavar="5", callback=_count, help="As many stay on each VM, and older ones go.")
@click.option(
    "--type",
    "kind",
    type=click.Choice(["production", "standard"], case_sensitive=False),
    default="production",
    help="Production unless standard is given.",
)
@click.option("--except", "without", metavar="<vm>", default="", help="VMs, patterns or sets to leave out.")
@click.option("--name", "called", metavar="nightly", help="What it is called. Else by its VMs and its time.")
@click.option("--label", metavar="daily", default="", help="What its checkpoints are called, in place of its name.")
@click.option("--failed", is_flag=True, help="Of a run: only the VMs that the last one should have taken and did not.")
@click.option("--dry-run", is_flag=True, help="Say what would be taken, deleted and left out, and do nothing.")
@click.pass_obj
def command(
    context: Context, /, *, what: str | None, words: tuple[str, ...], **options: object
) -> Reply | SchedulePlan:
    """Take checkpoints by the clock, and delete them again.

    A schedule is its owner's: whoever adds it. It runs with the rights that they have at that moment, and is paused
    when they lose them. To add one you need the right to create checkpoints of its VMs, and to delete them where it
    keeps them for a time. It deletes only what it took itself: never the newest, and nothing that somebody keeps or
    claimed, that the VM was put back to, or that another's checkpoint hangs under.

    Its owner pauses, resumes, runs and removes it, and so does anybody with the same rights on all of its VMs. One from
    the settings is not removed here. Times of day are those of the settings' time zone, and come once a day, also
    when the clocks change; what was missed while the bot was down is made up by one run.
    """
    what = (what or "list").casefold()
    if what not in WHAT:
        raise _not_done(context, what, words)
    text = " ".join(words).strip()
    if what == "list":
        return _list(context, text)
    if what == "add":
        return _add(context, text, options)
    schedule = _named(context, text, what)
    if what == "show":
        return _show(context, schedule)
    return _act(context, cast(What, what), schedule, failed=bool(options["failed"]), dry=bool(options["dry_run"]))


def _not_done(context: Context, what: str, words: tuple[str, ...]) -> UsageError:
    mine = WHAT if rights.holds(context, rights.CHANGE) else LOOKS
    near = nearest(what, mine, most=1)
    hint = f"Type {typed('schedule', 'add', what, *words, '--at', '02:00')} to add one."
    told = UsageError(
        f"{name(what)} is nothing that schedules do.",
        f"Did you mean {typed('schedule', near[0], *words)}?" if near else hint,
    )
    told.slips = (Slip(what, near),) if near else ()
    return told


def _list(context: Context, text: str) -> Reply:
    if text:
        return _show(context, _named(context, text, "show"))
    every = _in_sight(context)
    if not every:
        add = typed("schedule", "add", "app*", "--at", "02:00", "--keep", "7d")
        return say(f"There is no schedule. {add} adds one.")
    seen = _names_in_sight(context)
    rows = tuple(_row(context, one, seen) for one in every)
    columns = ("Schedule", "VMs", "When", "Keeps", "Owner", "Next run", "Last run")
    return Reply((Heading(say_count(len(every), "schedule")), Table(columns, rows)))


def _names_in_sight(context: Context) -> frozenset[str]:
    """The names of VMs that they see."""
    return frozenset(seen.vm.name.casefold() for seen in context.fleet.known())


def _row(context: Context, one: Schedule, seen: frozenset[str]) -> tuple[str, ...]:
    ends = _next(context, one), _last(context, one)
    return (one.name, ", ".join(_shown(context, one, one.vms, seen)), _when(one), _keeps(one), one.owner_name, *ends)


def _shown(context: Context, one: Schedule, written: tuple[str, ...], seen: frozenset[str]) -> tuple[str, ...]:
    """As it was written, without the names of VMs that are not in sight. Its owner sees what they wrote."""
    if one.owner == context.person.id:
        return written
    shown = tuple(word for word in written if word.casefold() in seen or set(word) & set("@*?["))
    return shown if len(shown) == len(written) else (*shown, "others")


def _show(context: Context, one: Schedule) -> Reply:
    covered = context.schedules.covers(one, [seen.vm for seen in context.fleet.known()])
    seen = _names_in_sight(context)
    vms, excluded = say_names(_shown(context, one, one.vms, seen)), _shown(context, one, one.excluded, seen)
    without = f", without {say_names(excluded)}" if excluded else ""
    origin = " and is from the settings" if one.from_settings else ""
    parts: list[Part] = [
        Heading(f"Schedule {name(one.name)}"),
        Paragraph(f"It takes {one.kind} checkpoints of {vms}{without}, {_when(one)}."),
        Paragraph(f"{_keeps(one)}. It belongs to {name(one.owner_name)}{origin}."),
        Paragraph(f"Next run: {_next(context, one)}. Last run: {_last(context, one)}."),
        Paragraph(f"VMs in sight: {say_names([vm.name for vm in covered]) or 'none'}."),
    ]
    return Reply((*parts, Footnote(typed("schedule", "run", one.name, "--dry-run") + " says what a run would do now.")))


def _add(context: Context, vms: str, options: Mapping[str, object]) -> Reply | SchedulePlan:
    if not vms:
        raise UsageError("Which VMs is it for?", f"Type {typed('schedule', 'add', '<vm>', '--at', '02:00')}.")
    at, every = cast("time | None", options["at"]), cast("timedelta | None", options["every"])
    if (at is None) == (every is None):
        example = typed("schedule", "add", vms, "--at", "02:00")
        raise UsageError("A schedule needs --at or --every, and not both.", f"Type for example {example}.")
    keep, kind = cast("timedelta | None", options["keep"]), str(options["kind"])
    keep = None if keep == timedelta.max else keep
    found = context.fleet.find(vms)
    if kind == "standard":
        for vm in found:
            refusals.standard(vm, context.policy)
    called = _called(str(options["called"] or _default_name(vms, at, every)))
    schedule = Schedule(
        f"{context.person.id}-{uuid.uuid4()}",
        called,
        _patterns(vms, found),
        context.person.id,
        context.person.name,
        context.channel,
        _parts(str(options["without"])),
        at,
        every.total_seconds() if every else None,
        bool(options["weekdays"]),
        keep.total_seconds() if keep else None,
        cast("int | None", options["keep_last"]),
        cast("Literal['production', 'standard']", kind),
        _called(str(options["label"])) if options["label"] else "",
    )
    if not context.schedules.covers(schedule, found):
        raise UsageError(f"No VM is left of {name(vms)}.", "Look at --except.")
    return _rehearsed(context, schedule) if options["dry_run"] else SchedulePlan("add", schedule)


def _act(context: Context, what: What, schedule: Schedule, *, failed: bool, dry: bool) -> Reply | SchedulePlan:
    if what == "remove" and schedule.from_settings:
        pause = typed("schedule", "pause", schedule.name)
        raise UsageError(f"{name(schedule.name)} is from the settings and is not removed here.", f"{pause} pauses it.")
    if what == "pause" and schedule.paused:
        raise UsageError(f"{name(schedule.name)} is paused already: {schedule.paused_why}.", "")
    if what == "resume" and not schedule.paused:
        raise UsageError(f"{name(schedule.name)} is not paused.", f"It runs next: {_next(context, schedule)}.")
    if dry and what == "run":
        return _rehearsed(context, schedule)
    if dry:
        return say(f"This would {what} the schedule {name(schedule.name)}. Nothing was done.")
    return SchedulePlan(what, schedule, _failed(context, schedule) if failed else None)


def _failed(context: Context, schedule: Schedule) -> tuple[str, ...]:
    last = context.schedules.last_run(schedule)
    if last is None or not last.failed:
        raise UsageError(f"The last run of {name(schedule.name)} left nothing to be made up.", "")
    return last.failed


def _rehearsed(context: Context, schedule: Schedule) -> Reply:
    """What a run would do now, and nothing of it done."""
    found = context.schedules.rehearse(schedule)
    if found.refused:
        return say(f"A run of {name(schedule.name)} would do nothing: {found.refused}")
    parts: list[Part] = [Heading(f"What {name(schedule.name)} would do now"), *_parts_of(_visible(context, found))]
    return Reply((*parts, Footnote("Nothing was done.")))


def _visible(context: Context, found: Rehearsal) -> Rehearsal:
    """What it says of the VMs in sight: a schedule may be about more."""
    names = {seen.vm.name for seen in context.fleet.known()}
    return replace(
        found,
        taken=tuple(one for one in found.taken if one in names),
        going=tuple(one for one in found.going if one.vm_name in names),
        left=tuple(one for one in found.left if one.vm_name in names),
    )


def _parts_of(found: Rehearsal) -> list[Part]:
    of = f"{name(found.name)} of {say_count(len(found.taken), 'VM')}: {say_names(found.taken)}"
    parts: list[Part] = [Paragraph(f"It would take {of if found.taken else 'nothing'}.")]
    if found.going:
        lines = (f"{name(one.checkpoint_name)} of {name(one.vm_name)}: {one.why}" for one in found.going)
        parts += [Paragraph("After that it would delete, oldest first:"), Tree(tuple(lines))]
    if found.left:
        parts += [Paragraph("It would leave alone:"), Tree(tuple(map(_left, found.left)))]
    if found.unseen:
        parts.append(Paragraph(f"{say_names(found.unseen)} could not be asked."))
    return parts


def _left(one: Left) -> str:
    what = f"{name(one.checkpoint_name)} of {name(one.vm_name)}" if one.checkpoint_id else name(one.vm_name)
    return f"{what}: {one.why}"


# ---------------------------------------------------------------- names and words


def _in_sight(context: Context) -> tuple[Schedule, ...]:
    """One's own, and those of VMs that one may see."""
    vms = [seen.vm for seen in context.fleet.known()]
    every = context.schedules.all()
    return tuple(one for one in every if one.owner == context.person.id or context.schedules.covers(one, vms))


def _named(context: Context, text: str, what: str) -> Schedule:
    every = _in_sight(context)
    if not text:
        raise UsageError("Which schedule?", f"Type {typed('schedule', what, every[0].name if every else '<name>')}.")
    found = next((one for one in every if one.name.casefold() == text.casefold()), None)
    if found is None:
        near = nearest(text, [one.name for one in every], most=1)
        hint = f"Did you mean {name(near[0])}?" if near else f"{typed('schedule')} shows them all."
        unknown = UsageError(f"There is no schedule called {name(text)}.", hint)
        unknown.slips = (Slip(text, near, last=True),) if near else ()
        raise unknown
    return found


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def _patterns(text: str, found: Sequence[VM]) -> tuple[str, ...]:
    """The parts; the slash of a VM's own name stands for no host before it."""
    names = {plain(vm.name) for vm in found}
    return tuple(part.replace("/", "[/]") if plain(part) in names else part for part in _parts(text))


def _called(text: str) -> str:
    if not _NAME.fullmatch(text.strip()):
        raise UsageError(
            f"{name(text)} is no name for a schedule.", "It has up to 40 letters, digits, blanks, and - _ and . in it."
        )
    return text.strip()


def _default_name(vms: str, at: time | None, every: timedelta | None) -> str:
    """`app 02.00`, `shop every 6 hours`."""
    first = re.sub(r"[^\w.-]+", "", _parts(vms)[0])[:20].strip("-.") or "all"
    return f"{first} {at:%H.%M}" if at else f"{first} every {say_span(every or DAY)}"


def _when(one: Schedule) -> str:
    days = " on weekdays" if one.weekdays else ""
    if one.every:
        return f"every {say_span(timedelta(seconds=one.every))}{days}"
    return f"at {one.at:%H:%M}{days or ' every day'}"


def _keeps(one: Schedule) -> str:
    age = f"for {say_span(timedelta(seconds=one.keep))}" if one.keep else ""
    last = f"the last {one.keep_last}" if one.keep_last else ""
    return f"Keeps {' and '.join(filter(None, (last, age)))}" if age or last else "Keeps all"


def _next(context: Context, one: Schedule) -> str:
    return f"paused: {one.paused_why}" if one.paused else say_time(context.schedules.next_run(one))


def _last(context: Context, one: Schedule) -> str:
    last = context.schedules.last_run(one)
    return f"{say_time(last.at)}, {last.outcome}" if last else "none yet"

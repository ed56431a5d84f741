"""`/checkpoint history`: what was done, asked for and refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice

import click

from commands.base import Button, Context, Footnote, Grant, HistoryEntry, Reply, VMEntry, say
from commands.kit import pages
from commands.kit.options import moment, share_option
from commands.kit.pages import PAGE, Row
from commands.kit.words import say_count, say_names, say_time

MOST_AT_ONCE = 200
"""Entries that a search goes through at a time."""

_USER_ID = re.compile(r"<?@?([UW](?=[A-Z]*[0-9])[A-Z0-9]{5,})(?:\|[^<>]*)?>?")
"""An id, or a mention as Slack writes it: `<@U024BE7LH|ada>`."""


def _change_id(_ctx: click.Context, _param: click.Parameter, text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9a-f-]{4,36}", text.strip(), re.ASCII | re.IGNORECASE):
        raise click.BadParameter(f"{text!r} is no change: type the id that stands at the end of its message")
    return text.strip() if text else None


@click.command(
    epilog="history\nhistory web01 --since 7d\nhistory --since friday 18:00\nhistory --by me --search upgrade --page 2"
)
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option("--by", metavar="@person", help="Only what this person asked for: a mention, a user id, or me.")
@click.option(
    "--since",
    metavar="7d",
    callback=moment,
    help="Only what is not older than this: a span, or a date in your own time zone, such as yesterday or 31.12.",
)
@click.option(
    "--search", metavar="text", help="Only what has words that begin so in its names, notes, state or result."
)
@click.option("--change", metavar="<id>", callback=_change_id, help="One change: what became of each of its VMs.")
@pages.page_option
@share_option
@click.pass_obj
def command(
    context: Context,
    *,
    vm: str | None,
    by: str | None,
    since: datetime | None,
    search: str | None,
    change: str | None,
    page: int,
    share: bool,
) -> Reply:
    """What was done to the VMs that you may see, what was asked for, and what was refused; newest first."""
    person, person_name = _person(context, by)
    sight = _sight(context)
    if change is not None:
        return _one(context, change, sight, page, share=share)
    find = partial(
        context.record.history.find,
        vms=_named(context, vm) if vm is not None else tuple(sight) if sight is not None else None,
        person=person,
        person_name=person_name,
        since=since,
        text=search,
    )
    begin = (page - 1) * PAGE
    if search is None or sight is None:
        entries = find(limit=PAGE + 1, offset=begin)
    else:
        entries = tuple(islice(_in_sight(find, sight), begin, begin + PAGE + 1))
    if not entries:
        return say("Nothing more." if page > 1 else "The ledger has nothing of that kind.")
    rows = [Row(_row(entry, sight), *_menu_of(entry, sight)) for entry in entries[:PAGE]]
    words = _words(vm=vm, by=by, since=since, search=search, share=share)
    return Reply(
        (
            pages.table("History", ("When", "Who", "What", "State", "Result"), rows),
            *pages.menu("Choose a change, to see its VM", rows, (Button("Show", "list", ""),)),
            *pages.turn(words, page, more=len(entries) > PAGE),
        ),
        shared=share,
    )


def _one(context: Context, change: str, sight: Mapping[str, str] | None, page: int, *, share: bool) -> Reply:
    """What became of each VM of a change, what went wrong first."""
    every = context.record.history.each(change)
    seen = sorted((one for one in every if sight is None or one.vm_id in sight), key=_went_well)
    shown = pages.of_page(seen, page)
    if not shown:
        return say("Nothing more." if seen else "The ledger has no such change of VMs that you see here.")
    rows = [Row((one.vm_name, one.host, one.state or "not done yet", one.result)) for one in shown]
    less = len(every) - len(seen)
    words = ("history", *(["--share"] if share else []), f"--change={change}")
    return Reply(
        (
            pages.table(f"Change {change}: {say_count(len(seen), 'VM')}", ("VM", "Host", "State", "Result"), rows),
            *([Footnote(f"And {say_count(less, 'VM')} that you do not see here.")] if less else []),
            *pages.turn(words, page, more=len(seen) > page * PAGE),
        ),
        shared=share,
    )


def _went_well(one: VMEntry) -> bool:
    return one.state in ("", "succeeded")


def _words(**options: object) -> tuple[str, ...]:
    """The command as it was typed, without its page."""
    vm, by, since, search = (options[one] for one in ("vm", "by", "since", "search"))
    words = ["history", *(["--share"] if options["share"] else [])]
    words += [f"--by={by}"] if by is not None else []
    words += [f"--since={since.astimezone(UTC):%Y-%m-%dT%H:%MZ}"] if isinstance(since, datetime) else []
    words += [f"--search={search}"] if search is not None else []
    return (*words, *([str(vm)] if vm is not None else []))


def _menu_of(entry: HistoryEntry, sight: Mapping[str, str] | None) -> tuple[str, str]:
    """How a change of one VM is called in the menu, and its VM; nothing where there is none to show."""
    shown = len(entry.vms) == 1 and (sight is None or entry.vms[0] in sight)
    return (entry.summary, entry.vms[0]) if shown else ("", "")


def _in_sight(find: Callable[..., tuple[HistoryEntry, ...]], sight: Mapping[str, str]) -> Iterator[HistoryEntry]:
    """Those that are wholly in sight: a search that found others too would tell what is in them."""
    for at in count(0, MOST_AT_ONCE):
        found = find(limit=MOST_AT_ONCE, offset=at)
        yield from (entry for entry in found if sight.keys() >= set(entry.vms))
        if len(found) < MOST_AT_ONCE:
            return


def _named(context: Context, text: str) -> tuple[str, ...]:
    return tuple(vm.id for vm in context.fleet.find(text))


def _sight(context: Context) -> Mapping[str, str] | None:
    """The VMs that may be seen, their names by GUID; None where that is all there are and ever were."""
    if any(_shows_all(grant, context.channel) for grant in context.grants):
        return None
    return {seen.vm.id: seen.vm.name for seen in context.fleet.all()}


def _shows_all(grant: Grant, channel: str) -> bool:
    return "view" in grant.actions and "*" in grant.vms and (not grant.channels or channel in grant.channels)


def _person(context: Context, text: str | None) -> tuple[str | None, str | None]:
    """The user id that is meant, or else the name, since a mention in a command is a mere name in most workspaces."""
    if text is None:
        return None, None
    if text.casefold() == "me":
        return context.person.id, None
    mention = _USER_ID.fullmatch(text.strip())
    return (mention[1], None) if mention else (None, text.strip().lstrip("@"))


def _row(entry: HistoryEntry, sight: Mapping[str, str] | None) -> tuple[str, ...]:
    what, result = entry.summary, entry.result
    if sight is not None and not sight.keys() >= set(entry.vms):
        seen = [sight[vm] for vm in entry.vms if vm in sight]
        what, result = f"a change of {say_names(seen)}, and of VMs that you do not see here", ""
    return say_time(entry.at), entry.person_name or entry.person, what, entry.state, result

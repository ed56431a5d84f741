"""`/checkpoint history`: what was done, asked for and refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from itertools import count, islice

import click

from commands.base import Context, Footnote, Grant, Heading, HistoryEntry, Reply, Table, say
from commands.kit.options import share_option, span
from commands.kit.words import say_names, say_time

PAGE = 20
"""Entries on a page."""

MOST_AT_ONCE = 200
"""Entries that a search goes through at a time."""

_USER_ID = re.compile(r"<?@?([UW](?=[A-Z]*[0-9])[A-Z0-9]{5,})(?:\|[^<>]*)?>?")
"""An id, or a mention as Slack writes it: `<@U024BE7LH|ada>`."""


def _page_number(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", text.strip(), re.ASCII):
        raise click.BadParameter(f"{text!r} is not a page: type 1 for the newest, 2 for what was before, and so on")
    return int(text)


@click.command(epilog="history\nhistory web01 --since 7d\nhistory --by me --search upgrade --page 2")
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option("--by", metavar="@person", help="Only what this person asked for: a mention, a user id, or me.")
@click.option("--since", metavar="7d", callback=span, help="Only what is not older than this.")
@click.option(
    "--search", metavar="text", help="Only what has words that begin so in its names, notes, state or result."
)
@click.option("--page", callback=_page_number, default="1", metavar="2", help="Further back.")
@share_option
@click.pass_obj
def command(
    context: Context,
    *,
    vm: str | None,
    by: str | None,
    since: timedelta | None,
    search: str | None,
    page: int,
    share: bool,
) -> Reply:
    """What was done to the VMs that you may see, what was asked for, and what was refused; newest first."""
    person, person_name = _person(context, by)
    sight = _sight(context)
    find = partial(
        context.record.history.find,
        vms=_named(context, vm) if vm is not None else tuple(sight) if sight is not None else None,
        person=person,
        person_name=person_name,
        since=context.now - since if since else None,
        text=search,
    )
    begin = (page - 1) * PAGE
    if search is None or sight is None:
        entries = find(limit=PAGE + 1, offset=begin)
    else:
        entries = tuple(islice(_in_sight(find, sight), begin, begin + PAGE + 1))
    if not entries:
        return say("Nothing more." if page > 1 else "The ledger has nothing of that kind.")
    rows = tuple(_row(entry, sight) for entry in entries[:PAGE])
    parts = (Heading("History"), Table(("When", "Who", "What", "State", "Result"), rows))
    if len(entries) > PAGE:
        return Reply((*parts, Footnote(f"There is more: type the same with --page {page + 1}.")), shared=share)
    return Reply(parts, shared=share)


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

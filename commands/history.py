"""`/checkpoint history`: what was done, asked for and refused."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from commands.base import Context, Footnote, Grant, Heading, HistoryEntry, Reply, Table, say
from commands.options import share_option, span
from commands.words import say_time

PAGE = 20
"""Entries on a page."""

_USER_ID = re.compile(r"<?@?([UW](?=[A-Z]*[0-9])[A-Z0-9]{5,})(?:\|[^<>]*)?>?")
"""An id, or a mention as Slack writes it: `<@U024BE7LH|ada>`."""


@click.command(epilog="history\nhistory web01 --since 7d\nhistory --by me --search upgrade --page 2")
@click.argument("vm", metavar="[<vm>]", required=False)
@click.option("--by", metavar="@person", help="Only what this person asked for: a mention, a user id, or me.")
@click.option("--since", metavar="7d", callback=span, help="Only what is not older than this.")
@click.option("--search", metavar="text", help="Only what has this in its names, notes or result.")
@click.option("--page", type=click.IntRange(min=1), default=1, metavar="2", help="Further back.")
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
    person, words = _person(context, by)
    entries = context.record.history(
        vms=_vms(context, vm),
        person=person,
        since=context.now - since if since else None,
        text=" ".join(filter(None, (search, words))) or None,
        limit=PAGE + 1,
        offset=(page - 1) * PAGE,
    )
    if not entries:
        return say("Nothing more." if page > 1 else "The ledger has nothing of that kind.")
    rows = tuple(_row(entry) for entry in entries[:PAGE])
    parts = (Heading("History"), Table(("When", "Who", "What", "State", "Result"), rows))
    if len(entries) > PAGE:
        return Reply((*parts, Footnote(f"There is more: type the same with --page {page + 1}.")), shared=share)
    return Reply(parts, shared=share)


def _vms(context: Context, text: str | None) -> tuple[str, ...] | None:
    """GUIDs of the VMs to show. Without a name that is every VM in sight, and None where all there are may be seen."""
    if text is not None:
        return tuple(vm.id for vm in context.fleet.find(text))
    if any(_shows_all(grant, context.channel) for grant in context.grants):
        return None
    return tuple(seen.vm.id for seen in context.fleet.all())


def _shows_all(grant: Grant, channel: str) -> bool:
    return "view" in grant.actions and "*" in grant.vms and (not grant.channels or channel in grant.channels)


def _person(context: Context, text: str | None) -> tuple[str | None, str | None]:
    """The user id that is meant; or the words to search for, since a mention in a command is a mere name in most
    workspaces, and the ledger's search knows names."""
    if text is None:
        return None, None
    if text.casefold() == "me":
        return context.person.id, None
    mention = _USER_ID.fullmatch(text.strip())
    return (mention[1], None) if mention else (None, text.strip().lstrip("@"))


def _row(entry: HistoryEntry) -> tuple[str, ...]:
    return say_time(entry.at), entry.person_name or entry.person, entry.summary, entry.state, entry.result

"""checkpointbot doctor: what is set, and whether it works, with the way to mend each. It reads, and changes nothing.

It looks by what the bot itself uses: its directory and its gate for Slack, its backends for the hosts, its own reading
of the settings, the ledger and the jobs. So what works here works there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path

from slack_sdk import WebClient

from backends.base import Backend
from bot.operations.doctor import hosts, patterns, schedules, shapes, sites, storage, stream, workspace
from bot.operations.doctor.approvals import Approvals
from bot.operations.doctor.findings import Check, Report, State, unseen, warning
from bot.operations.doctor.people import People
from bot.operations.doctor.seen import Seen, ask, logons_of
from bot.operations.doctor.sites import Workers
from bot.operations.folder import utc_now
from bot.settings import Settings, gaps
from bot.slack.directory import SlackDirectory
from bot.slack.web import reading_client

__all__ = ["Check", "Report", "Seen", "State", "ask", "examine", "in_short", "logons_of"]


def examine(
    settings: Settings,
    seen: Sequence[Seen],
    *,
    clock: Callable[[], datetime] = utc_now,
    room: Callable[[Path], int] = storage.free_room,
    messages: bool = False,
    workers: Workers | None = None,
) -> Report:
    """Look at everything else; `seen` is what `ask` has seen of the hosts. With `messages`, Slack is asked about every
    shape of them; `workers` asks those of a site. The bot may be running meanwhile."""
    client = reading_client(settings.slack.bot_token.get_secret_value(), settings.slack.api_url)
    directory = SlackDirectory(client)
    clusters = {one.name for one in settings.clusters}
    told = sites.ask(settings, workers) if workers else {}
    cut_off = sites.cut_off(settings, told)
    slack = tuple(_slack(settings, directory, seen))
    return Report(
        (
            *(warning("settings", said, "Add it, or leave it out on purpose.") for said in gaps(settings)),
            *slack,
            *(check for one in seen for check in hosts.look(one, clock, clusters, cut_off)),
            *hosts.listed_twice(seen, clusters),
            *sites.look(settings, told, clock),
            *patterns.look(settings, seen),
            *storage.look(settings, clock, room=room),
            *stream.look(settings, clock),
            *(_shapes(client, slack) if messages else ()),
        )
    )


def in_short(
    settings: Settings,
    directory: SlackDirectory,
    backends: Mapping[str, Backend],
    clock: Callable[[], datetime] = utc_now,
    remark: Callable[[str, Sequence[str]], object] = lambda _host, _sentences: None,
) -> Iterator[Check]:
    """The shorter form, for every start and each day: what is wrong with certificates and clocks of hosts that answer,
    with the scopes, the channels and the people of the settings, and with the room for the data. Names of VMs and the
    chain of the ledger are left to the whole form, and hosts that do not answer to the bot's own looks.

    `remark` is told the sentences of each host that answers, with the day, for they are read later. Raises
    `LookupFailed`, after what does not need Slack."""
    for host, said in hosts.remarks_of(backends.values(), clock, {one.name for one in settings.clusters}):
        remark(host, [f"{one.said} {one.mend} Seen on {clock():%Y-%m-%d} UTC." for one in said])
        yield from said
    here = chain(storage.look(settings, clock, deep=False), stream.look(settings, clock, deep=False))
    yield from (one for one in here if one.is_fault)
    people = People(settings, directory)
    there = chain(workspace.scopes(settings, directory.standing), people.channels(), people.ids())
    yield from (one for one in there if one.is_fault)


def _slack(settings: Settings, directory: SlackDirectory, seen: Sequence[Seen]) -> Iterator[Check]:
    found = list(workspace.look(settings, directory))
    yield from found
    if not _has_token(found):
        yield unseen("channels, people and groups", "The bot token does not work now.")
        return
    people, vms = People(settings, directory), patterns.vms_of(seen)
    yield from people.channels()
    ids = list(people.ids())
    yield from ids
    wrong = frozenset(one.about for one in ids if one.is_fault)
    yield from Approvals(settings, people.gate, vms, [one.host for one in seen if one.hides_vms]).look(wrong)
    yield from schedules.look(settings, people.gate, vms, wrong)


def _has_token(found: Iterable[Check]) -> bool:
    return any(one.about == workspace.BOT_TOKEN and one.state is State.WORKS for one in found)


def _shapes(client: WebClient, slack: Iterable[Check]) -> Iterator[Check]:
    if _has_token(slack):
        yield from shapes.look(client)
    else:
        yield unseen("the shapes of messages", "The bot token does not work now.")

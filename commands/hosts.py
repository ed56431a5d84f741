"""`/checkpoint hosts`: how the Hyper-V hosts are."""

from __future__ import annotations

import click

from commands.base import Context, Heading, HostStatus, Reply, Table, say
from commands.kit.options import share_option
from commands.kit.telling import frozen
from commands.kit.words import say_span


@click.command(epilog="hosts\nhosts --share")
@share_option
@click.pass_obj
def command(context: Context, share: bool) -> Reply:
    """Which hosts answer, when each was last seen, and what is wrong with them."""
    rows = tuple(map(_row, context.fleet.hosts()))
    if not rows:
        return say("No hosts are set up.")
    columns = ("Host", "Answers", "Last seen", "VMs", "Checkpoints", "Problem")
    return Reply((Heading("Hosts"), *frozen(context), Table(columns, rows)), shared=share)


def _row(host: HostStatus) -> tuple[str, ...]:
    seen = f"{say_span(host.age)} ago" if host.age is not None else "never"
    answers = ("in part" if host.gaps else "yes") if host.reachable else "no"
    problem = " ".join((*([host.problem] if host.problem else []), *host.gaps, *host.remarks))
    return host.name, answers, seen, str(host.vms), str(host.checkpoints), problem

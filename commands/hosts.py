"""`/checkpoint hosts`: how the Hyper-V hosts are."""

from __future__ import annotations

from collections.abc import Iterator

import click

from commands.base import Context, Heading, HostStatus, Reply, Table, say
from commands.kit.options import share_option
from commands.kit.telling import frozen
from commands.kit.words import say_span


@click.command(epilog="hosts\nhosts --share")
@share_option
@click.pass_obj
def command(context: Context, share: bool) -> Reply:
    """Which hosts and clusters answer, when each was last seen, and what is wrong with them.

    Under a cluster stand its nodes: whether each is up, draining, paused or down, and what is on it now.
    """
    rows = tuple(row for host in context.fleet.hosts() for row in (_row(host), *_of_nodes(context, host)))
    if not rows:
        return say("No hosts are set up.")
    columns = ("Host", "Answers", "Last seen", "VMs", "Checkpoints", "Problem")
    return Reply((Heading("Hosts"), *frozen(context), Table(columns, rows)), shared=share)


def _of_nodes(context: Context, host: HostStatus) -> Iterator[tuple[str, ...]]:
    """The nodes of a cluster, in the order in which it shows them. One that is up may not answer the bot."""
    for node in host.nodes:
        seen = f"{say_span(context.now - node.seen_at)} ago" if node.seen_at else "never"
        state = node.state if node.answers or node.state == "down" else f"{node.state}, no answer"
        yield f"{host.name}: {node.name}", state, seen, str(node.vms), str(node.checkpoints), ""


def _row(host: HostStatus) -> tuple[str, ...]:
    seen = f"{say_span(host.age)} ago" if host.age is not None else "never"
    answers = ("in part" if host.gaps else "yes") if host.reachable else "no"
    problem = " ".join((*([host.problem] if host.problem else []), *host.gaps, *host.remarks))
    return host.name, answers, seen, str(host.vms), str(host.checkpoints), problem

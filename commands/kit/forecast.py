"""How growth is told: what a VM writes a day, and when a volume is full. Where nothing is known, nothing is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from backends.base import VM
from commands.base import Context, Filling, Rate, name
from commands.kit.words import say_size, say_span

LATELY = timedelta(hours=2)
"""What was seen longer ago is said to be so old."""

MOST_VOLUMES = 3
"""Volumes that a sentence about VMs names."""


def a_day(rate: Rate) -> str:
    """`2.1 GB a day`."""
    return f"{say_size(round(rate.per_day))} a day"


def when_full(one: Filling) -> str:
    """`in about 9 days (7 to 12)`, `within a day`."""
    if one.days < 1:
        return "within a day"
    soonest, days, latest = max(1, round(one.soonest)), round(one.days), round(one.latest)
    span = f" ({soonest} to {latest})" if soonest < latest else ""
    return f"in about {days} day{'' if days == 1 else 's'}{span}"


def free(one: Filling, size: int | None = None) -> str:
    """`40 GB free`, `40 GB free of 1 TB 20 hours ago`."""
    of = f" of {say_size(size)}" if size else ""
    return f"{say_size(one.free)} free{of}{f' {say_span(one.age)} ago' if one.age >= LATELY else ''}"


def fills(one: Filling) -> str:
    """`D:\\ on hv01 has 40 GB free and is full in about 9 days (7 to 12) at today's rate.`"""
    where, has = f"{name(one.path)} on {name(one.host)}", "had" if one.age >= LATELY else "has"
    return f"{where} {has} {free(one)} and is full {when_full(one)} at today's rate."


def sentences(context: Context, vms: Sequence[VM]) -> Iterator[str]:
    """What the VM writes a day, where it is one, and which volumes of their hosts fill."""
    if len(vms) == 1 and (rate := context.growth.of_vms([vms[0].id]).get(vms[0].id)):
        yield f"{name(vms[0].name)} writes about {a_day(rate)} to the disks of its checkpoints."
    yield from volumes(context, vms)


def volumes(context: Context, vms: Sequence[VM]) -> Iterator[str]:
    """Which volumes of the hosts of these VMs fill, the soonest first."""
    hosts = dict.fromkeys(vm.host for vm in vms)
    yield from map(fills, context.growth.of_volumes(hosts)[:MOST_VOLUMES])

"""Hosts that were not seen just now: a pattern that was typed may mean VMs there of which nobody knows yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from commands.base import Context, HostStatus, Plan
from commands.base.context import SCANNED_EVERY
from commands.kit import patterns
from commands.kit.finding import is_pattern
from commands.kit.words import say_names, say_span

MOST_NAMED = 3


def told(plan: Plan, vms: str, context: Context) -> Plan:
    """The plan of a command that was typed with `vms` among its words, and what a pattern among them may leave out."""
    if not is_pattern(vms):
        return plan
    places = {patterns.parts(part.strip())[0].casefold() for part in vms.split(",") if is_pattern(part)}
    meant = [one for one in context.fleet.hosts() if not places.isdisjoint(("", one.name.casefold()))]
    return replace(plan, outlook=(*plan.outlook, *_sentences(meant)))


def _sentences(hosts: Sequence[HostStatus]) -> Iterator[str]:
    old = [one for one in hosts if one.age is not None and (not one.reachable or one.age > SCANNED_EVERY)]
    if old:
        age = say_span(max(one.age for one in old if one.age is not None))
        were, most = ("was", "") if len(old) == 1 else ("were", "up to ")
        yield f"{_names(old)} {were} last seen {most}{age} ago; what was made there since is not among these."
    if never := [one for one in hosts if one.age is None]:
        has = "has" if len(never) == 1 else "have"
        yield f"{_names(never)} {has} shown nothing since the bot was started; what is there is not among these."


def _names(hosts: Sequence[HostStatus]) -> str:
    return say_names([one.name for one in hosts], most=MOST_NAMED)

"""Looks at every site: which workers are connected, and whether they know what the bot asks them for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from backends.base import BackendError, unmarked
from bot.operations.doctor.findings import Check, broken, warning, works
from bot.operations.doctor.hosts import MOST_SKEW
from bot.settings import Settings
from commands.kit.words import say_names, say_span

Workers = Callable[[str], Sequence[Mapping[str, Any]]]
"""What each worker of a site says of itself. Raises `BackendError`."""


def look(settings: Settings, workers: Workers, clock: Callable[[], datetime]) -> Iterator[Check]:
    for site in settings.sites:
        about = f"sites.{site}"
        start = f"Look whether checkpointbot worker --site {site} runs there, and whether both name the same database."
        hosts = [host.name for host in settings.hosts if host.site == site]
        clusters = [cluster.name for cluster in settings.clusters if cluster.site == site]
        try:
            found = workers(site)
        except BackendError as error:
            yield broken(about, unmarked(error.sentence), start)
            continue
        if not found:
            yield broken(about, "No worker of it is connected.", start)
            continue
        faults = [check for said in found for check in _faults(about, said, (hosts, clusters), clock)]
        count = "1 worker is" if len(found) == 1 else f"{len(found)} workers are"
        known = say_names([*hosts, *clusters]) or "no host yet"
        yield from faults or [works(about, f"{count} connected, and know {known}.")]


def _faults(
    about: str, said: Mapping[str, Any], named: tuple[Sequence[str], Sequence[str]], clock: Callable[[], datetime]
) -> Iterator[Check]:
    """`named` are the hosts and the clusters that the bot has there."""
    worker = f"The worker {said['worker']}"
    hosts, clusters = named
    known = said.get("clusters")  # one of an earlier version knows no clusters
    if clusters and known is None:
        yield broken(about, f"{worker} is too old for a cluster: {say_names(clusters)}.", "Upgrade the worker.")
    else:
        yield from _unknown(about, worker, "clusters", clusters, known or ())
    yield from _unknown(about, worker, "hosts", hosts, [one for one in said["hosts"] if one not in (known or ())])
    ahead = datetime.fromisoformat(said["now"]) - clock()
    if abs(ahead) > MOST_SKEW:
        yield warning(about, f"The clock of the worker is {say_span(abs(ahead))} off.", "Set both clocks right.")
    if (program := said["program"]) != (own := version("hyperv-checkpoint-bot")):
        yield warning(about, f"{worker} is of version {program}, and the bot of {own}.", "Upgrade the older one.")


def _unknown(about: str, worker: str, group: str, named: Sequence[str], known: Collection[str]) -> Iterator[Check]:
    if missing := [one for one in named if one not in known]:
        mend = f"Add it under {group} in the settings of the worker."
        yield broken(about, f"{worker} does not know {say_names(missing)}.", mend)

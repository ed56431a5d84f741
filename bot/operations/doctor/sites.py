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


Told = Mapping[str, Sequence[Mapping[str, Any]] | BackendError]
"""By site, what its workers said, or why they could not be asked."""


def ask(settings: Settings, workers: Workers) -> Told:
    def asked(site: str) -> Sequence[Mapping[str, Any]] | BackendError:
        try:
            return workers(site)
        except BackendError as error:
            return error

    return {site: asked(site) for site in settings.sites}


def cut_off(settings: Settings, told: Told) -> frozenset[str]:
    """The hosts and clusters of sites at which nobody can be asked."""
    silent = {site for site, found in told.items() if isinstance(found, BackendError) or not found}
    hosts = [one.name for one in settings.hosts if one.site in silent]
    return frozenset((*hosts, *(one.name for one in settings.clusters if one.site in silent)))


def look(settings: Settings, told: Told, clock: Callable[[], datetime]) -> Iterator[Check]:
    for site, found in told.items():
        about = f"sites.{site}"
        start = (
            f"Look whether checkpointbot worker --site {site} runs there, whether both name the same database, and "
            f"whether its site_key is that of sites.{site} here."
        )
        hosts = [host.name for host in settings.hosts if host.site == site]
        clusters = [cluster.name for cluster in settings.clusters if cluster.site == site]
        if isinstance(found, BackendError):
            yield broken(about, unmarked(found.sentence), start)
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

"""Looks at every site: which workers are connected, and whether they know what the bot asks them for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
        try:
            found = workers(site)
        except BackendError as error:
            yield broken(about, unmarked(error.sentence), start)
            continue
        if not found:
            yield broken(about, "No worker of it is connected.", start)
            continue
        faults = [check for said in found for check in _faults(about, said, hosts, clock)]
        count = "1 worker is" if len(found) == 1 else f"{len(found)} workers are"
        yield from faults or [works(about, f"{count} connected, and know {say_names(hosts) or 'no host yet'}.")]


def _faults(
    about: str, said: Mapping[str, Any], hosts: Sequence[str], clock: Callable[[], datetime]
) -> Iterator[Check]:
    worker = f"The worker {said['worker']}"
    if missing := [host for host in hosts if host not in said["hosts"]]:
        yield broken(about, f"{worker} does not know {say_names(missing)}.", "Add it to the settings of the worker.")
    ahead = datetime.fromisoformat(said["now"]) - clock()
    if abs(ahead) > MOST_SKEW:
        yield warning(about, f"The clock of the worker is {say_span(abs(ahead))} off.", "Set both clocks right.")
    if (program := said["program"]) != (own := version("hyperv-checkpoint-bot")):
        yield warning(about, f"{worker} is of version {program}, and the bot of {own}.", "Upgrade the older one.")

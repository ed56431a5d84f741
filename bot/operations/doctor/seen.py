"""Asks every host all that the bot itself asks of it, and holds what each showed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from backends.base import (
    AuthenticationFailed,
    Backend,
    BackendError,
    FolderFiles,
    HostEvents,
    HostFacts,
    HostInventory,
    NotReady,
    Part,
    Unreachable,
)
from bot.fleet.health.collect import folders_of
from bot.operations.folder import utc_now
from bot.settings import Settings

MOST_AT_ONCE = 16
LOGS_OF = timedelta(hours=1)
"""How much of the logs is read to know whether they can be."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one host showed, or why it showed nothing."""

    host: str
    inventory: HostInventory | None = None
    facts: HostFacts | None = None
    error: BackendError | None = None
    events: HostEvents | None = None
    folders: FolderFiles | BackendError | None = None
    """What one folder of a VM's disks holds, or why it was not shown; None where no disk is known."""
    spared_by: str = ""
    """The host that refused the same log-on, so that this one was not asked."""

    def about(self, clusters: Collection[str] = ()) -> str:
        return f"{'clusters' if self.host in clusters else 'hosts'}.{self.host}"

    @property
    def hides_vms(self) -> bool:
        """There may be VMs that it did not show."""
        one = self.inventory
        if one is None or not all(node.answers for node in one.nodes):
            return True
        return any(unseen.part is Part.VMS for unseen in (*one.unreadable, *one.cannot_show))


def ask(
    backends: Mapping[str, Backend],
    clock: Callable[[], datetime] = utc_now,
    logons: Mapping[str, Hashable] = MappingProxyType({}),
) -> list[Seen]:
    """Everything of all hosts that can be read: each read that the bot makes is tried. Of hosts with the same of the
    `logons`, the others are asked once one has let the account in: what all refuse locks it out."""
    since = clock() - LOGS_OF
    alike: dict[Hashable, list[Backend]] = {}
    for host, backend in backends.items():
        alike.setdefault(logons.get(host), []).append(backend)
    with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="doctor") as pool:

        def ask_all(some: Sequence[Backend]) -> list[Seen]:
            return list(pool.map(lambda backend: _ask(backend, since), some))

        with ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="log-on") as each:
            found = each.map(lambda logon: list(_in_turn(alike[logon], logon is not None, ask_all)), alike)
            seen = {one.host: one for some in found for one in some}
    return [seen[host] for host in backends]


def _in_turn(
    backends: Sequence[Backend], alike: bool, ask_all: Callable[[Sequence[Backend]], list[Seen]]
) -> Iterator[Seen]:
    """With `alike`, few at first and then more, until one says whether the account may log on."""
    at_once = 1 if alike else len(backends)
    while backends:
        found, backends = ask_all(backends[:at_once]), backends[at_once:]
        yield from found
        refused = [one.host for one in found if isinstance(one.error, AuthenticationFailed)]
        let_in = any(isinstance(one.error, NotReady) or not isinstance(one.error, Unreachable) for one in found)
        if refused and not let_in:
            yield from (Seen(one.host, spared_by=refused[0]) for one in backends)
            return
        at_once = len(backends) if let_in else 2 * at_once


def logons_of(settings: Settings) -> dict[str, Hashable]:
    """The account, the password and the way to show them of each host or cluster that is reached with a password."""
    every = (*settings.connections, *(one.entrance for one in settings.cluster_connections))
    return {one.name: (one.username, one.password, one.auth) for one in every if one.password}


def _ask(backend: Backend, since: datetime) -> Seen:
    try:
        inventory, facts, events = backend.inventory(disks=True), backend.facts(), backend.events(since)
    except BackendError as error:
        return Seen(backend.host, error=error)
    return Seen(backend.host, inventory, facts, events=events, folders=_one_folder(backend, inventory))


def _one_folder(backend: Backend, inventory: HostInventory) -> FolderFiles | BackendError | None:
    """Of all that health lists one tells whether the account may."""
    folders = folders_of(inventory.vms)[:1]
    try:
        return backend.folder_files(folders) if folders else None
    except BackendError as error:
        return error

"""A site in this process: a worker, the bot's end, and the database between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from backends.base import Backend, OnWait, Still
from backends.cluster.backend import ClusterBackend
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.host import Durations
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller, Patience
from backends.sites.cluster import SiteCluster
from backends.sites.signing import Key
from backends.sites.worker import Worker
from bot.demo.postgres import Postgres
from tests.backends.hyperv.hosts import in_process, instant_host, powershell
from tests.support.clusters import CLUSTER, NODES, ClusterWorld
from tests.support.postgres import database
from tests.support.waiting import DEADLINE, wait_until

SECRET = "a key that only bot and workers have"
HASTY = Patience(to_begin=DEADLINE, worker_gone=0.5, reader_gone=0.3, database_gone=1.0, look=0.1)


class Site:
    """`lyon`, with the host `hv01` and the cluster `prod`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = Key("lyon", SECRET)
        self.host = instant_host()
        self.cluster = _ReachedCluster()
        self.backends: dict[str, Backend] = {"hv01": _Reached(lambda: self.reach), CLUSTER: self.cluster}
        self.worker = Worker(self.key, url, self.backends, worker_id="first", version="1.2.3", seldom=0.5)
        self.caller = Caller(url, {"lyon": self.key}, patience=HASTY)
        self.backend = SiteBackend("hv01", "lyon", self.caller)
        self._open = ExitStack()
        self.begin(self.host)

    def begin(self, host: SimulatedHost) -> None:
        """From now on this is what the worker reaches."""
        self.host = host
        self.shell: SimulatedPowerShell = powershell(host)
        self.reach: Backend = self._open.enter_context(in_process(self.shell))

    def start(self) -> None:
        self.worker.start()
        wait_until(lambda: self.caller.present("lyon"))

    def stop(self) -> None:
        self.caller.close()
        self.worker.stop()
        self._open.close()


class _Reached:
    """Whatever the site reaches at present, so that one worker serves the tests of a module."""

    host = "hv01"

    def __init__(self, now: Callable[[], Backend]) -> None:
        self._now = now

    def __getattr__(self, name: str) -> object:
        return getattr(self._now(), name)


class _ReachedCluster:
    """The same of a cluster."""

    host = CLUSTER

    def __init__(self) -> None:
        self.now = ClusterWorld().reach()
        self._on_wait: OnWait = lambda _vm_id, _why: None
        self._still: Still = lambda: None

    def tell_waits(self, on_wait: OnWait) -> None:
        self._on_wait = on_wait

    def ask_first(self, still: Still) -> None:
        self._still = still

    def begin(self, cluster: ClusterBackend) -> None:
        cluster.tell_waits(self._on_wait)
        cluster.ask_first(self._still)
        self.now = cluster

    def __getattr__(self, name: str) -> object:
        return getattr(self.now, name)


class SitedClusterWorld(ClusterWorld):
    """Its nodes are the worker's to reach."""

    def __init__(self, site: Site, *, durations: Durations | None = None, names: Sequence[str] = NODES) -> None:
        super().__init__(durations=durations, names=names)
        self.site = site

    def backend(self, *, entrance: str = "hv01", listed: Sequence[str] = ()) -> SiteCluster:
        self.site.cluster.begin(self.reach(entrance=entrance, listed=listed))
        return SiteCluster(CLUSTER, "lyon", self.site.caller)


@pytest.fixture(scope="module")
def lyon(postgres: Postgres) -> Iterator[Site]:
    site = Site(database(postgres))
    site.start()
    yield site
    site.stop()


@pytest.fixture
def site(lyon: Site) -> Site:
    """The module's site with a host of this test's own."""
    lyon.begin(instant_host())
    return lyon

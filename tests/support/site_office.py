"""An office whose `hv01` and `prod` are reached through a worker at a site, a program of its own, over PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from backends.simulator.fleets.seed import add_clustered_vm, new_cluster
from backends.simulator.model.cluster import SimulatedCluster
from backends.simulator.model.machines import SimulatedVM
from backends.sites.caller import Caller, Patience
from backends.sites.signing import Key
from bot.changes.execution import Timeouts
from bot.settings import ClusterSettings, HostSettings, Settings
from bot.wiring import hosts_of
from tests.support.hosts import ACCOUNT, AT_ONCE, PASSWORD, small_fleet
from tests.support.office import MoreOfTheBot, Office
from tests.support.program import BotProcess
from tests.support.waiting import DEADLINE, wait_until

SITE, KEY = "lyon", "0123456789abcdef0123456789abcdef"
HASTY = Patience(to_begin=DEADLINE, worker_gone=0.5, reader_gone=0.3, database_gone=1.0, look=0.1)
"""For a worker that is killed to be missed. One that is there is waited for however busy the machine is."""
CLUSTER, NODES = "prod", ("hv11", "hv12")
SOON = Timeouts(unknown_after=0.5, retries=(0.5,) * 400)


class SiteOffice(Office):
    """`hv02` is reached as in any office. `prod` is a cluster of `hv11` and `hv12`."""

    def __init__(self, folder: Path, url: str) -> None:
        nodes = new_cluster(CLUSTER, NODES, durations=AT_ONCE)
        super().__init__(folder / "bot", hosts=(*small_fleet(), *nodes))
        self.url = url
        self._workers = folder / "worker"
        self._workers.mkdir()
        self.caller = Caller(url, {SITE: Key(SITE, KEY)}, patience=HASTY)
        self._worker: BotProcess | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self._running.callback(self.caller.close)
        self._running.callback(self.kill_worker)
        self.start_worker()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.start_worker()  # a bot that stops waits for what it has lost
        super().__exit__(kind, error, trace)

    @property
    def settings(self) -> Settings:
        usual = super().settings
        hosts = tuple(HostSettings(name=h.name, site=SITE) if h.name == "hv01" else h for h in usual.hosts)
        return usual.model_copy(
            update={
                "database_url": SecretStr(self.url),
                "sites": {SITE: SecretStr(KEY)},
                "hosts": tuple(h for h in hosts if h.name not in NODES),
                "clusters": (ClusterSettings(name=CLUSTER, site=SITE),),
            }
        )

    @property
    def cluster(self) -> SimulatedCluster:
        found = self.host(NODES[0]).cluster
        assert isinstance(found, SimulatedCluster)
        return found

    def add_clustered_vm(self, name: str) -> SimulatedVM:
        """As `add_vm`, on the first node of the cluster."""
        made = add_clustered_vm(self.host(NODES[0]), name)
        self.clock.forward(seconds=10)
        return made

    def more_of_the_bot(self) -> MoreOfTheBot:
        """All as the settings say, but quicker to miss a worker."""
        backends = hosts_of(self.settings, sites=self.caller)
        return {"backends": backends, "timeouts": SOON}

    def start_worker(self) -> None:
        """The same each time: its folder stays. Harmless while it is running."""
        if self._worker is None:
            host, *nodes = (
                {"name": name, "address": "127.0.0.1", "port": self.servers[name].port} for name in ("hv01", *NODES)
            )
            cluster = {**nodes[0], "name": CLUSTER, "nodes": nodes}
            secrets = {"DATABASE_URL": self.url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": PASSWORD}
            defaults = {"username": ACCOUNT, "ssl": False}
            settings = {"host_defaults": defaults, "hosts": [host], "clusters": [cluster]}
            self._worker = BotProcess(self._workers, settings, secrets, words=("worker", "--site", SITE))
            self._worker.__enter__()
        wait_until(lambda: self.caller.present(SITE))

    def kill_worker(self) -> None:
        """SIGKILL. Harmless when it is not running."""
        if self._worker is not None:
            worker, self._worker = self._worker, None
            worker.kill()
            worker.__exit__()
            wait_until(lambda: not self.caller.present(SITE))

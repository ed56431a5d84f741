"""The demo: simulated hosts, the Slack sandbox and the bot, in one process, over the same wires as in earnest; with
`sites`, PostgreSQL and the workers are processes of their own."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from backends.base import HostInventory
from backends.simulator.fleets.demo import CLUSTER, NODES
from backends.simulator.model.fleet import SimulatedHost
from bot.demo import history
from bot.demo.restless import drained_in_turn
from bot.demo.sites import Sites, served
from bot.durable import Stopped
from bot.operations.folder import HOLDER, LOCK, make_private
from bot.sandbox import PortTaken, Sandbox
from bot.settings import (
    AccessSettings,
    ClusterSettings,
    DigestChannelSettings,
    DigestSettings,
    GrantSettings,
    HostDefaults,
    HostSettings,
    NodeSettings,
    Settings,
    SlackSettings,
)
from bot.wiring import Bot, simulated_hosts, utc_now

ACCOUNT = "CONTOSO\\svc-checkpoint"
TRIES = (
    ("/checkpoint web01 before-upgrade", "takes a checkpoint"),
    ("/checkpoint apply web01 before-upgrade", "puts web01 back to it; asks first"),
    ("/checkpoint digest", "names the stale checkpoints, with buttons"),
)
"""What the welcome and the empty page name, each with what it does."""
PORT, SPARE_PORTS = 8025, 25
"""Where the page is, and how many ports after it are tried while others are taken."""
NOISY = ("dbos", "aiohttp.server", "asyncio")
NOT_LAUNCHED = "System database accessed before DBOS was launched"
"""What DBOS says of work that ends after the demo has."""
MARK = "checkpointbot-demo"
"""A file by which a demo knows the folder of an earlier one, so that `--fresh` throws nothing else away."""


class Quiet(logging.Filter):
    """Passes over what is no trouble in a demo: work that is cut off because the demo ends goes on at the next start,
    and a host that is simulated on this machine is never out of reach for long."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not any(isinstance(one, Stopped) or NOT_LAUNCHED in str(one) for one in _chain(error))


QUIET = Quiet()


class Demo:
    """Everything between `start` and `stop`; what happened is kept in a folder for the next time."""

    def __init__(
        self,
        data: Path,
        *,
        fresh: bool = False,
        port: int | None = None,
        cluster: bool = False,
        restless: bool = False,
        sites: bool = False,
    ) -> None:
        """With a `cluster` besides the two hosts, which stays in the folder, and whose nodes are drained in turn where
        it is `restless`; with `sites` all are reached through workers. The page is at the same port each time, or at
        the next free one; a `port` that is asked for is taken, or none. Raises OSError when the folder cannot be used,
        or when `fresh` would throw away something else."""
        check(data)
        make_private(data)
        if fresh:
            _throw_away(data)
        (data / MARK).touch()
        self._data = data
        self._cluster = cluster or restless
        self._beside: Callable[[Sequence[SimulatedHost]], AbstractContextManager[object]]
        self._beside = drained_in_turn if restless else nullcontext
        self._with_sites = sites
        self._sites: Sites | None = None
        self._open = ExitStack()
        for name in NOISY:
            logging.getLogger(name).addFilter(QUIET)
        logging.getLogger("pypsrp").setLevel(logging.CRITICAL)
        self._ports = range(PORT, PORT + SPARE_PORTS) if port is None else range(port, port + 1)
        self._sandbox = self._sandbox_at(self._ports[0])

    @property
    def url(self) -> str:
        """The page's address."""
        return self._sandbox.url

    def start(self, stopping: threading.Event | None = None) -> None:
        password = secrets.token_urlsafe(24)
        ports = self._open.enter_context(
            simulated_hosts(self._data, ACCOUNT, password, self._begin, cluster=self._cluster, beside=self._beside)
        )
        self._open_page()
        hosts, clusters = _reached(ports)
        if self._with_sites:
            self._sites = sites = self._open.enter_context(served(self._data, hosts, clusters, ACCOUNT, password))
            hosts = tuple(HostSettings(name=one.name, site=sites.of[one.name]) for one in hosts)
            clusters = tuple(ClusterSettings(name=one.name, site=sites.of[one.name]) for one in clusters)
        bot = Bot(self._settings(hosts, clusters, password))
        self._open.callback(bot.stop)
        bot.start(stopping)

    def _begin(self, inventories: Sequence[HostInventory]) -> None:
        """What a bot that has been at work for weeks would know of these hosts."""
        ledger = self._data / "ledger.db"
        if not ledger.exists():
            history.write(ledger, inventories, utc_now())

    def _open_page(self) -> None:
        """Serve the sandbox at the first port that can be had. Raises `PortTaken`."""
        for port in self._ports:
            self._sandbox = self._sandbox_at(port)
            try:
                self._open.enter_context(self._sandbox)
            except PortTaken:
                if port == self._ports[-1]:
                    raise
            else:
                return

    def _sandbox_at(self, port: int) -> Sandbox:
        return Sandbox(port=port, data_file=self._data / "slack.json", suggestions=TRIES)

    def stop(self) -> None:
        """End the bot, then what it talks to; the state of the hosts and of the channels is saved."""
        self._open.close()

    def _settings(
        self, hosts: tuple[HostSettings, ...], clusters: tuple[ClusterSettings, ...], password: str
    ) -> Settings:
        everyone, owners, web = "everyone", "S0VMADMIN", "S0WEBTEAM"
        sites = self._sites
        return Settings(
            slack=SlackSettings(
                api_url=self._sandbox.api_url,
                bot_token=SecretStr(self._sandbox.bot_token),
                app_token=SecretStr(self._sandbox.app_token),
            ),
            data_dir=self._data,
            host_defaults=HostDefaults(ssl=False, username=ACCOUNT, password=SecretStr(password)),
            database_url=SecretStr(sites.database_url) if sites else None,
            sites={site: SecretStr(key) for site, key in sites.keys.items()} if sites else {},
            hosts=hosts,
            clusters=clusters,
            access=AccessSettings(
                grants=(
                    GrantSettings(to=(owners,), role="owner", vms=("*",)),
                    GrantSettings(to=(web,), role="owner", vms=("web*",)),
                    GrantSettings(to=(web,), role="operator", vms=("test*", "build*")),
                    GrantSettings(to=(everyone,), role="viewer", vms=("*",)),
                ),
                production_only=("dc*",),
            ),
            digest=DigestSettings(
                stale_after=timedelta(days=7),
                channels=(
                    DigestChannelSettings(channel="C0OPS0001", vms=("*",)),
                    DigestChannelSettings(channel="C0WEBTEAM", vms=("web*",)),
                ),
            ),
        )

    def welcome(self) -> str:
        """What to print when it runs."""
        longest = max(len(command) for command, _ in TRIES)
        tries = "\n".join(f"    {command:{longest}}    {what}" for command, what in TRIES)
        hosts = f"two simulated Hyper-V hosts{' and a cluster' * self._cluster}"
        if self._sites:
            where = ", ".join(f"{host} at the site {site}" for host, site in self._sites.of.items())
            hosts = f"{hosts}\n({where}; each site behind a worker of its own, with PostgreSQL between)"
        return f"""\
Checkpoint Bot is running: {hosts}, and a Slack workspace at

    {self.url}

Three things to try there, in #ops:

{tries}

State is kept in {self._data}; --fresh throws it away. Ctrl-C ends the demo."""


def _reached(ports: Mapping[str, int]) -> tuple[tuple[HostSettings, ...], tuple[ClusterSettings, ...]]:
    """The hosts and the cluster, if there is one, as whoever is beside them reaches them."""
    hosts = tuple(
        HostSettings(name=name, address="127.0.0.1", port=port) for name, port in ports.items() if name not in NODES
    )
    nodes = tuple(NodeSettings(name=name, address="127.0.0.1", port=ports[name]) for name in NODES if name in ports)
    first = nodes[:1]
    return hosts, tuple(ClusterSettings(name=CLUSTER, address=one.address, port=one.port, nodes=nodes) for one in first)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came of."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def check(data: Path) -> None:
    """Raises FileExistsError for a folder that is somebody else's."""
    if data.exists() and _content(data) and not (data / MARK).exists():
        raise FileExistsError(
            f"{data} is there already and holds no demo. Nothing was touched; name another with --data."
        )


def _content(data: Path) -> list[Path]:
    """All but the lock, which holds the folder meanwhile."""
    return [path for path in data.iterdir() if path.name not in (LOCK, HOLDER)]


def _throw_away(data: Path) -> None:
    for path in _content(data):
        shutil.rmtree(path) if path.is_dir() else path.unlink()

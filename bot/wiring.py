"""The only place that picks concrete classes: settings in, a bot that can be started and stopped out."""

from __future__ import annotations

import json
import logging
import random
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from slack_bolt import App

from backends.base import Backend, HostInventory
from backends.cluster.backend import ClusterBackend
from backends.cluster.nodes import Nodes
from backends.hyperv.backend import HyperVBackend
from backends.hyperv.connect import connect
from backends.simulator.fleets import keeping
from backends.simulator.fleets.demo import demo_cluster, demo_fleet
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from backends.simulator.winrm import WinRMServer
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller
from backends.sites.cluster import SiteCluster
from backends.sites.signing import Key
from backends.sites.worker import Worker
from bot.changes.execution import Timeouts
from bot.core import Core
from bot.durable import SELDOM
from bot.operations import upgrade
from bot.operations.doctor import Check, in_short
from bot.operations.folder import make_private
from bot.operations.metrics import Metrics, Sources
from bot.operations.monitor import Monitor
from bot.operations.one_bot import OneBot
from bot.operations.restore import restored
from bot.operations.stream import Stream, receiver_of
from bot.people.directory import LookupFailed
from bot.settings import ClusterConnection, Settings, WorkerSettings
from bot.slack.connection import pause
from bot.slack.directory import SlackDirectory
from bot.slack.intake import Intake
from bot.slack.listeners import build_app
from bot.slack.outbox import Outbox
from bot.slack.pace import Pace
from bot.slack.receiver import Given
from bot.slack.render.signed import Voice
from bot.slack.socket_mode import Child, Process, SocketMode
from bot.slack.views import Views
from bot.slack.web import posting_client, reading_client
from bot.slack.websocket import NotConnected

if TYPE_CHECKING:
    from bot.slack.http import HttpServer

T = TypeVar("T")

log = logging.getLogger(__name__)

STOPPING = 8.0
"""Seconds in which the bot has stopped, whatever is under way: a container is given ten."""

REQUESTS = 3.0
"""How many of them requests under way get to end. Who asked what did not end is told at the next start."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Bot:
    """The running program. `start` returns when it takes commands; after `stop` nothing of it runs any more."""

    def __init__(
        self,
        settings: Settings,
        *,
        backends: Mapping[str, Backend] | None = None,
        clock: Callable[[], datetime] = utc_now,
        pace: Pace | None = None,
        timeouts: Timeouts | None = None,
        wait: bool = True,
        seldom: float = SELDOM,
        receiver: Callable[[], Child] = Process,
        on_wait: Callable[[str], object] = lambda _: None,
    ) -> None:
        """`backends` stand in for those that the settings' hosts would give, `pace` for Slack's, and `timeouts` for the
        usual ones of lost actions; `wait` says whether the start waits for Slack where it cannot be reached, `seldom`
        are the seconds between looks at what is due, `receiver` begins what holds the connections, and `on_wait` is
        told what the start waits for. Raises `LedgerError` and OSError when the data folder cannot be used."""
        self._wait = wait
        self._on_wait = on_wait
        self._clock = clock
        self._settings = settings
        make_private(settings.data_dir)
        self.backends = dict(backends) if backends is not None else hosts_of(settings, settings.data_dir / "shells")
        token, api_url = settings.slack.bot_token.get_secret_value(), settings.slack.api_url
        voice = Voice(settings.slack.command, settings.slack.label)
        outbox = Outbox(posting_client(token, api_url), pace, voice=voice)
        self.directory = SlackDirectory(reading_client(token, api_url))
        if settings.has_jobs_file:
            upgrade.jobs(settings.data_dir / "jobs.db")
        self._core = Core(
            settings,
            backends=self.backends,
            announcer=outbox,
            screen=Views(posting_client(token, api_url), voice=voice),
            directory=self.directory,
            clock=clock,
            timeouts=timeouts,
            seldom=seldom,
            restored=restored(settings.data_dir),
        )
        self.ledger = self._core.ledger
        self.inventory = self._core.inventory
        stream = receiver_of(settings.audit)
        self._stream = Stream(self.ledger, stream) if stream else None
        intake = Intake()
        app = build_app(self._core.desk, self._core.telling, intake, api_url=api_url, voice=voice)
        self._stopping, self._stopped = threading.Event(), threading.Event()
        url = settings.database_url.get_secret_value() if settings.database_url else ""
        self._one_bot = OneBot(url, self._end) if url.startswith("postgresql") else None
        self._monitor: Monitor | None = None
        metrics = self._metrics(settings, intake, clock) if settings.metrics.listen else None
        self._connections = self._connections_of(app, intake, metrics.acks.observe if metrics else None, receiver)
        if metrics and settings.metrics.listen:
            self._monitor = Monitor(settings.metrics.listen, metrics, self.lives)

    def _connections_of(
        self, app: App, intake: Intake, on_ack: Callable[[float], None] | None, receiver: Callable[[], Child]
    ) -> SocketMode | HttpServer:
        """The way that requests come in, by the mode of the settings."""
        slack = self._settings.slack
        if slack.mode == "http" and slack.signing_secret is not None:
            from bot.slack.http import HttpServer  # noqa: PLC0415 - takes a while to be read

            secret = slack.signing_secret.get_secret_value()
            taken = self.ledger.signatures
            return HttpServer(app, intake, secret, listen=slack.listen, on_ack=on_ack, taken=taken)
        ledger = str(self._settings.data_dir / "ledger.db")
        given = Given(
            slack.socket_token, slack.api_url, slack.command, ledger, logging.getLogger("bot").getEffectiveLevel()
        )
        return SocketMode(app, intake, given, begin=receiver, tell_lost=self._core.tell_lost, on_ack=on_ack)

    def _metrics(self, settings: Settings, intake: Intake, clock: Callable[[], datetime]) -> Metrics:
        return Metrics(
            Sources(
                inventory=self._core.inventory,
                ledger=self.ledger,
                data_dir=settings.data_dir,
                stale_after=settings.digest.stale_after,
                clock=clock,
                connections=lambda: self._connections.alive,
                scheduler=lambda: self._core.clock_alive,
                waiting=lambda: intake.waiting,
                stream_lag=self._stream.lag if self._stream else None,
            )
        )

    def lives(self) -> Mapping[str, bool]:
        """What the bot cannot do without, and whether it lives."""
        return {"slack": self._connections.alive > 0, "scheduler": self._core.clock_alive}

    @property
    def alive(self) -> bool:
        """Nothing in it has stopped that only a new start of the program brings back."""
        return self._core.alive

    def start(self, stopping: threading.Event | None = None) -> None:
        """Take up what was pending, and open for commands. While Slack or the database is away it is waited for, until
        `stopping` is set; the bot sets it where it is to end by itself. Raises `NotConnected` or `LookupFailed` when
        Slack refuses, and `Taken` where another bot runs on the same database."""
        self._stopping = stopping = stopping or threading.Event()
        self._connections.prepare()
        if self._monitor:
            self._monitor.start()  # first: whoever watches sees that it waits for Slack
        if self._one_bot:
            self._one_bot.take(stopping)
        if self._stream:
            self._stream.start()
        else:
            self.ledger.streams.begin(None)
        log.info("the workspace is %s", self._reach(lambda: self.directory.team_id, stopping))
        if not stopping.is_set():
            self._core.start()
            self._reach(self._connections.start, stopping)

    def _end(self) -> None:
        self._stopping.set()

    def look(self) -> Iterator[Check]:
        """The doctor's shorter form: what is wrong with the settings, and with hosts that answer. What it says of a
        host stands in `/checkpoint hosts` until the next look. Raises `LookupFailed`."""
        return in_short(self._settings, self.directory, self.backends, self._clock, self._core.inventory.remark)

    def stops_within(self, seconds: float) -> bool:
        return self._stopped.wait(seconds)

    def _reach(self, act: Callable[[], T], stopping: threading.Event) -> T | None:
        """What needs Slack, as soon as it is there."""
        tries = 0
        while not stopping.is_set():
            try:
                return act()
            except (LookupFailed, NotConnected) as error:
                if error.lasting or not self._wait:
                    raise
                if tries == 0:
                    log.error("Slack is not reached yet, and is tried again: %s", error)
                    self._on_wait(f"Slack is not reached yet, and is tried again: {error}")
                stopping.wait(pause(tries, random.Random(), spare=False))  # noqa: S311 - spreads tries, guards nothing
                tries += 1
        return None

    def stop(self) -> None:
        """Take no more requests, let those under way end, and close what is open, all within `STOPPING` seconds. What
        is pending is taken up at the next start."""
        until = time.monotonic() + STOPPING
        self._stopped.set()
        if self._monitor:
            self._monitor.stop()
        self._connections.stop(REQUESTS)
        if self._stream:
            self._stream.stop()
        self._core.stop(until - time.monotonic())
        if self._one_bot:
            self._one_bot.give_back()


def hosts_of(settings: Settings, shells: Path | None = None, *, sites: Caller | None = None) -> dict[str, Backend]:
    """A backend for each host and each cluster of the settings. Nothing is sent to any of them yet. In the folder
    `shells` they keep which shells stand open, for the next start after a crash; `sites` stands in for what would call
    the workers."""
    made = _reached(settings, shells)
    if sites := sites or caller_of(settings):
        made |= {one.name: SiteBackend(one.name, one.site, sites) for one in settings.hosts if one.site}
        made |= {one.name: SiteCluster(one.name, one.site, sites) for one in settings.clusters if one.site}
    names = [one.name for one in settings.hosts] + [one.name for one in settings.clusters]
    return {name: made[name] for name in names}


def _reached(settings: Settings | WorkerSettings, shells: Path | None) -> dict[str, Backend]:
    """Those that this program reaches itself."""
    hosts = {one.name: connect(one, shells=_file_of(one.name, shells)) for one in settings.connections}
    return {**hosts, **{one.name: _cluster_of(one, shells) for one in settings.cluster_connections}}


def caller_of(settings: Settings) -> Caller | None:
    """What calls the workers of the sites; None where there are no sites."""
    if not settings.sites or settings.database_url is None:
        return None
    keys = {site: Key(site, key.get_secret_value()) for site, key in settings.sites.items()}
    return Caller(settings.database_url.get_secret_value(), keys)


class SiteWorker:
    """The worker of a site, as a program: it can be started and stopped."""

    def __init__(self, site: str, settings: WorkerSettings) -> None:
        """Raises OSError when the data folder cannot be used."""
        make_private(settings.data_dir)
        self._worker = Worker(
            Key(site, settings.site_key.get_secret_value()),
            settings.database_url.get_secret_value(),
            _reached(settings, settings.data_dir / "shells"),
            worker_id=_worker_id(settings.data_dir / "worker.json"),
            version=version("hyperv-checkpoint-bot"),
        )

    def start(self, stopping: threading.Event) -> None:
        """It waits for the database where that is away, until `stopping` is set."""
        self._worker.start(stopping)

    def stop(self) -> None:
        self._worker.stop()


def _worker_id(file: Path) -> str:
    """The same each time, for what it left open on the hosts is in the same folder."""
    if file.exists():
        return str(json.loads(file.read_text("utf-8"))["worker"])
    made = f"{socket.gethostname()}-{uuid.uuid4()}"
    new = file.with_name(f"{file.name}.new")  # half of it would keep the worker from ever starting again
    new.write_text(json.dumps({"version": 1, "worker": made}), encoding="utf-8")
    new.replace(file)
    return made


def _cluster_of(cluster: ClusterConnection, shells: Path | None) -> ClusterBackend:
    """Its name keeps the files of its nodes apart from those of hosts that are called the same."""

    def node(name: str) -> HyperVBackend:
        return connect(cluster.node(name), shells=_file_of(f"{cluster.name}/{name}", shells))

    entrance = connect(cluster.entrance, shells=_file_of(cluster.name, shells))
    return ClusterBackend(cluster.name, Nodes(cluster.name, entrance, node, tuple(cluster.nodes)))


def _file_of(name: str, folder: Path | None) -> Path | None:
    return None if folder is None else folder / f"{quote(name, safe='')}.json"


@contextmanager
def simulated_hosts(
    folder: Path,
    username: str,
    password: str,
    made: Callable[[Sequence[HostInventory]], object] | None = None,
    *,
    cluster: bool = False,
    beside: Callable[[Sequence[SimulatedHost]], AbstractContextManager[object]] = nullcontext,
) -> Iterator[dict[str, int]]:
    """The demo's hosts over WinRM on loopback: name to port, those of its `cluster` too. They are kept in `folder` for
    the next time; `made` is called with what is on the hosts when they are made anew, and `beside` does something to
    them meanwhile."""
    file = folder / "hosts.json"
    hosts = keeping.load(file) if file.exists() else demo_fleet(utc_now())
    if made is not None and not file.exists():
        made([_inventory(host) for host in hosts])
    if cluster and not any(host.cluster for host in hosts):
        hosts = [*hosts, *demo_cluster(utc_now())]
    with ExitStack() as open_ports:
        servers = {
            host.name: open_ports.enter_context(
                WinRMServer(
                    SimulatedPowerShell(host),
                    users={username: password},
                    machine=host.name.upper(),
                    faults=host.faults,
                )
            )
            for host in hosts
        }
        try:
            with beside(hosts):
                yield {name: server.port for name, server in servers.items()}
        finally:
            keeping.save(hosts, file)


def _inventory(host: SimulatedHost) -> HostInventory:
    """What is on it, without a wire."""
    return HyperVBackend(host.name, SimulatedSession(SimulatedPowerShell(host))).inventory(disks=True)

"""A site in this process: a worker, the bot's end, and the database between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from backends.base import Backend
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.sites.backend import SiteBackend
from backends.sites.caller import Caller, Patience
from backends.sites.signing import Key
from backends.sites.worker import Worker
from bot.demo.postgres import Postgres
from tests.backends.hyperv.hosts import in_process, instant_host, powershell
from tests.support.postgres import database
from tests.support.waiting import DEADLINE, wait_until

SECRET = "a key that only bot and workers have"
HASTY = Patience(to_begin=DEADLINE, worker_gone=0.5, reader_gone=0.3, database_gone=1.0, look=0.1)


class Site:
    """`lyon`, with the host `hv01`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = Key("lyon", SECRET)
        self.host = instant_host()
        self.backends: dict[str, Backend] = {"hv01": _Reached(lambda: self.reach)}
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

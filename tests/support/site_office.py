"""An office whose `hv01` is reached through a worker at a site, a program of its own, over PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import SecretStr

from backends.sites.caller import Caller, Patience
from backends.sites.signing import Key
from bot.changes.execution import Timeouts
from bot.settings import HostSettings, Settings
from bot.wiring import hosts_of
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.office import MoreOfTheBot, Office
from tests.support.program import BotProcess
from tests.support.waiting import DEADLINE, wait_until

SITE, KEY = "lyon", "0123456789abcdef0123456789abcdef"
HASTY = Patience(to_begin=DEADLINE, worker_gone=0.5, reader_gone=0.3, database_gone=1.0, look=0.1)
"""For a worker that is killed to be missed. One that is there is waited for however busy the machine is."""
AT_ONCE = Timeouts(unknown_after=0.5, retries=(0.5,) * 400)


class SiteOffice(Office):
    """`hv02` is reached as in any office."""

    def __init__(self, folder: Path, url: str) -> None:
        super().__init__(folder / "bot")
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
            update={"database_url": SecretStr(self.url), "sites": {SITE: SecretStr(KEY)}, "hosts": hosts}
        )

    def more_of_the_bot(self) -> MoreOfTheBot:
        """All as the settings say, but quicker to miss a worker."""
        backends = hosts_of(self.settings, sites=self.caller)
        return {"backends": backends, "timeouts": AT_ONCE}

    def start_worker(self) -> None:
        """The same each time: its folder stays. Harmless while it is running."""
        if self._worker is None:
            host = {"name": "hv01", "address": "127.0.0.1", "port": self.servers["hv01"].port, "ssl": False}
            secrets = {"DATABASE_URL": self.url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": PASSWORD}
            settings = {"host_defaults": {"username": ACCOUNT}, "hosts": [host]}
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

"""A bot, its database, and the workers of a site, any of which can be taken away at any moment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from threading import Lock
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from pydantic import SecretStr

from bot.changes.execution import Timeouts
from bot.demo.postgres import Postgres
from bot.ledger import ChangeRow, ChangeState
from bot.settings import HostSettings, Settings
from commands.base import Create
from tests.crash.hosts import effects
from tests.crash.invariants import told_wrong
from tests.crash.scenarios import QUICK, Scenario
from tests.crash.world import World
from tests.support import jobs
from tests.support.cable import Cable
from tests.support.hosts import ACCOUNT, PASSWORD
from tests.support.program import BotProcess

SITE, KEY = "lyon", "0123456789abcdef0123456789abcdef"
VMS = ("web01", "web02", "web03")
MOST = 12
"""Checkpoints of a VM, before one is deleted."""


class Worker:
    """One of the site's, with a connection to the database of its own."""

    def __init__(self, folder: Path, cable: Cable, url: str, port: int) -> None:
        folder.mkdir()
        self.cable = cable
        self._folder, self._url, self._port = folder, url, port
        self._process: BotProcess | None = None

    def start(self) -> None:
        if self._process is None:
            host = {"name": "hv01", "address": "127.0.0.1", "port": self._port, "ssl": False}
            secrets = {"DATABASE_URL": self._url, "SITE_KEY": KEY, "HOST_DEFAULTS__PASSWORD": PASSWORD}
            settings = {"host_defaults": {"username": ACCOUNT}, "hosts": [host]}
            self._process = BotProcess(self._folder, settings, secrets, words=("worker", "--site", SITE))
            self._process.__enter__()

    def kill(self) -> str:
        """What it has printed."""
        if self._process is None:
            return ""
        process, self._process = self._process, None
        process.kill()
        process.__exit__()
        with (self._folder / "worker.log").open("a", encoding="utf-8") as log:
            log.write(process.output)
        return process.output


class ChaosWorld(World):
    """`hv01` is at a site with two workers. Each of them, and the bot, has its own way to the database."""

    def __init__(self, folder: Path, server: Postgres, timeouts: Timeouts) -> None:
        with jobs.on(server.url()):
            super().__init__(folder, Scenario("chaos", (), (), {}, durations=QUICK), timeouts=timeouts)
        assert self._database_url is not None
        self.server = server
        at = urlsplit(self._database_url)
        self.cables = [Cable(at.port or 0) for _ in range(3)]
        urls = [self._database_url.replace(f":{at.port}/", f":{cable.port}/") for cable in self.cables]
        self._bots_url, *self._workers_urls = urls
        self.workers: list[Worker] = []
        self._numbers = 0
        self._typing = Lock()
        self.asked: list[str] = []
        self._around = ExitStack()

    def __enter__(self) -> Self:
        for cable in self.cables:
            self._around.enter_context(cable)
        super().__enter__()
        for number, (cable, url) in enumerate(zip(self.cables[1:], self._workers_urls, strict=True)):
            self.workers.append(Worker(self.folder / f"worker{number}", cable, url, self._server.port))
        for worker in self.workers:
            self._around.callback(worker.kill)
            worker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._around.close()

    def live(self) -> None:
        """Begin another life, however the last one ended."""
        self._life = None
        super().live()

    @property
    def _settings(self) -> Settings:
        usual = super()._settings
        return usual.model_copy(
            update={
                "database_url": SecretStr(self._bots_url),
                "sites": {SITE: SecretStr(KEY)},
                "hosts": (HostSettings(name="hv01", site=SITE),),
            }
        )

    # ---------------------------------------------------------------- people

    def ask_for_something(self, random: Random) -> None:
        """A checkpoint of a name of its own, or the end of an old one."""
        name = random.choice(VMS)
        with self.host.moment():
            (vm,) = (one for one in self.host.vms.values() if one.name == name)
            there = [one.name for one in vm.ordered() if re.fullmatch(r"n\d+", one.name)]
        with self._typing:
            self._numbers += 1
            number = self._numbers
        text = f"delete {name} {there[0]}" if len(there) > MOST else f"create {name} n{number}"
        if text not in self.asked:
            self.asked.append(text)
            self._sandbox.command("ada", "ops", f"/checkpoint {text}")

    # ---------------------------------------------------------------- what must hold

    def rows(self) -> tuple[ChangeRow, ...]:
        """All of them: there are more than a page of the history holds."""
        with self._ledger() as ledger:
            found = [ledger.changes.get(one.change_id) for one in reversed(ledger.history.find(limit=100_000))]
        return tuple(row for row in found if row is not None)

    def settled(self) -> bool:
        return all(row.state.final for row in self.rows()) and not self.jobs_left()

    def broken(self) -> Iterator[str]:
        """Looked for when everything is back and nothing is under way."""
        verdict = self.audit()
        if not verdict.whole:
            yield f"the ledger is broken: {verdict.broken}"
        happened = Counter(effects(self.host))
        for row in self.rows():
            yield from self._wrong(row, happened)
            yield from told_wrong(self, row)
        yield from (f"{effect} took effect {times} times" for effect, times in happened.items() if times > 1)
        asked = {effect_of(row) for row in self.rows()}
        yield from (f"{effect} was asked for by nobody" for effect in happened if effect not in asked)
        yield from (f"a job met a defect: {job}" for job in self.jobs_broken())

    def _wrong(self, row: ChangeRow, happened: Counter[str]) -> Iterator[str]:
        times, wanted = happened[effect_of(row)], int(row.state == ChangeState.SUCCEEDED)
        if not row.state.final or row.state == ChangeState.UNKNOWN:
            yield f"{row.summary} is {row.state} in the end"
        elif times != wanted:
            yield f"{row.summary} is {row.state}, and took effect {times} times: {row.result or row.reason}"


def effect_of(row: ChangeRow) -> str:
    """As `effects` calls what it does."""
    assert row.plan is not None
    (target,) = row.plan.targets
    if isinstance(row.plan.action, Create):
        return f"{target.vm_name}: create {row.plan.action.name}"
    return f"{target.vm_name}: remove {target.checkpoint_name}"

"""The demo's sites: a PostgreSQL of its own, and a worker beside the bot for each site, as a program of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import yaml

from backends.sites.caller import Caller
from backends.sites.signing import Key
from bot.demo.postgres import NoPostgres, Postgres, end_left
from bot.operations.folder import make_private
from bot.settings import ClusterSettings, HostSettings

NAMES = ("lyon", "porto")
RUN = "from bot.demo.sites import watch; watch({folder!r}); from bot.cli import entry; entry()"
LOOK = 0.1
"""Seconds between looks whether the workers are connected."""
ENDING = 15.0
"""Seconds that a worker has to end by itself."""


class NoSites(OSError):
    """The sites cannot be shown on this machine. The sentence says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Sites:
    """What the bot has to know of them."""

    database_url: str
    keys: Mapping[str, str]
    of: Mapping[str, str]
    """The site of each host and cluster."""


@contextmanager
def served(
    folder: Path,
    hosts: Sequence[HostSettings],
    clusters: Sequence[ClusterSettings],
    username: str,
    password: str,
) -> Iterator[Sites]:
    """One site for each host and cluster in turn. Their logs are in `folder`. Raises `NoSites`."""
    names = [one.name for one in hosts] + [one.name for one in clusters]
    of = {name: NAMES[at % len(NAMES)] for at, name in enumerate(names)}
    keys = {site: secrets.token_urlsafe(32) for site in NAMES}
    with ExitStack() as running:
        database = running.enter_context(_database())
        url, program = database.url(), RUN.format(folder=str(database.folder))
        workers = []
        for site in NAMES:
            settings = {
                "data_dir": str(folder / site / "data"),
                "host_defaults": {"ssl": False, "username": username},
                "hosts": [_written(one) for one in hosts if of[one.name] == site],
                "clusters": [_written(one) for one in clusters if of[one.name] == site],
            }
            known = {"DATABASE_URL": url, "SITE_KEY": keys[site], "HOST_DEFAULTS__PASSWORD": password}
            workers.append(running.enter_context(_worker(program, site, folder / site, settings, known)))
        _wait_for(workers, url, keys)
        yield Sites(url, keys, of)


def _written(one: HostSettings | ClusterSettings) -> object:
    """As it stands in a settings file."""
    return one.model_dump(mode="json", exclude_unset=True)


@contextmanager
def _database() -> Iterator[Postgres]:
    """Not in the demo's own folder, which nobody else may enter: the server may run as another account."""
    with ExitStack() as opened:
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="checkpointbot-demo-"))
        try:
            server = opened.enter_context(Postgres(Path(folder)))
        except NoPostgres as missing:
            raise NoSites(f"The sites of the demo need PostgreSQL. {missing} The demo runs without --sites.") from None
        yield server


def _wait_for(workers: Sequence[subprocess.Popen[bytes]], url: str, keys: Mapping[str, str]) -> None:
    """Until all are connected, for the bot's first look meets its hosts then."""
    caller = Caller(url, {site: Key(site, key) for site, key in keys.items()})
    try:
        while not all(caller.present(site) for site in keys):
            if any(worker.poll() is not None for worker in workers):
                raise NoSites("A worker of the demo has ended. Its worker.log in the folder of its site says why.")
            time.sleep(LOOK)
    finally:
        caller.close()


@contextmanager
def _worker(
    program: str, site: str, folder: Path, settings: Mapping[str, object], known: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Ended with the demo, by Ctrl-C too, which is for the demo alone. A demo that is killed ends it by its pipe."""
    make_private(folder)
    config = folder / "checkpointbot.yaml"
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    others = {name: value for name, value in os.environ.items() if not name.startswith("CHECKPOINTBOT_")}
    with (folder / "worker.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(  # noqa: S603 - its own program
            [sys.executable, "-c", program, "worker", "--site", site, "--config", str(config)],
            env={**others, **{f"CHECKPOINTBOT_{name}": value for name, value in known.items()}},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(ENDING)
        if process.stdin:
            process.stdin.close()


def watch(folder: str) -> None:
    """For a worker, which is there for as long as the demo is: when that was killed, the database in that folder goes
    too."""
    Thread(target=_end_with, args=(sys.stdin.buffer, Path(folder)), daemon=True).start()


def _end_with(demo: BinaryIO, folder: Path) -> None:
    demo.read()
    end_left(folder)
    shutil.rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)

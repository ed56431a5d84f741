"""Offices for whoever tests the bot from end to end."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis

from bot.cli import MIDDLE, OLD, YOUNG
from bot.demo.postgres import Postgres
from bot.durable import sqlite_jobs
from tests.support import jobs
from tests.support.jobs import POSTGRESQL, SQLITE
from tests.support.office import Office
from tests.support.postgres import database, serve

with suppress(ValueError):  # only a main thread may
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if os.name == "posix" and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # the tests themselves go on when they are hung up
"""A shell starts what runs in its background deaf to Ctrl-C, and `nohup` deaf to its end: so would be the programs to
which tests send such signals."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Programs that tests start do not compile anew what others have compiled."""

LONGEST_FIRST = ("promises", "crash", "e2e")
"""Rooms of tests that take minutes. Begun first, they do not keep one worker busy when the other has nothing left."""

hypothesis.register_profile("suite", deadline=None, max_examples=40)  # on a machine with other work, within minutes
hypothesis.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_addoption(parser: pytest.Parser) -> None:
    where = "where the bots that the tests start keep their jobs (default sqlite)"
    parser.addoption("--database", choices=(SQLITE, POSTGRESQL), default=SQLITE, help=where)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in LONGEST_FIRST)  # the order is kept otherwise
    for item in items if on_postgresql(config) else ():
        if item.get_closest_marker("sqlite"):
            item.add_marker(pytest.mark.skip(reason="is about the file jobs.db"))
        elif "jobs_on_postgresql" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason="all others are on PostgreSQL too"))


def on_postgresql(config: pytest.Config) -> bool:
    return bool(config.getoption("--database") == POSTGRESQL)


def pytest_collection_finish() -> None:
    """What was collected stays until the end. To look through it again and again is a seventh of what tests take."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)


@pytest.fixture(scope="module")
def shared_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for the tests of a module. It takes seconds to open, so they share it."""
    with Office(tmp_path_factory.mktemp("office") / "data") as office:
        yield office


@pytest.fixture
def office(shared_office: Office) -> Iterator[Office]:
    """The module's office, in a channel of this test's own. Each test changes VMs of its own (`add_vm`), which go with
    it, so that the looks of the next one do not take longer and longer."""
    shared_office.move_to_a_new_channel()
    with shared_office.vms_of_a_test():
        yield shared_office


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Where an office of a test's own keeps its data: `with Office(data_dir) as office`."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """A server for the tests of this process that need one."""
    yield from serve(needed=on_postgresql(pytestconfig))


@pytest.fixture(scope="session", autouse=True)
def jobs_by_the_option(request: pytest.FixtureRequest) -> Iterator[None]:
    """All worlds keep their jobs where `--database` says."""
    server: Postgres | None = request.getfixturevalue("postgres") if on_postgresql(request.config) else None
    with jobs.on(server.url() if server else None):
        yield


@pytest.fixture
def jobs_on_postgresql(postgres: Postgres) -> Iterator[None]:
    """The worlds of a test keep their jobs on PostgreSQL in every run."""
    with jobs.on(postgres.url()):
        yield


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    """A PostgreSQL database of a test's own."""
    return database(postgres)


@pytest.fixture(params=[pytest.param(SQLITE, marks=pytest.mark.sqlite), POSTGRESQL])
def jobs_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where workflows are kept, on either engine."""
    if request.param == SQLITE:
        return sqlite_jobs(tmp_path / "jobs.db")
    return str(request.getfixturevalue("database_url"))

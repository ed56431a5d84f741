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
from tests.support.office import Office
from tests.support.postgres import database, serve

with suppress(ValueError):  # only a main thread may
    signal.signal(signal.SIGINT, signal.default_int_handler)
"""A shell starts what runs in its background deaf to Ctrl-C, and so would be the programs that tests interrupt."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Programs that tests start do not compile anew what others have compiled."""

LONGEST_FIRST = ("promises", "crash", "e2e")
"""Rooms of tests that take minutes. Begun first, they do not keep one worker busy when the other has nothing left."""

hypothesis.register_profile("suite", deadline=None, max_examples=40)  # on a machine with other work, within minutes
hypothesis.register_profile("thorough", deadline=None, max_examples=1000)
hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.parent.name not in LONGEST_FIRST)  # the order is kept otherwise


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
def postgres() -> Iterator[Postgres]:
    """A server for the tests of this process that need one."""
    yield from serve()


@pytest.fixture
def database_url(postgres: Postgres) -> str:
    """A PostgreSQL database of a test's own."""
    return database(postgres)


@pytest.fixture(params=["sqlite", "postgresql"])
def jobs_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where workflows are kept, on either engine."""
    if request.param == "sqlite":
        return sqlite_jobs(tmp_path / "jobs.db")
    return str(request.getfixturevalue("database_url"))

"""A data folder of the first build goes on with this one: what was under way, what waited, what awaits an answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backends.simulator.fleets import keeping
from bot.ledger import ChangeRow, ChangeState
from bot.operations import upgrade
from commands.base import Button
from tests.support.data_folders import restore
from tests.support.headquarters import Headquarters
from tests.support.hosts import Hosts
from tests.support.waiting import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return restore("first", tmp_path)


@pytest.fixture
def hq(folder: Path) -> Iterator[Headquarters]:
    """This build, on the hosts as they were then."""
    upgrade.jobs(folder / "jobs.db")
    made = Headquarters(folder)
    Hosts.__init__(made, keeping.load(folder / "hosts.json"))
    with made:
        yield made


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


def change_of(hq: Headquarters, summary: str) -> ChangeRow:
    """The one whose summary begins so."""
    (entry,) = (one for one in hq.ledger.history.find(limit=100) if one.summary.startswith(summary))
    row = hq.ledger.changes.get(entry.change_id)
    assert row is not None
    return row


@pytest.mark.sqlite
def test_what_was_sent_and_what_waited_are_carried_out_once_and_in_their_order(hq: Headquarters) -> None:
    for name in ("running-when-killed", "queued-when-killed"):
        wait_until(lambda name=name: change_of(hq, f"take {name}").state is ChangeState.SUCCEEDED)

    (web01,) = (vm for host in hq.hosts.values() for vm in host.vms.values() if vm.name == "web01")
    names = [one.name for one in sorted(hq.look(web01.id).checkpoints, key=lambda one: one.created)]
    assert [name for name in names if name.endswith("killed")] == ["running-when-killed", "queued-when-killed"]


@pytest.mark.sqlite
def test_what_awaited_an_answer_awaits_it_still_and_takes_it(hq: Headquarters) -> None:
    row = change_of(hq, "delete nginx-1.27")
    assert row.state is ChangeState.AWAITING

    hq.press(Button("Delete", "confirm", row.id), row.message)

    wait_until(lambda: change_of(hq, "delete nginx-1.27").state is ChangeState.SUCCEEDED)


def test_no_pickle_and_no_class_of_the_program_is_left(folder: Path) -> None:
    upgrade.jobs(folder / "jobs.db")

    for table, column in upgrade.COLUMNS:
        for (text,) in ask(folder / "jobs.db", f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"):
            assert str(text).startswith('{"version":1,')
            assert "bot." not in str(text)
    assert ask(folder / "jobs.db", "SELECT name FROM queues") == [("later",)]


def test_what_is_up_to_date_or_not_there_is_left_as_it_is(folder: Path) -> None:
    upgrade.jobs(folder / "jobs.db")
    before = (folder / "jobs.db").read_bytes()

    upgrade.jobs(folder / "jobs.db")
    upgrade.jobs(folder / "none.db")

    assert (folder / "jobs.db").read_bytes() == before
    assert not (folder / "none.db").exists()


def test_a_pickle_that_would_run_something_is_not_run(folder: Path, tmp_path: Path) -> None:
    """`os.system` is no class of the first build."""
    evil = "gASVKgAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOUjA90b3VjaCBpLXdhcy1ydW6UhZRSlC4="
    with closing(sqlite3.connect(folder / "jobs.db", isolation_level=None)) as db:
        db.execute("UPDATE operation_outputs SET output = ? WHERE output IS NOT NULL", [evil])

    upgrade.jobs(folder / "jobs.db")

    assert not Path("i-was-run").exists()

"""What the doctor says of a database that keeps the jobs in the place of a file of the data folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from bot.operations.doctor import storage
from bot.operations.doctor.findings import Check, State
from bot.settings import Settings
from tests.support.settings import NO_SLACK

PASSWORD = "a-password-of-this-test"


def looked(url: str, folder: Path, *, sites: int = 0) -> list[Check]:
    """What is said of the jobs."""
    keys = {f"site{n}": SecretStr("k" * 32) for n in range(sites)}
    settings = Settings(slack=NO_SLACK, data_dir=folder, database_url=SecretStr(url), sites=keys)
    return [
        one for one in storage.look(settings, lambda: datetime.now(UTC)) if one.about not in ("data_dir", "ledger.db")
    ]


def only(url: str, folder: Path, *, sites: int = 0) -> Check:
    (check,) = looked(url, folder, sites=sites)
    return check


# ---------------------------------------------------------------- a file


def test_a_file_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    check = only(f"sqlite:///{tmp_path / 'other.db'}", tmp_path)

    assert (check.about, check.state) == ("other.db", State.WORKS)
    assert "is made at the first start" in check.said
    assert not (tmp_path / "other.db").exists()


def test_a_file_that_is_damaged_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "other.db").write_bytes(b"no database" * 1000)

    assert only(f"sqlite:///{tmp_path / 'other.db'}", tmp_path).state is State.BROKEN


# ---------------------------------------------------------------- PostgreSQL


def test_a_database_that_does_not_answer_is_told_in_its_own_words(tmp_path: Path) -> None:
    check = only(f"postgresql://bot:{PASSWORD}@127.0.0.1:9/jobs", tmp_path)

    assert "cannot be reached: " in check.said
    assert "Connection refused" in check.said
    assert "sslrootcert" in check.mend
    assert PASSWORD not in check.line


def test_a_password_in_what_goes_wrong_is_not_told(tmp_path: Path) -> None:
    said = only(f"postgresql://bot:{PASSWORD}@127.0.0.1:9/jobs?{PASSWORD}=1", tmp_path).said

    assert "cannot be reached: " in said
    assert PASSWORD not in said


def test_a_password_that_is_refused_is_told(database_url: str, tmp_path: Path) -> None:
    url = make_url(database_url).set(password=PASSWORD).render_as_string(hide_password=False)

    assert "password authentication failed" in only(url, tmp_path).said


def test_a_database_in_which_the_bot_may_make_its_tables_is_well(database_url: str, tmp_path: Path) -> None:
    check = only(database_url, tmp_path)

    assert check.state is State.WORKS
    assert "answers, and has 297 connections" in check.said


@pytest.fixture
def guest(database_url: str) -> Iterator[str]:
    """The URL for somebody who may connect and no more."""
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute(f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'".encode())
        yield make_url(database_url).set(username="guest", password=PASSWORD).render_as_string(hide_password=False)
        db.execute("DROP OWNED BY guest")
        db.execute("DROP ROLE guest")


def test_an_account_that_may_not_make_the_schema_is_told_what_to_grant(guest: str, tmp_path: Path) -> None:
    check = only(guest, tmp_path)

    assert check.state is State.BROKEN
    assert "guest may not make the schema dbos" in check.said
    assert f"GRANT CREATE ON DATABASE {make_url(guest).database} TO guest" in check.mend


def test_an_account_whose_schema_was_made_for_it_is_well(guest: str, database_url: str, tmp_path: Path) -> None:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("CREATE SCHEMA dbos AUTHORIZATION guest")

    assert only(guest, tmp_path).state is State.WORKS


def test_a_server_without_room_for_the_workers_is_a_warning_with_figures(database_url: str, tmp_path: Path) -> None:
    assert only(database_url, tmp_path, sites=12).state is State.WORKS

    check = only(database_url, tmp_path, sites=14)

    assert check.state is State.WARNING
    assert "It has 297 connections, and the bot with a worker at each of 14 sites may hold 326." in check.said
    assert "Raise max_connections of the server by 29" in check.mend


def test_looking_writes_nothing_into_the_database(database_url: str, tmp_path: Path) -> None:
    looked(database_url, tmp_path)

    with psycopg.connect(database_url) as db:
        assert db.execute("SELECT to_regnamespace('dbos')").fetchone() == (None,)


def test_a_file_elsewhere_is_looked_at_though_the_data_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("CREATE TABLE workflow_status (status TEXT)")

    assert "holds 0 jobs" in only(f"sqlite:///{tmp_path / 'other.db'}", tmp_path / "data").said

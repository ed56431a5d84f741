"""The demo's PostgreSQL, where the programs of a package are."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from pathlib import Path

import psycopg
import pytest

from bot.demo import postgres as subject
from bot.demo.postgres import NoPostgres, Postgres, programs


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root needs another account for it")
def test_the_programs_may_be_in_the_home_of_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of an environment there are, which the account that the server runs as cannot enter."""
    try:
        found = programs()
    except NoPostgres as missing:
        pytest.skip(str(missing))
    if found not in subject._packaged():
        pytest.skip("it is not a package's")
    home, package = tmp_path / "home", found.parents[1]
    for one in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(one, home / one.name, symlinks=True)
    for closed in (home, *home.rglob("bin")):
        closed.chmod(0o700)
    there = home / found.relative_to(package.parent)
    monkeypatch.setattr(subject, "programs", lambda: there)
    monkeypatch.setattr(subject, "_packaged", lambda: [there])

    with tempfile.TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        for _ in range(2):
            with server, psycopg.connect(server.url()) as database:
                assert database.execute("SELECT 1").fetchone() == (1,)


def test_a_port_that_somebody_takes_in_the_moment_before_is_not_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_postgres()
    free = subject._free_port
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = iter([int(somebody.getsockname()[1])])
        monkeypatch.setattr(subject, "_free_port", lambda: next(taken, 0) or free())
        with Postgres(Path(folder)) as server, psycopg.connect(server.url()) as database:
            assert database.execute("SELECT 1").fetchone() == (1,)
            assert str(somebody.getsockname()[1]) not in server.url()


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_postgres()
    monkeypatch.setattr(subject, "BETWEEN_TRIES", 0.0)
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as somebody:
        monkeypatch.setattr(subject, "_free_port", lambda: int(somebody.getsockname()[1]))
        with pytest.raises(NoPostgres, match=r"does not start in .*could not create any TCP/IP sockets"):
            Postgres(Path(folder)).__enter__()


def needs_postgres() -> None:
    try:
        programs()
    except NoPostgres as missing:
        pytest.skip(str(missing))

"""A real PostgreSQL for the tests: one server a test process, a database of its own for whoever asks.

Where there is none to start, the tests that need one say so and are left out.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from bot.demo.postgres import NoPostgres, Postgres


def database(server: Postgres) -> str:
    """The URL of a database that nobody has used."""
    return database_at(server.url())


def database_at(url: str) -> str:
    """The same of a server that another process has started, by the URL of any of its databases."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    return f"{url.rpartition('/')[0]}/{name}"


def serve(*, needed: bool = False) -> Iterator[Postgres]:
    """For a fixture. The folder of a test is its account's alone, and the server may run as another. Raises
    `NoPostgres` where one is `needed`, as it always is in CI."""
    with tempfile.TemporaryDirectory(prefix="checkpointbot-postgres-") as folder:
        try:
            server = Postgres(Path(folder))
            with server:
                yield server
        except NoPostgres as missing:
            if needed or os.environ.get("CI"):
                raise
            pytest.skip(f"left out: what is promised on PostgreSQL. {missing}")

"""Where the worlds keep the jobs of their bots: in a file of each, or on PostgreSQL in a database of each.

No test says which: a run does, by `--database`. A bot that comes back to its data folder finds its jobs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from bot.settings import Settings
from tests.support.postgres import database_at

SQLITE, POSTGRESQL = "sqlite", "postgresql"


class _Place:
    server: str | None = None
    databases: dict[Path, str] = {}  # noqa: RUF012 - of the process


def put_on(server: str | None) -> None:
    """From now on the jobs of all that this process starts are on that PostgreSQL server, by the URL of any of its
    databases; with None each has a file."""
    _Place.server = server


@contextmanager
def on(server: str | None) -> Iterator[None]:
    """The same meanwhile."""
    before = _Place.server
    put_on(server)
    try:
        yield
    finally:
        put_on(before)


def url_of(folder: Path) -> str | None:
    """The database of the bot with that data folder; None where a file in the folder is."""
    if _Place.server is None:
        return None
    if folder not in _Place.databases:
        _Place.databases[folder] = database_at(_Place.server)
    return _Place.databases[folder]


def placed(settings: Settings) -> Settings:
    """The same with the jobs where they are now, unless the settings say where."""
    url = None if settings.database_url else url_of(settings.data_dir)
    return settings.model_copy(update={"database_url": SecretStr(url)}) if url else settings

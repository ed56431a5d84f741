"""One bot at a time on a database that several machines reach: the running one holds a lock there.

The database lets go of it when the bot's connection ends, however it ends.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from datetime import UTC
from threading import Event, Lock, Thread
from typing import Any, Final

import psycopg
from sqlalchemy import make_url

from backends.sites.database import AGAIN, CONNECTING, SERVER, first_line, number

log = logging.getLogger(__name__)

LOCK: Final = (number("checkpointbot"), number("one bot"))

LOOK: Final = 5.0
"""Seconds between looks whether the connection stands."""

HOLDER: Final = """
SELECT application_name, host(client_addr), backend_start FROM pg_stat_activity WHERE pid = (
  SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = %s::bigint::oid
  AND objid = %s::bigint::oid AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""


class Taken(OSError):
    """Another bot is running on the database. The sentence says which."""


class OneBot:
    """Holds the lock between `take` and `give_back`."""

    def __init__(self, url: str, on_lost: Callable[[], object], *, look: float = LOOK) -> None:
        """`on_lost` is called, once, where the connection was lost and another bot has the lock since. `look` is how
        often it is looked at, in seconds."""
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._on_lost = on_lost
        self._look = look
        self._connection: psycopg.Connection[Any] | None = None
        self._using = Lock()
        self._stopping = Event()

    def take(self, stopping: Event) -> None:
        """While the database is away it is waited for, until `stopping` is set. Raises `Taken`."""
        told = False
        while not stopping.is_set():
            try:
                self._take()
            except psycopg.Error as error:
                if not told:
                    log.error("The database of the jobs cannot be reached, and is waited for: %s", first_line(error))
                told = True
                stopping.wait(AGAIN)
            else:
                Thread(target=self._keep, name="one bot", daemon=True).start()
                return

    def give_back(self) -> None:
        """Harmless where it was not taken."""
        self._stopping.set()
        with self._using:
            if self._connection is not None:
                self._connection.close()

    def _take(self) -> None:
        called = f"checkpointbot {os.getpid()} on {socket.gethostname()}"[:60]
        connection: psycopg.Connection[Any] = psycopg.connect(
            self._url,
            autocommit=True,
            application_name=called,
            **CONNECTING,  # type: ignore[arg-type]
        )
        try:
            connection.execute(SERVER)
            (got,) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", LOCK).fetchone() or (False,)
            if not got:
                raise Taken(_told(connection))
        except BaseException:
            connection.close()
            raise
        with self._using:
            before, self._connection = self._connection, connection
            if self._stopping.is_set():
                connection.close()
        if before is not None:
            before.close()

    def _keep(self) -> None:
        """Take it anew where the connection was lost, as when the database was restarted."""
        lost = False
        while not self._stopping.wait(AGAIN if lost else self._look):
            try:
                if lost:
                    self._take()
                    log.warning("The database of the jobs is back, and no other bot has taken them up.")
                lost = not self._stands()
            except psycopg.Error:
                lost = True
            except Taken as taken:
                log.critical("%s This one ends.", taken)
                self._on_lost()
                return

    def _stands(self) -> bool:
        with self._using:
            if self._connection is None or self._stopping.is_set():
                return True
            self._connection.execute("SELECT 1")
        return True


def _told(connection: psycopg.Connection[Any]) -> str:
    """Who holds it."""
    holder = connection.execute(HOLDER, [one % 2**32 for one in LOCK]).fetchone()
    which = ""
    if holder is not None:
        called, address, since = holder
        where = f" ({address})" if address else ""
        which = f": {called}{where}, since {since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return (
        f"Another Checkpoint Bot is running on the database of database_url already{which}. Nothing was changed. End "
        "that one first, or name another database."
    )

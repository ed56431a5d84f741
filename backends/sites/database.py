"""What bot and workers share of the database between them: where the calls are, and how each hears of news there."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Final

import psycopg
from dbos import DBOS, Queue, Serializer
from dbos._serialization import DBOSDefaultSerializer
from dbos._sys_db_postgres import PostgresSystemDatabase
from sqlalchemy import Engine, create_engine, make_url, text

log = logging.getLogger(__name__)

SCHEMA: Final = "checkpointbot_sites"
"""Of the calls: a worker's account needs no right to anything else."""

CALL: Final = "call"
"""The workflow of a call."""

ANSWER: Final = "answer"
"""Its one step, which gives the signed answer."""

AGAIN: Final = 1.0
"""Seconds before each further try to connect."""

CONNECTING: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""A network that swallows everything is found out within some twenty seconds, from either end."""

SERVER: Final = "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"


class PlainJSON(Serializer):
    """What JSON has itself, and nothing else: what is signed is text, and opened by who gets it."""

    def name(self) -> str:
        return "checkpointbot_signed"

    def serialize(self, data: Any) -> str:
        return json.dumps(f"{type(data).__name__}: {data}" if isinstance(data, BaseException) else data)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data)


def refuse_pickles() -> None:
    """DBOS reads a value as the pickle that its row says it is (seen with 3.4), and a pickle runs whatever its writer
    wants. Nothing of this program's is one, so none is read, whoever wrote it."""

    def refuse(_written: str) -> object:
        raise ValueError("a pickle is not read: it is not this program that wrote it")

    DBOSDefaultSerializer.deserialize = refuse  # type: ignore[assignment,method-assign]


def engine(url: str, *, connections: int) -> Engine:
    """Nothing is sent yet."""
    psycopg_url = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(
        psycopg_url, connect_args=CONNECTING, pool_size=connections, max_overflow=0, pool_timeout=10, pool_pre_ping=True
    )


def queue_of(site: str) -> str:
    return f"site {site}"


def to_workers(site: str) -> str:
    """The channel that the workers of a site listen to."""
    return f"checkpointbot_site_{site}"


def to_bots(site: str) -> str:
    """The channel that is listened to by whoever calls."""
    return f"checkpointbot_bots_{site}"


NOTIFY: Final = text("SELECT pg_notify(:channel, :message)")


def number(of: str) -> int:
    """A number for a lock, of 32 bits with a sign, as PostgreSQL takes it."""
    return int.from_bytes(hashlib.sha256(of.encode()).digest()[:4], "big", signed=True)


MIGRATING: Final = (number("checkpointbot"), number("migrating"))

PRESENT: Final = text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted "
    "AND classid = CAST(CAST(:site AS bigint) AS oid) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""The numbers of the workers whose connection stands: PostgreSQL itself lets go of the lock of one that is gone."""


def unsigned(number: int) -> int:
    """As PostgreSQL shows it in `pg_locks`."""
    return number % 2**32


@contextmanager
def migrating(url: str) -> Iterator[None]:
    """Alone among bots and workers while DBOS brings its tables up to date. Its own lock waits for half a minute, and
    then two of them do it at once and break each other's indexes (seen with 3.4). Raises `psycopg.Error`."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, **CONNECTING) as connection:  # type: ignore[arg-type]
        connection.execute(SERVER)
        while True:  # not by waiting in the database: an index waits for whoever has a statement under way
            (got,) = connection.execute("SELECT pg_try_advisory_lock(%s, %s)", MIGRATING).fetchone() or (False,)
            if got:
                break
            time.sleep(AGAIN)
        yield


def look_holding_nothing() -> None:
    """Let DBOS look for what was put off without a transaction. It would leave one open until its next look, so that no
    other of its programs does the same (seen with 3.4), and a program that makes its tables meanwhile waits for it at
    every index. What two do at once is done once: a row is changed by one of them."""

    @contextmanager
    def unlocked(_database: PostgresSystemDatabase, _job: str) -> Iterator[bool]:
        yield True

    PostgresSystemDatabase.background_job_lock = unlocked  # type: ignore[assignment, method-assign]


def ask_for_queues_once(dbos: DBOS) -> None:
    """DBOS asks every second which queues there are, for ever (seen with 3.4, which has no setting for it). Ours are
    all declared at the launch, and stay."""
    database = dbos._sys_db
    declared = database.list_queues(application_name=database.app_name)

    def list_queues(**_whose: Any) -> list[Queue]:
        return declared

    database.list_queues = list_queues  # type: ignore[method-assign]


class Line:
    """A connection that listens, on a thread of its own, and is made again whenever it is lost."""

    def __init__(
        self,
        url: str,
        channels: tuple[str, ...],
        on_message: Callable[[str, str], object],
        *,
        on_connected: Callable[[], object] = lambda: None,
        present_as: tuple[str, str] | None = None,
    ) -> None:
        """`on_message` is called with channel and text; `present_as` is the site and the worker whose presence the
        connection shows."""
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._channels = channels
        self._on_message, self._on_connected = on_message, on_connected
        self._present_as = present_as
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="sites", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Harmless where it was not started."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(3.0)

    def _run(self) -> None:
        told = False
        while not self._stopping.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True, **CONNECTING) as connection:  # type: ignore[arg-type]
                    self._prepare(connection)
                    if told:
                        log.warning("The database of the sites is back.")
                    told = False
                    self._on_connected()
                    self._listen(connection)
            except psycopg.Error as error:
                if not told and not self._stopping.is_set():
                    log.error("The database of the sites cannot be reached, and is tried again: %s", first_line(error))
                told = True
            self._stopping.wait(AGAIN)

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(SERVER)
        for channel in self._channels:
            connection.execute(f'LISTEN "{channel}"'.encode())
        if self._present_as:
            site, worker = self._present_as
            connection.execute("SELECT pg_advisory_lock_shared(%s, %s)", (number(site), number(worker)))

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopping.is_set():
            for one in connection.notifies(timeout=1.0):  # wakes to see whether it is to stop; asks nothing
                try:
                    self._on_message(one.channel, one.payload)
                except Exception:  # one bad message does not end the listening
                    log.exception("a message between bot and worker met a defect")


def first_line(error: BaseException) -> str:
    """Without what follows, which may go on for a page."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

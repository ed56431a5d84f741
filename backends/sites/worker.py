"""The worker's end: takes the calls for its site out of the database, has the bot let it begin each, carries it out on
the host, and writes the answer down."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread
from typing import Any, Final

import psycopg
from dbos import DBOS, DBOSConfig
from dbos import _workflow_commands as commands
from dbos._core import execute_dequeued_workflow
from dbos._queue import Queue
from dbos._utils import GlobalParams
from sqlalchemy.exc import SQLAlchemyError

from backends.base import Backend, BackendError, OperationFailed, SendsLate, UnknownOutcome, Unreachable, name
from backends.sites.calls import METHODS, WRITING, carry_out
from backends.sites.database import (
    AGAIN,
    ANSWER,
    CALL,
    CONNECTING,
    NOTIFY,
    SCHEMA,
    Line,
    PlainJSON,
    ask_for_queues_once,
    first_line,
    look_holding_nothing,
    migrating,
    queue_of,
    refuse_pickles,
    to_bots,
    to_workers,
)
from backends.sites.signing import Forged, Key, Newer

log = logging.getLogger(__name__)

AT_ONCE: Final = 64
"""Calls of one worker. Others of the site take the rest."""

SELDOM: Final = 5.0
"""Seconds between looks for calls whose notice was lost."""

FRESH: Final = timedelta(minutes=15)
"""A call of another time than this, by the worker's clock, is not carried out, nor asked about."""

APPLICATION: Final = "1"
"""What DBOS calls the version of all workers. Were it another one for a later version, the others, at whichever site,
would be given no call any more (read in 3.4)."""

AT_LEAST: Final = 1.0
"""Seconds after which a change is asked about again before it is sent: its VM was waited for, and the bot may have lost
the worker, or may have been started anew."""

LET_WITHIN: Final = 10.0
"""Seconds in which the bot lets a worker begin; else it does not want the answer any more."""

KEPT: Final = timedelta(days=1)
"""How long rows of calls stay."""

TIDYING: Final = 600.0
"""Seconds between looks for rows that are to go, and how many go at once."""
ROWS: Final = 1000


@dataclass(slots=True)
class _Asking:
    """Waits for the bot to let it begin."""

    call_id: str
    let: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A call that the bot has let begin."""

    call_id: str
    nonce: str
    since: float


_begun: ContextVar[_Begun] = ContextVar("begun")
"""The call that the present thread carries out."""


class Worker:
    """Between `start` and `stop`. There is one in a process."""

    def __init__(
        self,
        key: Key,
        database_url: str,
        backends: Mapping[str, Backend],
        *,
        worker_id: str,
        version: str = "",
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        seldom: float = SELDOM,
    ) -> None:
        """`worker_id` is the same each time it is started, for what it has lost on the hosts is in its own files."""
        refuse_pickles()
        self._key, self._site = key, key.site
        self._url = database_url
        self._backends = dict(backends)
        self._clusters = {host: one for host, one in self._backends.items() if isinstance(one, SendsLate)}
        for cluster in self._clusters.values():
            cluster.tell_waits(self._tell_wait)
            cluster.ask_first(self._ask_again)
        self._id, self._version = worker_id, version
        self._clock = clock
        self._seldom = seldom
        self._lock = Lock()
        self._asking: dict[str, _Asking] = {}
        self._stopping = Event()
        self._taking = Lock()
        self._queue: Queue | None = None
        self._dbos: DBOS | None = None
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="sites")
        self._line = Line(
            database_url,
            (to_workers(self._site),),
            self._heard,
            on_connected=self._take,
            present_as=(self._site, worker_id),
        )

    # ---------------------------------------------------------------- life

    def start(self, stopping: Event | None = None) -> None:
        """Take calls. While the database is away it is waited for, until `stopping` is set."""
        stopping = stopping or Event()
        while self._wait_for_database(stopping):
            try:
                self._launch()
                break
            except (psycopg.Error, SQLAlchemyError) as error:
                log.error("The database was lost at the start, and is tried again: %s", first_line(error))
                DBOS.destroy(destroy_registry=True)
                self._dbos = None
                stopping.wait(AGAIN)
        else:
            return
        self._line.start()
        Thread(target=self._tidy, name="sites-tidy", daemon=True).start()

    def _launch(self) -> None:
        commands._BACKGROUND_JOBS_INTERVAL_SEC = max(self._seldom, SELDOM)
        look_holding_nothing()
        self._dbos = DBOS(
            config=DBOSConfig(
                name=SCHEMA,
                system_database_url=self._url,
                dbos_system_schema=SCHEMA,
                application_version=APPLICATION,
                # One of its own each time: what was under way when it ended is the bot's to ask about, and never begun
                # again by itself.
                executor_id=str(uuid.uuid4()),
                log_level="WARNING",
                serializer=PlainJSON(),
                max_executor_threads=4 * AT_ONCE,
                sys_db_pool_size=20,
                notification_coalesce_sec=1.0,
                scheduler_polling_interval_sec=3600.0,
                db_engine_kwargs={"connect_args": dict(CONNECTING)},
            )
        )
        self._dbos._registry.get_internal_queue()._polling_interval_sec = max(self._seldom, SELDOM)
        DBOS.workflow(name=CALL)(self._workflow())
        DBOS.listen_queues([queue_of(self._site)])
        with migrating(self._url):
            DBOS.launch()
        self._queue = DBOS.register_queue(
            queue_of(self._site),
            worker_concurrency=AT_ONCE,
            polling_interval_sec=self._seldom,
            on_conflict="always_update",
        )
        ask_for_queues_once(self._dbos)

    def _workflow(self) -> Callable[[str], None]:
        def call(letter: str) -> None:
            call_id = str(DBOS.workflow_id)
            if DBOS.run_step({"name": ANSWER}, lambda: self._answer(call_id, letter)):
                self._tell("answered", id=call_id)

        return call

    def _wait_for_database(self, stopping: Event) -> bool:
        told = False
        while not stopping.is_set():
            try:
                psycopg.connect(self._url, **CONNECTING).close()  # type: ignore[arg-type]
            except psycopg.Error as error:
                if not told:
                    log.error("The database cannot be reached, and is waited for: %s", first_line(error))
                told = True
                stopping.wait(AGAIN)
            else:
                return True
        return False

    def stop(self) -> None:
        """Begin nothing any more, and close. What is under way on a host goes on there, and is settled by the bot."""
        self._stopping.set()
        self._line.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._dbos is not None:
            logging.getLogger("dbos").disabled = True  # threads that still wait can only report that DBOS is gone
            DBOS.destroy(destroy_registry=True)
            logging.getLogger("dbos").disabled = False
        for backend in self._backends.values():
            backend.close()

    def _take(self) -> None:
        """Take up what waits now, and not only when DBOS looks next (3.4 has no way to be told)."""
        dbos, queue = self._dbos, self._queue
        if dbos is None or queue is None or self._stopping.is_set():
            return
        with self._taking:
            owner = str(uuid.uuid4())
            running = dbos._active_workflows_set.count_for_queue(queue.name)
            try:
                ids, _ = dbos._sys_db.start_queued_workflows(
                    queue, GlobalParams.executor_id, GlobalParams.app_version, None, running, owner_xid=owner
                )
                found = dbos._sys_db.get_workflow_statuses(ids) if ids else []
            except SQLAlchemyError as error:
                log.debug("nothing could be taken: %s", first_line(error))
                return
        for status in found:
            try:
                execute_dequeued_workflow(dbos, status, owner)
            except Exception as error:  # a row that nobody of this program wrote; DBOS has noted it
                self._tell_forged(str(status["workflow_uuid"]), f"{type(error).__name__}")

    # ---------------------------------------------------------------- a call

    def _answer(self, call_id: str, letter: object) -> str | None:
        """The signed answer; None where there is none to give."""
        try:
            kind, body = self._key.open(letter)
        except Newer:
            self._tell("older", id=call_id)
            return None
        except Forged as forged:
            self._tell_forged(call_id, str(forged))
            return None
        if kind != CALL or body["id"] != call_id:
            self._tell_forged(call_id, "it was signed as another one")
            return None
        if abs(self._clock() - datetime.fromisoformat(body["at"])) > FRESH:
            self._tell("stale", id=call_id, now=self._clock().isoformat(timespec="seconds"))
            return None
        nonce = str(uuid.uuid4())
        if not self._may_begin(call_id, nonce):
            return self._key.sign("not begun", id=call_id, nonce=nonce)
        _begun.set(_Begun(call_id, nonce, time.monotonic()))
        kind, value = self._carry_out(call_id, body)
        return self._key.sign(kind, id=call_id, nonce=nonce, value=WRITING.dump(value))

    def _may_begin(self, call_id: str, nonce: str) -> bool:
        """Ask the bot, each second anew for what is lost on the way."""
        asking = _Asking(call_id)
        with self._lock:
            self._asking[nonce] = asking
        try:
            until = time.monotonic() + LET_WITHIN
            while time.monotonic() < until and not self._stopping.is_set():
                self._tell("ask", id=call_id, nonce=nonce, worker=self._id)
                if asking.let.wait(1.0):
                    return not self._stopping.is_set()
            return False
        finally:
            with self._lock:
                del self._asking[nonce]

    def _ask_again(self) -> None:
        """What was let begin a while ago may be given up by now. Raises `Unreachable` where it is."""
        call = _begun.get()
        if time.monotonic() - call.since > AT_LEAST and not self._may_begin(call.call_id, call.nonce):
            raise Unreachable(
                f"The bot does not wait for the worker of the site {name(self._site)} any more, so nothing was begun.",
                f"call {call.call_id}",
            )

    def _tell_wait(self, vm_id: str, why: str) -> None:
        self._tell("waits", id=_begun.get().call_id, vm=vm_id, why=why)

    def _carry_out(self, call_id: str, body: Mapping[str, Any]) -> tuple[str, object]:
        host, method = str(body["host"]), str(body["method"])
        if host not in self._backends:
            sentence = f"The worker of the site {name(self._site)} does not know {name(host)}: add it to its settings."
            return "error", Unreachable(sentence, f"worker {self._id}")
        if method not in METHODS:
            sentence = f"The worker of the site {name(self._site)} is older than the bot: upgrade the worker."
            return "error", Unreachable(sentence, f"it does not know {method}")
        if self._is_misnamed(host, body):
            sentence = (
                f"{name(host)} stands under clusters in the settings of the bot or of the worker of the site "
                f"{name(self._site)}, and under hosts in those of the other: set both alike."
            )
            return "error", Unreachable(sentence, f"worker {self._id}")
        given = WRITING.load(body["arguments"])
        try:
            return "result", carry_out(self._backends[host], method, given, _Progress(self._tell, call_id))
        except BackendError as error:
            return "error", error
        except Exception as error:
            log.exception("a call met a defect")
            sentence = f"The worker of the site {name(self._site)} met a defect."
            kind = UnknownOutcome if METHODS[method].change else OperationFailed
            return "error", kind(sentence, f"{type(error).__name__}: {error}")

    def _is_misnamed(self, host: str, body: Mapping[str, Any]) -> bool:
        """A cluster for one of the two and a host for the other. A bot that knows no clusters says nothing of it."""
        return bool(body.get("cluster")) != (host in self._clusters)

    # ---------------------------------------------------------------- what is heard and told

    def _heard(self, _channel: str, message: str) -> None:
        if not message:
            self._pool.submit(self._take)
            return
        try:
            kind, body = self._key.open(message)
        except (Forged, Newer) as error:
            log.error("A message to the site %s is not understood, and nothing is done with it: %s", self._site, error)
            return
        match kind:
            case "go":
                with self._lock:
                    asking = self._asking.get(str(body["nonce"]))
                if asking is not None and asking.call_id == body["id"]:
                    asking.let.set()
            case "who":
                self._pool.submit(
                    self._tell,
                    "here",
                    id=body["id"],
                    worker=self._id,
                    program=self._version,
                    hosts=sorted(self._backends),
                    clusters=sorted(self._clusters),
                    now=self._clock().isoformat(),
                )
            case "end":
                self._pool.submit(self._end_lost, str(body["id"]), str(body["host"]))

    def _end_lost(self, round_id: str, host: str) -> None:
        error: object = None
        try:
            if host in self._backends:
                self._backends[host].end_lost_calls()
        except BackendError as failed:
            error = WRITING.dump(failed)
        self._tell("ended", id=round_id, worker=self._id, error=error)

    def _tell_forged(self, call_id: str, why: str) -> None:
        log.error("A call in the database is forged, and is not carried out: %s (%s)", why, call_id)
        self._tell("forged", id=call_id, why=why)

    def _tell(self, kind: str, **body: object) -> None:
        """The bot. What goes lost is asked for again, or found in the database."""
        if self._dbos is None:
            return
        message = self._key.sign(kind, **body)
        try:
            with self._dbos._sys_db.engine.begin() as connection:
                connection.execute(NOTIFY, {"channel": to_bots(self._site), "message": message})
        except SQLAlchemyError as error:
            log.debug("the bot could not be told: %s", first_line(error))

    # ---------------------------------------------------------------- rows that are to go

    def _tidy(self) -> None:
        while not self._stopping.is_set():
            try:
                self.tidy()
            except SQLAlchemyError as error:
                log.warning("Old rows of the sites' database stay for now: %s", first_line(error))
            self._stopping.wait(TIDYING)

    def tidy(self) -> int:
        """Delete the rows of calls that are over for a day, however they ended; how many."""
        if self._dbos is None:
            return 0
        deleted = 0
        before = (self._clock() - KEPT).isoformat()
        while not self._stopping.is_set():
            old = DBOS.list_workflows(name=CALL, end_time=before, limit=ROWS, load_input=False, load_output=False)
            if not old:
                break
            DBOS.delete_workflows([one.workflow_id for one in old])
            deleted += len(old)
        return deleted


class _Progress:
    """Tells the bot how far a call is, once a second at the most."""

    def __init__(self, tell: Callable[..., None], call_id: str) -> None:
        self._tell, self._call_id = tell, call_id
        self._next = 0.0
        self._lock = threading.Lock()

    def __call__(self, percent: int) -> None:
        with self._lock:
            now = time.monotonic()
            if now < self._next:
                return
            self._next = now + 1.0
        self._tell("progress", id=self._call_id, percent=percent)

"""DBOS, on which workflows are kept: its configuration, how values are written, and steps that outlive trouble.

A workflow's inputs and what its steps gave are JSON with a version, not pickled classes: they outlive the code that
wrote them. Trouble of a store (locked, full, away) is never what became of a step: it is taken up again for as long as
that lasts.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from contextvars import Context
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from threading import Condition, Event, Thread, Timer, local
from typing import Any, TypeVar

from dbos import DBOS, DBOSConfig, Serializer, SetEnqueueOptions, SetWorkflowID, error
from dbos import _workflow_commands as commands
from sqlalchemy.exc import DBAPIError

from backends.base import Checkpoint, HostInventory, VMInventory
from backends.base.written import HostError, Kind, Record, Writing
from backends.sites import jobs
from backends.sites.database import ask_for_queues_once, look_holding_nothing, migrating, refuse_pickles
from backends.sites.signing import Forged, Key, Newer

log = logging.getLogger(__name__)
T = TypeVar("T")

APPLICATION_VERSION = "1"
"""Of the workflows, not of the program: raised only when their steps change, so that an upgrade takes up what waits."""

VERSION = 1
"""Of the written values."""

SIGNED = "job"
"""What a value of the workflows is signed as."""

LATER = "later"
"""The queue of what is due at a time."""

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each further try while a store is in trouble; the last one from then on."""

RECOVERING, RECOVERED_AFTER = 0.2, 10.0
"""Seconds between looks for what was pending at the last stop, and for how long it is looked for so often."""

CACHE = 128
"""KiB of the file that each connection to SQLite keeps in memory."""

NEEDED = ("queue_thread", "scheduler")
"""DBOS's threads without which nothing that is due is begun."""

AWAY, LOOKS = 60.0, 6
"""Seconds without an answer, and looks at what is due, after which the store of the workflows is taken for away."""

SELDOM = 10.0
"""Seconds between looks at what is due. Nothing is waited for by looking but time itself, and each look costs."""


# ---------------------------------------------------------------- how values are written


class JSONSerializer(Serializer):
    """Values as JSON: what JSON has itself, times, tuples as lists, and the kinds that were registered."""

    def __init__(self, kinds: Mapping[str, Kind], key: Key | None = None) -> None:
        """With a `key`, what is written is signed, and nothing else is read."""
        self._writing = Writing(kinds)
        self._key = key
        if key is not None:
            self._writing = Writing({**kinds, **jobs.kinds(self._writing.dump, self._writing.load)})

    def name(self) -> str:
        return "checkpointbot_json"

    def serialize(self, data: Any) -> str:
        value = self._writing.dump(data)
        if self._key is not None:
            return self._key.sign(SIGNED, version=VERSION, value=value)
        return json.dumps({"version": VERSION, "value": value}, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """Raises ValueError for what this version cannot read, and `Forged` for what it was to sign and did not."""
        written = self._opened(serialized_data) if self._key else json.loads(serialized_data)
        if not isinstance(written, dict) or written.get("version") != VERSION:
            raise ValueError("this was written by another version of the bot")
        return self._writing.load(written["value"])

    def _opened(self, written: str) -> object:
        if self._key is None:
            return None
        try:
            kind, body = self._key.open(written)
        except Newer as newer:
            return newer.body
        except Forged as forged:
            raise jobs.tell(str(forged)) from forged
        return body if kind == SIGNED else None


KINDS: Mapping[str, Kind] = {
    "vm": Record(VMInventory),
    "host": Record(HostInventory),
    "checkpoint": Record(Checkpoint),
    "host error": HostError(),
}
"""What every workflow may hold. The names are on disk and stay."""


# ---------------------------------------------------------------- running


class Stopped(SystemExit):
    """The bot stops; the workflow is taken up at the next launch. Nothing that handles errors handles this, and the
    thread that meets it ends without a word."""


class Interrupted(BaseException):
    """The store of the workflows is in trouble: this run of the workflow ends, and it is taken up again from its last
    step. Nothing that handles errors handles this."""


class _Small(sqlite3.Connection):
    """SQLite would keep up to 2 MiB of the file for each."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self.execute(f"PRAGMA cache_size = -{CACHE}")


CONNECTIONS = 8
"""To SQLite, at once: DBOS would go round twenty, of which one at a time can write."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A workflow to be begun, or begun again, as soon as its store takes it."""

    workflow_id: str
    begin: Callable[[], object]


class Durable:
    """Runs workflows and their steps. There is one at a time in a process. Safe to use from many threads."""

    def __init__(
        self,
        database_url: str,
        kinds: Mapping[str, Kind],
        *,
        is_store_trouble: Callable[[Exception], bool],
        seldom: float = SELDOM,
        key: Key | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`kinds` are those that this program's workflows have beside `KINDS`, signed with the `key` if there is one;
        `is_store_trouble` tells an error of one of the bot's own stores, which passes by itself, from what became of a
        step; `seldom` is how often it is looked at what is due, in seconds."""
        self._is_store_trouble = is_store_trouble
        self._seldom = seldom
        self._changed = Condition()
        self._running = 0
        self._inside = local()
        """Whether the present thread is counted already."""
        self._stopping = Event()
        self._gone = Event()
        refuse_pickles()
        jobs.refuse_portable()
        self._url = database_url
        self._signs = key is not None
        self._names: dict[object, str] = {}
        """Of the workflows that were declared."""
        self._waiting: list[_Waiting] = []
        self._in_trouble = False
        self._monotonic = monotonic
        self._answered_at = float("-inf")
        self._dbos = DBOS(
            config=DBOSConfig(
                name="checkpointbot",
                system_database_url=database_url,
                application_version=APPLICATION_VERSION,
                executor_id="bot",
                log_level="WARNING",
                max_executor_threads=500,
                serializer=JSONSerializer({**kinds, **KINDS}, key),
                scheduler_polling_interval_sec=max(1.0, seldom),
                db_engine_kwargs={}
                if database_url.startswith("postgresql")
                else {"connect_args": {"factory": _Small}, "pool_size": CONNECTIONS},
                # On PostgreSQL a thread would wake a hundred times a second for events that no workflow sets.
                notification_coalesce_sec=1.0,
            )
        )

    def workflow(self, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        """Declare one, before the launch. It begins with what it was to begin with, or not at all."""

        def declare(run: Callable[..., None]) -> Callable[..., None]:
            @wraps(run)
            def begun(*given: Any) -> None:
                run(*(jobs.opened(name, given) if self._signs else given))

            declared: Callable[..., None] = DBOS.workflow(name=name)(begun)
            self._names[declared] = name
            return declared

        return declare

    def _placed(self, workflow_id: str, workflow: Callable[..., None], args: tuple[object, ...]) -> tuple[object, ...]:
        return (jobs.Place(workflow_id, self._names[workflow]), *args) if self._signs else args

    def launch(self) -> None:
        """Begin, and take up what was pending when the bot last stopped."""
        self._be_quick_at_first()
        look_holding_nothing()
        with migrating(self._url) if self._url.startswith("postgresql") else nullcontext():
            DBOS.launch()
        self._watch_ends()
        self._watch_answers()
        self._be_the_latest()
        DBOS.register_queue(LATER, polling_interval_sec=self._seldom, on_conflict="always_update")
        ask_for_queues_once(self._dbos)
        Thread(target=self._begin_what_waits, name="durable", daemon=True).start()

    def _be_quick_at_first(self) -> None:
        """DBOS asks its own queue, and what is put off, every second for ever, which is most of what an idle bot costs
        (seen with 3.4, which has no setting for either). What was pending when the bot stopped comes through that
        queue, so it is asked often at first and seldom from then on."""
        queue = self._dbos._registry.get_internal_queue()
        queue._polling_interval_sec = min(self._seldom, RECOVERING)
        commands._BACKGROUND_JOBS_INTERVAL_SEC = self._seldom

        def be_slow() -> None:
            queue._polling_interval_sec = self._seldom

        timer = Timer(RECOVERED_AFTER, be_slow)
        timer.daemon = True
        timer.start()

    def _be_the_latest(self) -> None:
        """DBOS asks at each look at a queue whether a newer program has come, which is a third of what an idle bot
        costs (seen with 3.4). One bot at a time runs on a database, and this is it."""

        def is_latest_version(app_version: str, c: Any = None) -> bool:  # noqa: ARG001 - the signature is DBOS's
            return True

        self._dbos._sys_db._is_latest_version = is_latest_version  # type: ignore[method-assign]

    def _watch_ends(self) -> None:
        """A workflow has run when DBOS writes that it is over. Where that cannot be written, DBOS leaves it until the
        next launch (seen with 3.4): it is taken up again, does nothing twice, and ends."""
        database = self._dbos._sys_db
        write = database.update_workflow_outcome

        @wraps(write)
        def watched(workflow_id: str, *given: Any, **more: Any) -> bool:
            try:
                return write(workflow_id, *given, **more)
            except DBAPIError as trouble:
                self._wait_for_store(_Waiting("", lambda: DBOS.resume_workflow(workflow_id)), trouble)
                raise

        database.update_workflow_outcome = watched  # type: ignore[method-assign]

    def _watch_answers(self) -> None:
        """DBOS asks for its schedules when it looks what is due (seen with 3.4), and goes on where nothing answers."""
        database = self._dbos._sys_db
        ask = database.list_schedules

        @wraps(ask)
        def watched(*given: Any, **more: Any) -> list[Any]:
            answer = ask(*given, **more)
            self._answered_at = self._monotonic()
            return answer

        database.list_schedules = watched  # type: ignore[method-assign]
        self._answered_at = self._monotonic()  # the launch was an answer

    def stop(self, seconds: float) -> None:
        """Begin no more steps, let those under way end for that long, and close. What is pending is taken up at the
        next launch."""
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._running == 0, seconds)
        logging.getLogger("dbos").disabled = True  # threads that still wait can only report that DBOS is gone
        DBOS.destroy(destroy_registry=True)
        logging.getLogger("dbos").disabled = False
        self._gone.set()

    @property
    def stopping(self) -> bool:
        """No step is begun any more."""
        return self._stopping.is_set()

    @property
    def alive(self) -> bool:
        """What begins workflows at their time, and takes up what is due, is at work: its store may be away."""
        # By the names of what they run (seen with 3.4): others of its threads end at once on SQLite.
        found = [t for t in self._dbos._background_threads if any(one in t.name for one in NEEDED)]
        return len(found) >= len(NEEDED) and not self._stopping.is_set() and all(t.is_alive() for t in found)

    @property
    def answered_lately(self) -> bool:
        """The store of the workflows has answered. Without it nothing that is due is begun."""
        return self._monotonic() - self._answered_at <= max(AWAY, LOOKS * self._seldom)

    def start(self, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        """Begin a workflow, once for an id, however often it is asked for."""
        placed = self._placed(workflow_id, workflow, args)
        self._begin(workflow_id, lambda: DBOS.start_workflow(workflow, *placed))

    def start_apart(self, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        """The same from anywhere, and as no part of the workflow that happens to make room for it: DBOS would count it
        among that one's steps."""
        Context().run(self.start, workflow_id, workflow, *args)

    def apart(self, act: Callable[[], T]) -> T:
        """Do something from a step that begins workflows: they are no part of the present one."""
        return Context().run(act)

    def start_later(self, seconds: float, workflow_id: str, workflow: Callable[..., None], *args: object) -> None:
        """The same after that long. It may be late by `seldom`."""

        placed = self._placed(workflow_id, workflow, args)

        def begin() -> None:
            with SetEnqueueOptions(delay_seconds=seconds):
                DBOS.enqueue_workflow(LATER, workflow, *placed)

        self._begin(workflow_id, begin)

    def step(self, name: str, act: Callable[[], T]) -> T:
        """Run a step of the present workflow: once it has ended, it gives the same result or error for ever."""
        with self._counted():
            try:
                return self._run_step(name, lambda: self._without_trouble(name, act))
            except DBAPIError as trouble:
                raise self._interrupted(trouble) from trouble

    def _run_step(self, name: str, act: Callable[[], T]) -> T:
        if self._signs and DBOS.workflow_id is not None:
            return jobs.sealed(name, lambda kept: DBOS.run_step({"name": name}, kept), act)
        return DBOS.run_step({"name": name}, act)

    def read(self, name: str, act: Callable[[], T]) -> T:
        """What a look into the bot's own files gives when they are well. It is no step: it is made again each time."""
        with self._counted():
            return self._without_trouble(name, act)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Something that the stop waits for, and that is not begun any more when the bot stops. What it does within
        itself is a part of it."""
        if getattr(self._inside, "counted", False):
            yield
            return
        with self._changed:
            stopping = self._stopping.is_set()
            self._running += not stopping
        if stopping:
            self._gone.wait()
            raise Stopped
        self._inside.counted = True
        try:
            yield
        finally:
            self._inside.counted = False
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """Wait as part of the present workflow; what was waited before a restart counts."""
        with self._counted():  # the stop does not wait for who sleeps
            pass
        try:
            DBOS.sleep(seconds)
        except DBAPIError as trouble:
            raise self._interrupted(trouble) from trouble

    def stands(self, workflow_id: str) -> str | None:
        """How DBOS calls the state of that workflow; None for one that was never begun, and `UNREADABLE` for one whose
        input this version cannot read."""
        status = DBOS.get_workflow_status(workflow_id)
        if status is None:
            return None
        return UNREADABLE if isinstance(status.input, str) and status.status in PENDING else str(status.status)

    def arguments(self, workflow_id: str) -> tuple[object, ...]:
        """What that workflow was begun with; nothing for one that was never begun, or that this version cannot read."""
        status = DBOS.get_workflow_status(workflow_id)
        given = status.input if status is not None else None
        args = tuple(given["args"]) if isinstance(given, dict) else ()
        if not self._signs:
            return args
        name = status.name if status is not None else ""
        return args[1:] if args[:1] == (jobs.Place(workflow_id, name),) else ()

    def _without_trouble(self, name: str, act: Callable[[], T]) -> T:
        """What the step gives when the stores that it uses are well. It looks before it acts, so it may run again."""
        tries = 0
        while True:
            try:
                return act()
            except Exception as error:
                if not self._is_store_trouble(error):
                    raise
                if tries == 0:
                    log.error("%s waits for the bot's own files: %s", name, error)
            if self._stopping.wait(PAUSES[min(tries, len(PAUSES) - 1)]):
                self._give_way()
            tries += 1

    def _give_way(self) -> None:
        """A step that waits does not keep the bot from stopping, and has no outcome."""
        with self._changed:
            self._running -= 1
            self._changed.notify_all()
        self._gone.wait()
        with self._changed:
            self._running += 1
        raise Stopped

    def _begin(self, workflow_id: str, begin: Callable[[], object]) -> None:
        """Or not any more where the bot stops: DBOS closes a part at a time (seen with 3.4), and a workflow that meets
        that would be written down as failed. What was asked for from outside of one is taken up at the next launch,
        or told as lost."""
        try:
            with self._counted(), SetWorkflowID(workflow_id):
                begin()
        except DBAPIError as trouble:
            if DBOS.workflow_id is not None:
                raise self._interrupted(trouble) from trouble
            self._wait_for_store(_Waiting(workflow_id, begin), trouble)
        except error.DBOSException:
            if not self._stopping.is_set():
                raise
            self._gone.wait()  # a step that took longer than the stop waits: it has no outcome
            raise Stopped from None

    def _interrupted(self, trouble: DBAPIError) -> Interrupted:
        """The present workflow, to be taken up again."""
        workflow_id = DBOS.workflow_id
        if workflow_id is not None:
            self._wait_for_store(_Waiting("", lambda: DBOS.resume_workflow(workflow_id)), trouble)
        return Interrupted()

    def _wait_for_store(self, one: _Waiting, trouble: DBAPIError) -> None:
        with self._changed:
            if not self._in_trouble:
                log.error("the file of the workflows is in trouble, and is tried again: %s", trouble.orig)
            self._in_trouble = True
            self._waiting.append(one)
            self._changed.notify_all()

    def _begin_what_waits(self) -> None:
        while not self._stopping.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping.is_set())
            if self._stopping.wait(PAUSES[-1] / 5):
                return
            with self._changed:
                waiting, self._waiting = self._waiting, []
            try:
                self._in_trouble = any([not self._try_to_begin(one) for one in waiting])  # noqa: C419 - each is tried
            except Stopped:
                return

    def _try_to_begin(self, one: _Waiting) -> bool:
        try:
            with self._counted(), SetWorkflowID(one.workflow_id) if one.workflow_id else nullcontext():
                one.begin()
        except DBAPIError:
            with self._changed:
                self._waiting.append(one)
            return False
        except Exception:
            log.exception("a workflow could not be begun")
        return True


PENDING = frozenset({"PENDING", "ENQUEUED", "DELAYED"})
"""How DBOS calls workflows that are still to end."""

OVER = "SUCCESS"
"""How DBOS calls a workflow that has run to its end."""

GIVEN_UP = frozenset({"ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})
"""How DBOS calls workflows that it does not take up again."""

UNREADABLE = "UNREADABLE"


def sqlite_jobs(path: Path) -> str:
    """The URL of a database file for the workflows, which is made if there is none.

    In journal mode WAL, as the ledger is, a commit is flushed to the disk once and not two or three times. The mode is
    kept in the file, and DBOS leaves it as it is (seen with 3.4).
    """
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = wal")
    return f"sqlite:///{path.absolute()}"

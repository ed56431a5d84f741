"""The bot's end: sends a call to the workers of a site, lets one of them begin it, and waits for its answer.

A call is begun by nobody before the bot has let one worker do so, by its name and once where it changes something. So
what was never let begin was not done, whatever else is in the database; and what was, and is not answered, is an
unknown outcome.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from threading import Condition, Event, Lock
from typing import Any

from dbos import DBOSClient
from sqlalchemy.exc import SQLAlchemyError

from backends.base import BackendError, OnWait, OperationFailed, Progress, UnknownOutcome, Unreachable, name
from backends.sites.calls import METHODS, ON_ITS_WAY, WRITING, Method
from backends.sites.database import (
    ANSWER,
    CALL,
    NOTIFY,
    PRESENT,
    SCHEMA,
    Line,
    PlainJSON,
    engine,
    first_line,
    number,
    queue_of,
    refuse_pickles,
    to_bots,
    to_workers,
    unsigned,
)
from backends.sites.signing import CLUSTERS, VERSION, Forged, Key, Newer

log = logging.getLogger(__name__)

Said = Mapping[str, Any]
"""What one message says."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is waited for, in seconds."""

    to_begin: float = 20.0
    """A worker takes up the call; else nothing is done."""
    worker_gone: float = 20.0
    """A worker that carries out a call is not connected. It connects again within seconds where the database was
    restarted, and gives its answer."""
    reader_gone: float = 3.0
    """The same for a look, which another worker may make."""
    database_gone: float = 30.0
    orphaned: float = 300.0
    """What a worker sent to a host begins there within seconds. After so long without its worker, it has, or never
    will."""
    all_answer: float = 60.0
    look: float = 1.0
    """Between looks for an answer whose notice was lost."""


@dataclass(slots=True)
class _Waiting:
    """A call that is under way. What is heard of it comes from the listener; one thread waits, and alone decides."""

    changed: Event = field(default_factory=Event)
    asks: dict[str, str] = field(default_factory=dict)
    """Who asks to begin: the worker, by the number that it made up for this once."""
    answered: bool = False
    stale: str | None = None
    percent: int | None = None
    waits: deque[tuple[str, str]] = field(default_factory=deque)
    """VMs that are on their way to another node, each with why nothing begins there yet."""


@dataclass(slots=True)
class _Round:
    """A question to all workers of a site."""

    replies: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    changed: Condition = field(default_factory=Condition)


class _Lost(Exception):
    """Whoever carries out the call is not heard of any more."""


class Caller:
    """One for all sites of a bot. Nothing is sent until it is first used. Safe to use from many threads."""

    def __init__(
        self,
        database_url: str,
        keys: Mapping[str, Key],
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        refuse_pickles()
        self._keys = dict(keys)
        self._patience = patience or Patience()
        self._clock = clock
        self._url = database_url
        self._engine = engine(database_url, connections=10)
        self._lock = Lock()
        self._waiting: dict[str, _Waiting] = {}
        self._rounds: dict[str, _Round] = {}
        self._lost: dict[tuple[str, str], dict[int, float]] = defaultdict(dict)
        """By site and host: workers that were let begin a change and did not answer, and since when."""
        self._line: Line | None = None

    @cached_property
    def _client(self) -> DBOSClient:
        return DBOSClient(
            system_database_engine=self._engine,
            dbos_system_schema=SCHEMA,
            serializer=PlainJSON(),
            lazy=True,
            retry_connection_errors=False,
        )

    def close(self) -> None:
        """Harmless when called twice."""
        with self._lock:
            line, self._line = self._line, None
        if line:
            line.stop()
        self._engine.dispose()

    # ---------------------------------------------------------------- a call

    def call(
        self,
        site: str,
        host: str,
        method: str,
        given: Mapping[str, object],
        *,
        on_progress: Progress | None = None,
        on_wait: OnWait | None = None,
    ) -> object:
        """What the method gives. With `on_wait` the host is a cluster. Raises what the `Backend` of the site raises,
        `Unreachable` where nobody there begins it, and for a change `UnknownOutcome` where nobody tells how it
        ended."""
        about = METHODS[method]
        while True:
            try:
                return self._call(site, host, method, given, on_progress=on_progress, on_wait=on_wait)
            except _Lost as lost:
                if about.change:
                    raise UnknownOutcome(
                        f"The worker of the site {name(site)} was lost while {name(host)} was at it.", str(lost)
                    ) from lost
                if not self.present(site):
                    raise self._cut_off(site, str(lost)) from lost

    def _call(
        self,
        site: str,
        host: str,
        method: str,
        given: Mapping[str, object],
        *,
        on_progress: Progress | None,
        on_wait: OnWait | None,
    ) -> object:
        key, call_id = self._keys[site], str(uuid.uuid4())
        of_cluster: dict[str, Any] = {"version": CLUSTERS, "cluster": True} if on_wait else {}
        letter = key.sign(
            CALL,
            **of_cluster,
            id=call_id,
            site=site,
            host=host,
            method=method,
            arguments=WRITING.dump(dict(given)),
            at=datetime.now(UTC).isoformat(),
        )
        self._listen()
        with self._awaited(call_id) as waiting:
            self._send(site, call_id, letter)
            call = _Call(call_id, site, host, METHODS[method], key, on_wait)
            try:
                return self._outcome(call, waiting, on_progress)
            finally:
                call.ends_its_wait()

    @contextmanager
    def _awaited(self, call_id: str) -> Iterator[_Waiting]:
        waiting = _Waiting()
        with self._lock:
            self._waiting[call_id] = waiting
        try:
            yield waiting
        finally:
            with self._lock:
                del self._waiting[call_id]

    def _send(self, site: str, call_id: str, letter: str) -> None:
        """The row and its notice, together. Nothing that goes wrong here lets anybody begin."""
        try:
            with self._engine.begin() as connection:
                if not connection.execute(PRESENT, {"site": unsigned(number(site))}).first():
                    raise self._cut_off(site, "no worker holds the lock of its site")
                self._client.enqueue_in_transaction(
                    connection,
                    {"queue_name": queue_of(site), "workflow_name": CALL, "workflow_id": call_id},
                    letter,
                )
                connection.execute(NOTIFY, {"channel": to_workers(site), "message": ""})
        except SQLAlchemyError as error:
            raise self._database_away(site, error) from error

    def _outcome(self, call: _Call, waiting: _Waiting, on_progress: Progress | None) -> object:
        begun, watch = self._clock(), _Watch(self._clock)
        while True:
            heard = waiting.changed.wait(self._patience.look)
            waiting.changed.clear()
            if waiting.stale and not call.let:
                raise Unreachable(waiting.stale, "the worker did not take up a call of another time")
            self._let_begin(call, waiting)
            if on_progress and waiting.percent is not None:
                on_progress(waiting.percent)
                waiting.percent = None
            while waiting.waits:
                call.waits(*waiting.waits.popleft())
            if not call.let:
                if self._clock() - begun > self._patience.to_begin:
                    raise Unreachable(
                        f"No worker of the site {name(call.site)} has taken up the call.", "they are busy, or cut off"
                    )
                continue
            if heard and not waiting.answered:
                continue
            if answer := self._answer(call, watch):
                return self._read(call, answer)
            if self._clock() - begun > call.seconds:
                self._lose(call, "it did not answer in time")
            self._look_at_workers(call, watch)

    def _let_begin(self, call: _Call, waiting: _Waiting) -> None:
        """A change is let begin once: by one worker, which is told so again where it asks again."""
        while waiting.asks:
            nonce, worker = waiting.asks.popitem()
            if call.method.change and call.let and nonce not in call.let:
                continue
            call.let[nonce] = worker  # before it is told: it may hear of it though we do not hear that it did
            self._notify(call.site, call.key.sign("go", id=call.id, nonce=nonce))

    def _answer(self, call: _Call, watch: _Watch) -> object:
        """What stands in the database as the answer; None while nothing does."""
        try:
            steps = self._client.list_workflow_steps(call.id)
        except SQLAlchemyError as error:
            if watch.database_gone_for() > self._patience.database_gone:
                self._lose(call, f"the database cannot be reached: {first_line(error)}")
            return None
        watch.database_is_there()
        return next((one["output"] for one in steps if one["function_name"] == ANSWER and one["output"]), None)

    def _look_at_workers(self, call: _Call, watch: _Watch) -> None:
        try:
            present = self.present(call.site)
        except BackendError:
            return
        if any(number(worker) in present for worker in call.let.values()):
            watch.worker_is_there()
            return
        gone = self._patience.worker_gone if call.method.change else self._patience.reader_gone
        if watch.worker_gone_for() > gone:
            self._lose(call, "it is not connected to the database any more")

    def _lose(self, call: _Call, why: str) -> None:
        if call.method.change:
            with self._lock:
                for worker in call.let.values():
                    self._lost[call.site, call.host][number(worker)] = self._clock()
        raise _Lost(f"worker {', '.join(call.let.values())}: {why}")

    def _read(self, call: _Call, answer: object) -> object:
        try:
            kind, body = call.key.open(answer)
        except Newer as newer:
            raise self._doubtful(call, self._upgrade("bot", call.site), f"an answer of version {newer}") from newer
        except Forged as forged:
            kind, body = "", {}
            log.error("The answer to a call to %s in the database is forged: %s", call.host, forged)
        if body.get("id") != call.id or body.get("nonce") not in call.let:
            sentence = (
                f"The answer of {name(call.host)} in the database was not written by a worker of the site "
                f"{name(call.site)}: somebody else writes there, and the answer counts for nothing."
            )
            raise self._doubtful(call, sentence, "the signature of the answer does not hold")
        match kind:
            case "result":
                return WRITING.load(body["value"])
            case "error":
                error = WRITING.load(body["value"])
                if isinstance(error, UnknownOutcome):
                    self._remember(call)
                raise error
            case _:
                raise Unreachable(f"The worker of the site {name(call.site)} did not begin the call.", "it gave up")

    def _remember(self, call: _Call) -> None:
        with self._lock:
            for worker in call.let.values():
                self._lost[call.site, call.host][number(worker)] = self._clock()

    def _doubtful(self, call: _Call, sentence: str, cause: str) -> BackendError:
        """Something was done, and what is unknown."""
        if call.method.change:
            self._remember(call)
            return UnknownOutcome(sentence, cause)
        return OperationFailed(sentence, cause, unchanged=True)

    # ---------------------------------------------------------------- all workers of a site

    def present(self, site: str) -> frozenset[int]:
        """The workers of the site that are connected, by their numbers. Raises `Unreachable`."""
        try:
            with self._engine.begin() as connection:
                found = connection.execute(PRESENT, {"site": unsigned(number(site))}).scalars().all()
        except SQLAlchemyError as error:
            raise self._database_away(site, error) from error
        return frozenset(one if one < 2**31 else one - 2**32 for one in found)

    def end_lost_calls(self, site: str, host: str) -> None:
        """Every worker of the site sees to it that nothing begins any more on the host of what it lost. Raises
        `Unreachable` also while one is away that was at a change there."""
        present = self.present(site)
        if not present:
            raise self._cut_off(site, "no worker holds the lock of its site")
        with self._lock:
            lost = dict(self._lost[site, host])
        away = [one for one in lost if one not in present and self._clock() - lost[one] < self._patience.orphaned]
        if away:
            raise Unreachable(
                f"The worker of the site {name(site)} that was at a change on {name(host)} is not connected.",
                "what it sent may still begin there",
            )
        for reply in self._ask_all(site, "end", present, host=host).values():
            if reply.get("error"):
                raise WRITING.load(reply["error"])
        with self._lock:
            for one in lost:
                self._lost[site, host].pop(one, None)

    def workers(self, site: str) -> list[Said]:
        """What each worker that is connected says of itself: its name, version, hosts and time. Raises
        `Unreachable`."""
        present = self.present(site)
        return list(self._ask_all(site, "who", present).values()) if present else []

    def _ask_all(self, site: str, kind: str, present: frozenset[int], **body: object) -> Mapping[str, Said]:
        self._listen()
        round_id, asked = str(uuid.uuid4()), _Round()
        with self._lock:
            self._rounds[round_id] = asked
        try:
            if not self._notify(site, self._keys[site].sign(kind, id=round_id, **body)):
                raise Unreachable(f"The database of the site {name(site)} cannot be reached.", "it took no notice")
            with asked.changed:
                all_there = asked.changed.wait_for(
                    lambda: present <= {number(worker) for worker in asked.replies}, self._patience.all_answer
                )
        finally:
            with self._lock:
                del self._rounds[round_id]
        if not all_there:
            raise Unreachable(f"A worker of the site {name(site)} does not answer.", f"to {kind}")
        return asked.replies

    # ---------------------------------------------------------------- what is heard

    def _listen(self) -> None:
        with self._lock:
            if self._line is None:
                self._line = Line(self._url, tuple(to_bots(site) for site in self._keys), self._heard)
                self._line.start()

    def _heard(self, channel: str, message: str) -> None:
        key = next(key for site, key in self._keys.items() if to_bots(site) == channel)
        try:
            kind, body = key.open(message)
        except Newer as newer:
            kind, body = "newer", newer.body
        except Forged as forged:
            log.error("A message of the site %s is forged, and nothing is done with it: %s", key.site, forged)
            return
        if kind in ("ended", "here"):
            self._replied(body)
            return
        if kind == "forged":
            log.error("A call for the site %s was forged, and was not carried out: %s", key.site, body["why"])
            return
        with self._lock:
            waiting = self._waiting.get(str(body.get("id")))
        if waiting is None:
            return
        match kind:
            case "ask":
                waiting.asks[str(body["nonce"])] = str(body["worker"])
            case "progress":
                waiting.percent = int(body["percent"])
            case "waits":
                waiting.waits.append((str(body["vm"]), str(body["why"])))
            case "answered":
                waiting.answered = True
            case "stale":
                waiting.stale = (
                    f"The clock of a worker of the site {name(key.site)} is far from the bot's: it reads "
                    f"{body['now']}. Set both right."
                )
            case "older":
                waiting.stale = self._upgrade("worker", key.site)
            case "newer":
                waiting.stale = self._upgrade("bot", key.site)
        waiting.changed.set()

    def _replied(self, body: Mapping[str, Any]) -> None:
        with self._lock:
            asked = self._rounds.get(str(body.get("id")))
        if asked is not None:
            with asked.changed:
                asked.replies[str(body["worker"])] = body
                asked.changed.notify_all()

    def _notify(self, site: str, message: str) -> bool:
        """Whether it was sent. What goes lost is sent again by who waits for what comes of it."""
        try:
            with self._engine.begin() as connection:
                connection.execute(NOTIFY, {"channel": to_workers(site), "message": message})
        except SQLAlchemyError as error:
            log.warning("The workers of the site %s could not be told: %s", site, first_line(error))
            return False
        return True

    # ---------------------------------------------------------------- sentences

    def _cut_off(self, site: str, cause: str) -> Unreachable:
        return Unreachable(f"No worker of the site {name(site)} is connected.", cause)

    def _database_away(self, site: str, error: BaseException) -> Unreachable:
        return Unreachable(
            f"The database through which the site {name(site)} is reached does not answer.", first_line(error)
        )

    def _upgrade(self, which: str, site: str) -> str:
        one, other = ("worker", "bot") if which == "worker" else ("bot", "worker")
        return (
            f"The {one} of the site {name(site)} is older than its {other}, and does not understand it: upgrade the "
            f"{one}. This bot writes version {VERSION}."
        )


@dataclass(slots=True)
class _Call:
    id: str
    site: str
    host: str
    method: Method
    key: Key
    on_wait: OnWait | None = None
    """Of a cluster."""
    let: dict[str, str] = field(default_factory=dict)
    """Who was let begin: the worker, by the number that it made up."""
    waiting_for: str = ""
    """The VM that it was last said to wait for."""

    @property
    def seconds(self) -> float:
        return self.method.seconds + (ON_ITS_WAY if self.on_wait else 0.0)

    def waits(self, vm_id: str, why: str) -> None:
        if self.on_wait:
            self.waiting_for = vm_id if why else ""
            self.on_wait(vm_id, why)

    def ends_its_wait(self) -> None:
        """The worker says so too, where it is heard."""
        if self.waiting_for:
            self.waits(self.waiting_for, "")


class _Watch:
    """Since when what a call needs is away."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._worker: float | None = None
        self._database: float | None = None

    def worker_is_there(self) -> None:
        self._worker = None

    def worker_gone_for(self) -> float:
        self._worker = self._clock() if self._worker is None else self._worker
        return self._clock() - self._worker

    def database_is_there(self) -> None:
        self._database = None

    def database_gone_for(self) -> float:
        self._database = self._clock() if self._database is None else self._database
        return self._clock() - self._database

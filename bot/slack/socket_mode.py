"""Socket Mode: deliveries come from a receiver, a program of its own that has acknowledged them already."""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict
from typing import IO, Protocol

from slack_bolt import App, BoltResponse

from bot.settings.problems import PREFIX
from bot.slack.connection import BEAT, CLOSING, pause
from bot.slack.intake import Intake
from bot.slack.listeners import Served, serve
from bot.slack.receiver import Given, Line
from bot.slack.websocket import NotConnected

WORKERS = 32
"""Threads for what a search or a form asks, which takes as long as Slack takes to say who somebody is, and for telling
people that nothing was taken up. None of them waits for a host."""

SILENT = 3 * BEAT
"""Seconds after which a receiver that says nothing is taken for one that does nothing."""

HUNG = 2 * SILENT
"""Seconds after which it is ended, so that another one takes its place."""

LOOK = 1.0
"""Seconds between looks whether it hangs."""

ENDING = 0.5
"""Seconds that a receiver gets to end after its connections are closed."""

TELLING = 0.5
"""Seconds that remain at the end to tell people that the bot is stopping."""

_log = logging.getLogger(__name__)


class Child(Protocol):
    """A receiver that runs, and how to talk to it."""

    stdin: IO[bytes]
    """It ends when this is closed."""
    stdout: IO[bytes]

    def kill(self) -> None:
        """End it at once. Harmless when it has ended."""

    def ended(self) -> str:
        """Wait for its end: how it came."""


class Process:
    """The receiver as a program of its own. Of the environment it gets all but the settings of the bot."""

    def __init__(self) -> None:
        # Not in the process group of the bot, else Ctrl-C would end it while it is read.
        apart: Mapping[str, object] = (
            {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
            if sys.platform == "win32"
            else {"start_new_session": True}
        )
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bot.slack.receiver"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)},
            **apart,  # type: ignore[call-overload]
        )
        self.stdin: IO[bytes] = self._process.stdin
        self.stdout: IO[bytes] = self._process.stdout
        self.pid: int = self._process.pid

    def kill(self) -> None:
        self._process.kill()

    def ended(self) -> str:
        code = self._process.wait()
        self.stdout.close()
        return f"with code {code}"


class SocketMode:
    """Between `start` and `stop` deliveries come in. A receiver that ends or hangs before is replaced."""

    def __init__(
        self,
        app: App,
        intake: Intake,
        given: Given,
        *,
        begin: Callable[[], Child] = Process,
        tell_lost: Callable[[], None] = lambda: None,
        on_ack: Callable[[float], None] | None = None,
        chance: random.Random | None = None,
    ) -> None:
        """`begin` starts a receiver. `tell_lost` tells whose requests it has acknowledged and did not hand over, and
        `on_ack` is told how long each acknowledgement took to leave, in seconds."""
        self._app = app
        self._intake = intake
        self._given = given
        self._begin = begin
        self._tell_lost = tell_lost
        self._on_ack = on_ack
        self._chance = chance or random.Random()  # noqa: S311 - spreads tries, guards nothing
        self._stopping = threading.Event()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="slack")
        self._lock = threading.Lock()
        self._far: _Far | None = None
        self._late: list[Future[None]] = []
        """What came while the bot stops, and is told so."""

    def prepare(self) -> None:
        """Begin what takes a while. Harmless when it was called before, and when it fails: the start says so."""
        with suppress(NotConnected):
            self._begun()

    def start(self) -> None:
        """Open the connections, and keep them open from now on. Raises `NotConnected` when none can be opened."""
        far = self._begun()
        if far is not None:
            far.open()

    def _begun(self) -> _Far | None:
        """A receiver that runs, unless the bot stops. Raises `NotConnected`."""
        with self._lock:
            if self._stopping.is_set() or (self._far is not None and not self._far.over):
                return self._far
            try:
                self._far = _Far(self._begin(), self._given, self._heed, self._over)
            except OSError as error:
                why = error.strerror or type(error).__name__
                raise NotConnected(
                    f"the program that holds the connections to Slack cannot be begun ({why})"
                ) from error
            return self._far

    @property
    def alive(self) -> int:
        """How many connections hold."""
        return self._far.alive if self._far is not None else 0

    def stop(self, seconds: float = 10.0) -> bool:
        """Stop: take up nothing new, let what was taken up come to its end for at most `seconds`, and close.

        Until they are closed, the connections still acknowledge, and people are told that the bot is stopping. True
        when all work was done. Closing takes two and a half seconds more at the most.
        """
        self._intake.close()
        drained = self._intake.drain(seconds)
        if not drained:
            _log.warning("Requests were still under way %.1f seconds after the stop began.", seconds)
        with self._lock:
            self._stopping.set()
            far = self._far
        if far is not None:
            far.close(CLOSING + ENDING)
        self._workers.shutdown(wait=False)
        wait(self._late, TELLING)
        return drained

    def _heed(self, far: _Far, line: Line) -> None:
        """One line of a receiver. Runs on the thread that reads, so it waits for nothing."""
        if "asked" in line:
            with suppress(RuntimeError):  # the bot has stopped, and Slack tells the person that it failed
                self._workers.submit(self._answer, far, int(str(line["asked"])), line["payload"], str(line["id"]))
        elif "came" in line:
            self._told_of_ack(line)
            served = serve(self._app, line["came"], str(line["id"]), kept=line["kept"] is True)
            self._work(served.afterwards)
        elif "left" in line:
            self._told_of_ack(line)
            self._work(far.left(int(str(line["left"]))))
        elif "not_left" in line:
            self._work(far.not_left(int(str(line["not_left"]))))
        elif "log" in line:
            _say(line)

    def _answer(self, far: _Far, number: int, payload: object, envelope_id: str) -> None:
        served = serve(self._app, payload, envelope_id)
        answer: dict[str, object] = {"answer": number}
        if served.ack.status == 200:
            answer["ack"] = _content(served.ack)
        if far.waits_for(number, served):
            far.tell(answer)
        else:
            self._work(served.otherwise)

    def _work(self, works: Sequence[Callable[[], None]]) -> None:
        """On a thread that may wait. Where the bot has stopped, who asked is told at the next start."""
        for work in works:
            with suppress(RuntimeError):
                future = self._workers.submit(work)
                if self._intake.closed:
                    self._late.append(future)

    def _told_of_ack(self, line: Line) -> None:
        if self._on_ack is not None:
            self._on_ack(float(str(line["seconds"])))

    def _over(self, far: _Far, how: str) -> None:
        """A receiver has ended, and all that it said is heard. Runs on the thread that read."""
        self._work(far.none_left())
        if self._stopping.is_set() or not far.opened:
            return
        _log.error("The program that holds the connections to Slack ended %s; it is begun anew.", how)
        try:
            self._tell_lost()
        except Exception:  # what is kept still is told at the next start
            _log.exception("Those whose requests were lost could not all be told.")
        tries = 0
        while not self._stopping.wait(pause(tries, self._chance, spare=False) if tries else 0):
            try:
                self.start()
            except NotConnected as error:
                level = logging.INFO if tries else logging.ERROR
                _log.log(level, "No delivery comes in, and it is tried again: %s", error)
                tries += 1
            else:
                _log.warning("Deliveries come in again.")
                return


class _Far:
    """One receiver, from its beginning to its end."""

    def __init__(
        self,
        child: Child,
        given: Given,
        heed: Callable[[_Far, Line], None],
        over: Callable[[_Far, str], None],
    ) -> None:
        self.opened = False
        self._alive, self._heard_at = 0, 0.0
        self._child = child
        self._heed = heed
        self._say_over = over
        self._writing = threading.Lock()
        self._waiting = threading.Lock()
        self._served: dict[int, Served] = {}
        self._late: set[int] = set()
        """Those that it does not wait for any more, and that are not answered yet."""
        self._opening: Future[None] = Future()
        self._ended = threading.Event()
        self.tell(asdict(given))
        self._reader = threading.Thread(target=self._read, name="slack-receiver", daemon=True)
        self._reader.start()
        threading.Thread(target=self._watch, name="slack-receiver-watch", daemon=True).start()

    @property
    def over(self) -> bool:
        return self._ended.is_set()

    @property
    def alive(self) -> int:
        """How many of its connections hold. Of one that says nothing any more, none."""
        return 0 if self.over or time.monotonic() - self._heard_at > SILENT else self._alive

    @property
    def hangs(self) -> bool:
        return self.opened and not self.over and time.monotonic() - self._heard_at > HUNG

    def kill(self) -> None:
        self._child.kill()

    def open(self) -> None:
        """Raises `NotConnected`."""
        opening: Future[None] = Future()
        self._opening = opening
        self.tell({"open": True})
        if self.over:
            raise NotConnected("the program that holds the connections to Slack ended")
        opening.result()

    def tell(self, line: Line) -> None:
        """Harmless when it has ended."""
        with self._writing:
            try:
                self._child.stdin.write(json.dumps(line).encode() + b"\n")
                self._child.stdin.flush()
            except (OSError, ValueError):
                pass

    def waits_for(self, number: int, served: Served) -> bool:
        """It is to say whether that acknowledgement has left. False where it waits for it no more."""
        with self._waiting:
            if number in self._late or self.over:
                self._late.discard(number)
                return False
            self._served[number] = served
            return True

    def left(self, number: int) -> Sequence[Callable[[], None]]:
        """The acknowledgement has left: what is to be done then."""
        with self._waiting:
            return self._served.pop(number).afterwards

    def not_left(self, number: int) -> Sequence[Callable[[], None]]:
        """It has not, for it could not, or there was none in time: what is to be done then."""
        with self._waiting:
            served = self._served.pop(number, None)
            if served is not None:
                return served.otherwise
            self._late.add(number)
            return ()

    def none_left(self) -> Sequence[Callable[[], None]]:
        """Of what is still waited for nothing has left, or nobody knows."""
        with self._waiting:
            return [work for served in self._served.values() for work in served.otherwise]

    def close(self, seconds: float) -> None:
        """Let it end, and hear all that it says until then."""
        self.tell({"close": True})
        with self._writing, suppress(OSError):
            self._child.stdin.close()
        self._reader.join(seconds)
        if self._reader.is_alive():
            self.kill()

    def _read(self) -> None:
        try:
            for line in self._child.stdout:
                self._take(json.loads(line))
        except Exception:
            _log.exception("What the receiver said could not be taken.")
            self.kill()
        how = self._child.ended()
        with self._writing, suppress(OSError):
            self._child.stdin.close()
        self._ended.set()
        _fail(self._opening, NotConnected(f"the program that holds the connections to Slack ended {how}"))
        self._say_over(self, how)

    def _watch(self) -> None:
        """End it where it hangs: what reads finds out, and another one takes its place."""
        while not self._ended.wait(LOOK):
            if self.hangs:
                _log.error("The program that holds the connections to Slack has said nothing for %d seconds.", HUNG)
                self.kill()

    def _take(self, line: Line) -> None:
        if "alive" in line:
            self._alive, self._heard_at = int(str(line["alive"])), time.monotonic()
        elif "opened" in line:
            self.opened = True
            self._opening.set_result(None)
        elif "not_opened" in line:
            _fail(self._opening, NotConnected(str(line["not_opened"]), lasting=line["lasting"] is True))
        else:
            self._heed(self, line)


def _fail(future: Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


def _content(ack: BoltResponse) -> object:
    """What goes into an acknowledgement over a connection."""
    kind = (ack.headers.get("content-type") or [""])[0]
    if not ack.body:
        return {}
    return json.loads(ack.body) if kind.startswith("application/json") else {"text": ack.body}


def _say(line: Line) -> None:
    """What the receiver logged, in the bot's log."""
    told = {"name": line["name"], "levelno": line["level"], "msg": line["log"], "created": line["created"]}
    record = logging.makeLogRecord({**told, "levelname": logging.getLevelName(int(str(line["level"])))})
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)

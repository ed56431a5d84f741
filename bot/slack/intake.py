"""The threads that look into what people asked for, apart from those that acknowledge it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bot.dispatch.round_robin import RoundRobin

Job = Callable[[], None]

WORKERS, FOR_PRESSES = 160, 32
"""Threads at the most, and how many of them questions leave to buttons. All questions that wait for hosts are fewer
(`bot.dispatch.bulkhead.IN_ALL`), so that there is always one for what needs no host."""

IDLE = 30.0
"""Seconds after which a thread that has nothing to do ends."""

_log = logging.getLogger(__name__)


class Intake:
    """Runs jobs on as many threads as they need, up to `workers`. Buttons go before questions, and in each line people
    come in turn."""

    def __init__(
        self, *, workers: int = WORKERS, for_presses: int = FOR_PRESSES, waiting: int = 100, idle: float = IDLE
    ) -> None:
        """`waiting` is how many jobs of one person may wait in each line."""
        self._most = workers
        self._most_questions = workers - for_presses
        self._idle_for = idle
        self._presses: RoundRobin[Job] = RoundRobin(waiting)
        self._questions: RoundRobin[Job] = RoundRobin(waiting)
        self._lock = threading.RLock()
        self._gone = threading.Condition(self._lock)
        self._resting: list[threading.Condition] = []
        """One for each thread that has nothing to do; who rested last is woken first, so that others may end."""
        self._closed = False
        self._threads = self._asking = 0

    @property
    def closed(self) -> bool:
        """No job is taken any more: the bot is stopping."""
        return self._closed

    @property
    def threads(self) -> int:
        return self._threads

    @property
    def waiting(self) -> int:
        """Jobs that no thread has taken up yet."""
        return self._in_line

    def offer(self, job: Job, *, person_id: str = "", press: bool = False) -> bool:
        """Take a job, unless its person has too many in line or the intake is closed. It must handle its own errors."""
        line = self._presses if press else self._questions
        with self._lock:
            if self._closed or not line.add(person_id, job):
                return False
            one_more = not self._resting and self._threads < self._most
            self._threads += one_more
            if self._resting:  # one: each that wakes in vain takes the interpreter from who acknowledges
                self._resting.pop().notify()
        if one_more:  # outside of the lock: it lasts until the thread runs
            # A daemon: a job that hangs on a host must not keep the process from ending after the drain.
            threading.Thread(target=self._work, name="intake", daemon=True).start()
        return True

    def close(self) -> None:
        """Take no more jobs. Those taken are still carried out, and then the threads end."""
        with self._lock:
            self._closed = True
            self._wake_all()

    def drain(self, seconds: float) -> bool:
        """After `close`: wait until every job taken is done, but not longer than `seconds`. False when some are not."""
        with self._gone:
            return self._gone.wait_for(lambda: self._threads == 0, seconds)

    @property
    def _in_line(self) -> int:
        return len(self._presses) + len(self._questions)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            job, question = taken
            try:
                job()
            except Exception:
                _log.exception("A job let an error escape.")
            with self._lock:
                self._asking -= question  # whoever did it takes what may be asked now

    def _take(self) -> tuple[Job, bool] | None:
        """The next job, and whether it is a question; None when this thread is to end."""
        with self._lock:
            while (taken := self._next()) is None:
                woken = not self._ended and self._rest()
                if not woken and not self._in_line:
                    self._threads -= 1
                    self._gone.notify_all()
                    if self._closed:
                        self._wake_all()
                    return None
            return taken

    def _rest(self) -> bool:
        """Until there is something to do, or for long enough: False then."""
        turn = threading.Condition(self._lock)
        self._resting.append(turn)
        turn.wait(self._idle_for)
        if turn in self._resting:
            self._resting.remove(turn)
            return False
        return True

    def _wake_all(self) -> None:
        while self._resting:
            self._resting.pop().notify()

    @property
    def _ended(self) -> bool:
        return self._closed and not self._in_line

    def _may_ask(self) -> bool:
        return bool(len(self._questions)) and self._asking < self._most_questions

    def _next(self) -> tuple[Job, bool] | None:
        if (press := self._presses.next()) is not None:
            return press, False
        if not self._may_ask() or (question := self._questions.next()) is None:
            return None
        self._asking += 1
        return question, True

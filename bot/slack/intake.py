"""The threads that look into what people asked for, apart from those that acknowledge it."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from bot.dispatch.round_robin import RoundRobin

Job = Callable[[], None]

WORKERS, FOR_PRESSES = 160, 32
"""Threads at the most, and how many of them questions leave to buttons. All questions that wait for hosts are fewer
(`bot.dispatch.bulkhead.IN_ALL`), so that there is always one for what needs no host."""

EACH = 40
"""Threads that are at something for one person, at the most: a few more than their questions that wait for hosts
(`bot.dispatch.bulkhead.IN_ALL_EACH`), and far fewer than there are, so that nobody keeps all of them waiting."""

FEW, PATIENCE = 32, 0.2
"""So many threads begin as soon as there is something for them; a further one for a question only when none has come
free for so many seconds. Threads that compute share one interpreter, so more of them do no more, and each takes memory;
more of them help where they wait, for a host or for Slack."""

IDLE = 30.0
"""Seconds after which a thread that has nothing to do ends."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """A job, and whose it is."""

    person_id: str
    job: Job
    question: bool


class Intake:
    """Runs jobs on as many threads as they need, up to `workers`, and up to `each` for one person; on more than `few`
    where none comes free. Buttons go before questions, and in each line people come in turn."""

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        for_presses: int = FOR_PRESSES,
        each: int = EACH,
        few: int = FEW,
        patience: float = PATIENCE,
        waiting: int = 100,
        idle: float = IDLE,
    ) -> None:
        """`each` is how many jobs of one person are done at once, and `waiting` how many may wait in each line."""
        self._most = workers
        self._few = min(few, workers)
        self._patience = patience
        self._most_questions = workers - for_presses
        self._idle_for = idle
        self._each = each
        self._presses: RoundRobin[_Work] = RoundRobin(waiting)
        self._questions: RoundRobin[_Work] = RoundRobin(waiting)
        self._at_work: Counter[str] = Counter()
        self._full: set[str] = set()
        """The people for whom as much is done as may be."""
        self._lock = threading.RLock()
        self._gone = threading.Condition(self._lock)
        self._resting: list[threading.Condition] = []
        """One for each thread that has nothing to do; who rested last is woken first, so that others may end."""
        self._closed = self._watched = False
        self._threads = self._asking = self._taken = 0

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
            if self._closed or not line.add(person_id, _Work(person_id, job, question=not press)):
                return False
            may_begin = person_id not in self._full
            wanted = may_begin and not self._resting
            one_more = wanted and self._threads < (self._most if press else self._few)
            self._threads += one_more
            watch = wanted and not one_more and self._threads < self._most and not self._watched
            self._watched |= watch
            if may_begin and self._resting:  # one: each that wakes in vain takes the interpreter from who acknowledges
                self._resting.pop().notify()
        if one_more:  # outside of the lock: it lasts until the thread runs
            self._begin()
        elif watch:
            threading.Thread(target=self._watch, name="intake-watch", daemon=True).start()
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

    def _begin(self) -> None:
        # A daemon: a job that hangs on a host must not keep the process from ending after the drain.
        threading.Thread(target=self._work, name="intake", daemon=True).start()

    def _watch(self) -> None:
        """While something waits for a thread: begin another one where none has come free for a while."""
        while True:
            with self._lock:
                taken, self._watched = self._taken, self._waits and self._threads < self._most
                if not self._watched:
                    return
            time.sleep(self._patience)
            with self._lock:
                one_more = self._taken == taken and self._waits and self._threads < self._most
                self._threads += one_more
            if one_more:
                self._begin()

    def _work(self) -> None:
        while (work := self._take()) is not None:
            try:
                work.job()
            except Exception:
                _log.exception("A job let an error escape.")
            with self._lock:  # whoever did it takes what may be done now
                self._asking -= work.question
                self._at_work[work.person_id] -= 1
                self._full.discard(work.person_id)
                if not self._at_work[work.person_id]:
                    del self._at_work[work.person_id]

    def _take(self) -> _Work | None:
        """The next job; None when this thread is to end."""
        with self._lock:
            while (taken := self._next()) is None:
                woken = not self._ended and self._rest()
                if not woken and not self._in_line:
                    self._threads -= 1
                    self._gone.notify_all()
                    if self._closed:
                        self._wake_all()
                    return None
            self._taken += 1
            self._asking += taken.question
            self._at_work[taken.person_id] += 1
            if self._at_work[taken.person_id] >= self._each:
                self._full.add(taken.person_id)
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

    @property
    def _waits(self) -> bool:
        """Something in line may be begun."""
        return self._presses.has_next(self._full) or (self._may_ask and self._questions.has_next(self._full))

    @property
    def _may_ask(self) -> bool:
        return self._asking < self._most_questions

    def _next(self) -> _Work | None:
        press = self._presses.next(self._full)
        return press or (self._questions.next(self._full) if self._may_ask else None)

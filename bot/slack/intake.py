"""A bounded number of workers that carry what people asked for, apart from the threads that acknowledge it."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

Job = Callable[[], None]

_log = logging.getLogger(__name__)


class Intake:
    """Runs jobs on `workers` threads and keeps at most `waiting` of them in line."""

    def __init__(self, *, workers: int = 16, waiting: int = 64) -> None:
        self._jobs: queue.Queue[Job] = queue.Queue(waiting)
        self._closed = threading.Event()
        for number in range(workers):
            # Daemon threads: a job that hangs on a host must not keep the process from ending after the drain.
            threading.Thread(target=self._work, name=f"intake-{number}", daemon=True).start()

    @property
    def closed(self) -> bool:
        """No job is taken any more: the bot is stopping."""
        return self._closed.is_set()

    def offer(self, job: Job) -> bool:
        """Take a job, unless the line is full or closed. It must handle its own errors."""
        if self._closed.is_set():
            return False
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            return False
        return True

    def close(self) -> None:
        """Take no more jobs. Those taken are still carried out."""
        self._closed.set()

    def drain(self, seconds: float) -> bool:
        """Wait until every job taken is done, but not longer than `seconds`. False when some are not."""
        end = time.monotonic() + seconds
        with self._jobs.all_tasks_done:
            while self._jobs.unfinished_tasks:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._jobs.all_tasks_done.wait(left)
        return True

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                job()
            except Exception:
                _log.exception("A job let an error escape.")
            finally:
                self._jobs.task_done()

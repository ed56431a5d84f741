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
        self._waiting = waiting
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._closed = False
        # Daemon threads: a job that hangs on a host must not keep the process from ending after the drain.
        self._workers = [threading.Thread(target=self._work, name=f"intake-{n}", daemon=True) for n in range(workers)]
        for worker in self._workers:
            worker.start()

    @property
    def closed(self) -> bool:
        """No job is taken any more: the bot is stopping."""
        return self._closed

    def offer(self, job: Job) -> bool:
        """Take a job, unless the line is full or closed. It must handle its own errors."""
        with self._lock:
            if self._closed or self._jobs.qsize() >= self._waiting:
                return False
            self._jobs.put(job)
            return True

    def close(self) -> None:
        """Take no more jobs. Those taken are still carried out, and then the workers end."""
        with self._lock:
            if not self._closed:
                self._closed = True
                for _ in self._workers:
                    self._jobs.put(None)

    def drain(self, seconds: float) -> bool:
        """After `close`: wait until every job taken is done, but not longer than `seconds`. False when some are not."""
        end = time.monotonic() + seconds
        for worker in self._workers:
            worker.join(max(0.0, end - time.monotonic()))
        return not any(worker.is_alive() for worker in self._workers)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:
                _log.exception("A job let an error escape.")

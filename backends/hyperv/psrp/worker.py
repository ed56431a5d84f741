"""A thread of its own for each shell: what waits for a host must not be what a person waits on."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

Job = Callable[[], None]


class Worker:
    """Does one job after the other on its thread, which starts with the first. Jobs must not raise."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._started = False

    def do(self, job: Job) -> None:
        """Have `job` done. For one caller at a time."""
        self._jobs.put(job)
        if not self._started:
            self._started = True
            Thread(target=self._work, name=self._name, daemon=True).start()

    def end(self) -> None:
        """End the thread after the job it is at. Harmless when repeated."""
        self._jobs.put(None)

    def _work(self) -> None:
        while job := self._jobs.get():
            job()
            del job  # it may hold what should go while this thread waits

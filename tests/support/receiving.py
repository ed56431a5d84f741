"""A receiver on threads of the test's own process: as the program, but begun in no time and within reach."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from bot.slack.receiver import Given, Line, Receiver, receive


class Beside:
    """Begins one each time it is called."""

    def __init__(self, check_every: float = 0.05) -> None:
        self._check_every = check_every
        self.receivers: list[Receiver] = []

    def __call__(self) -> OnThreads:
        return OnThreads(self._make)

    def _make(self, given: Given, tell: Callable[[Line], None]) -> Receiver:
        self.receivers.append(Receiver(given, tell, chance=random.Random(0), check_every=self._check_every))
        return self.receivers[-1]


class OnThreads:
    """It logs as everything in this process does."""

    def __init__(self, make: Callable[[Given, Callable[[Line], None]], Receiver]) -> None:
        heard, stdin = os.pipe()
        stdout, told = os.pipe()
        self.stdin: IO[bytes] = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] = os.fdopen(stdout, "rb")
        self._thread = threading.Thread(
            target=self._run, args=(os.fdopen(heard, "rb"), os.fdopen(told, "wb"), make), name="receiver", daemon=True
        )
        self._thread.start()

    @staticmethod
    def _run(heard: IO[bytes], told: IO[bytes], make: Callable[[Given, Callable[[Line], None]], Receiver]) -> None:
        with heard, suppress(SystemExit):
            receive(heard, told, make)

    def kill(self) -> None:
        """A thread cannot be: it ends when its input does."""

    def ended(self) -> str:
        self._thread.join()
        self.stdout.close()
        return "as a thread does"

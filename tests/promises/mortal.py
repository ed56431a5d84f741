"""A program that can die at any moment, inside the process of its test, and hosts that outlive it.

What a program does outside of its own memory goes through its seams: to a host, to Slack, and to the clock, which the
ledger reads before each write. Once it has died, none of its threads gets past one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Condition, Event, Lock, Thread

from backends.remoting import Pipeline, Result
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.powershell.endpoint import PLAIN_NAME
from backends.simulator.powershell.interpreter import SimulatedPowerShell
from backends.simulator.powershell.session import SimulatedSession
from backends.simulator.powershell.shell import Sink, Statement
from bot.messages import Announcer, MessageRef, Origin
from commands.base import Reply
from tests.support.waiting import DEADLINE

SHAPING = ("Select-Object", "ConvertTo-Json")

Died = SystemExit
"""What a thread of a program meets that is gone: it ends, and says nothing."""


class Life:
    """One life of a program. It ends where somebody says that it does, or not at all."""

    def __init__(self) -> None:
        self._left: int | None = None
        self._place = ""
        self._over = Event()
        self._lock = Lock()
        self._telling = 0
        self._told = Condition()

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def ends(self, *, after: int | None = None, at: str = "") -> None:
        """After so many more places, or at the place of that name; with neither it goes on."""
        with self._lock:
            self._left, self._place = after, at

    def passes(self, place: str) -> None:
        """A thread is there. Raises `Died`."""
        with self._lock:
            if self._left is not None:
                self._left -= 1
            if place == self._place or (self._left is not None and self._left < 0):
                self._over.set()
        if self.over:
            raise Died

    @contextmanager
    def around(self, act: str) -> Iterator[None]:
        """Something is done outside."""
        self.passes(f"before {act}")
        yield
        self.passes(f"after {act}")

    @contextmanager
    def telling(self, act: str) -> Iterator[None]:
        """Something is said, which takes no time in the world: what was begun before the end comes before the next life
        says anything."""
        with self._told:
            self._telling += 1
        try:
            with self.around(act):
                yield
        finally:
            with self._told:
                self._telling -= 1
                self._told.notify_all()

    def falls_silent(self) -> None:
        """Wait until nothing is being said any more."""
        with self._told:
            assert self._told.wait_for(lambda: not self._telling, DEADLINE)


class Console(SimulatedPowerShell):
    """The PowerShell of a host, which knows what runs there, whoever still waits for it."""

    def __init__(self, host: SimulatedHost) -> None:
        super().__init__(host)
        self._running: set[Event] = set()
        self._changed = Condition()

    @property
    def running(self) -> frozenset[Event]:
        """What ends each of the calls that are under way."""
        with self._changed:
            return frozenset(self._running)

    def run(self, statements: Sequence[Statement], sink: Sink, stop: Event, *, configuration: str = PLAIN_NAME) -> None:
        with self._changed:
            self._running.add(stop)
        try:
            super().run(statements, sink, stop, configuration=configuration)
        finally:
            with self._changed:
                self._running.discard(stop)
                self._changed.notify_all()

    def end(self, calls: frozenset[Event]) -> None:
        """End them. What Hyper-V has begun goes on."""
        for stop in calls:
            stop.set()
        with self._changed:
            self._changed.wait_for(lambda: self._running.isdisjoint(calls), 5.0)


class MortalSession(SimulatedSession):
    """A session of a program that may die. What a host was asked for by then goes on there."""

    def __init__(self, console: Console, life: Life) -> None:
        super().__init__(console)
        self._console = console
        self._life = life
        self._left_behind = console.running

    def invoke(
        self,
        pipeline: Pipeline,
        *,
        deadline: float,
        change: bool = False,
        on_progress: Callable[[int], None] | None = None,
    ) -> Result:
        def tell(percent: int) -> None:
            if on_progress is not None:
                with suppress(Died):
                    on_progress(percent)

        def call() -> None:
            try:
                answer.set_result(
                    super(MortalSession, self).invoke(pipeline, deadline=deadline, change=change, on_progress=tell)
                )
            except BaseException as error:  # carried over to the thread that waits for this one
                answer.set_exception(error)
            answered.set()

        answer: Future[Result] = Future()
        answered = Event()
        name = next(one.name for one in reversed(pipeline) if one.name not in SHAPING) if change else "a look"
        with self._life.around(name):
            Thread(target=call, daemon=True).start()
            self._life.passes(f"during {name}")
            while not answered.wait(0.01):
                if self._life.over:
                    raise Died
        return answer.result()

    def end_lost_calls(self) -> None:
        with self._life.around("end lost calls"):
            self._console.end(self._left_behind)


class MortalAnnouncer:
    """The `Announcer` of a program that may die."""

    def __init__(self, announcer: Announcer, life: Life) -> None:
        self._announcer = announcer
        self._life = life

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        with self._life.telling("post"):
            return self._announcer.post(origin, message)

    def update(self, ref: MessageRef, message: Reply) -> None:
        with self._life.telling("update"):
            self._announcer.update(ref, message)

    def whisper(self, origin: Origin, message: Reply) -> None:
        with self._life.telling("whisper"):
            self._announcer.whisper(origin, message)

    def reply(self, ref: MessageRef, message: Reply) -> None:
        with self._life.telling("reply"):
            self._announcer.reply(ref, message)

    def address(self, ref: MessageRef, person_id: str, sentence: str) -> None:
        with self._life.telling("address"):
            self._announcer.address(ref, person_id, sentence)

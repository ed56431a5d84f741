"""Chaos for a while, then peace, and a look at what came of it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event, Thread

from bot.changes.execution import Timeouts
from bot.demo.postgres import Postgres
from bot.ledger import ChangeState
from tests.chaos.world import ChaosWorld
from tests.crash.life import NotAlive
from tests.support.waiting import LOOK_AGAIN

PEACE = 900.0
"""Seconds in which all that is under way must come to its end, once everything is back."""


@dataclass(frozen=True)
class Pace:
    """Seconds between two of each kind, least and most, and how long something stays away."""

    database: tuple[float, float] = (5.0, 40.0)
    worker: tuple[float, float] = (5.0, 30.0)
    bot: tuple[float, float] = (20.0, 60.0)
    cable: tuple[float, float] = (5.0, 30.0)
    away: tuple[float, float] = (0.1, 8.0)
    asking: tuple[float, float] = (0.5, 2.0)
    timeouts: Timeouts = field(default_factory=Timeouts)
    """Of the bot."""


@dataclass(frozen=True)
class Came:
    """What came of it."""

    seconds: float
    blows: Counter[str]
    changes: Counter[str]
    """By the state that they ended in."""
    broken: tuple[str, ...]

    def __str__(self) -> str:
        said = "; ".join(f"{what}: {count}" for what, count in sorted((self.blows + self.changes).items()))
        return f"{self.seconds:.0f} s; {said}; {len(self.broken)} broken"


def run(seconds: float, seed: int, pace: Pace = Pace()) -> Came:
    """A folder with logs and data is left when something did not hold. Raises `NoPostgres`."""
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    with (
        tempfile.TemporaryDirectory(prefix="chaos-postgres-") as data,
        Postgres(Path(data)) as server,
        ChaosWorld(folder, server, pace.timeouts) as world,
    ):
        came = _run(world, seconds, Random(seed), pace)
    if came.broken:
        return Came(came.seconds, came.blows, came.changes, (*came.broken, f"look into {folder}"))
    shutil.rmtree(folder)
    return came


def _run(world: ChaosWorld, seconds: float, random: Random, pace: Pace) -> Came:
    begun, over, blows = time.monotonic(), Event(), Counter[str]()
    world.live()

    def again_and_again(every: tuple[float, float], act: Callable[[Random], object]) -> Thread:
        own = Random(random.random())

        def loop() -> None:
            while not over.wait(own.uniform(*every)):
                act(own)

        thread = Thread(target=loop, daemon=True)
        thread.start()
        return thread

    def away(own: Random) -> None:
        over.wait(own.uniform(*pace.away))

    def stop_database(own: Random) -> None:
        blows["database stopped"] += 1
        world.server.stop()
        away(own)
        world.server.start()

    def kill_worker(own: Random) -> None:
        blows["worker killed"] += 1
        worker = own.choice(world.workers)
        worker.kill()
        away(own)
        worker.start()

    def kill_bot(own: Random) -> None:
        blows["bot killed"] += 1
        world.kill()
        away(own)

    def cut_cable(own: Random) -> None:
        blows["connection cut"] += 1
        cable = own.choice(world.cables)
        cable.cut()
        away(own)
        cable.mend()

    with _living(world, over, blows):
        asking = again_and_again(pace.asking, lambda own: (world.ask_for_something(own), world.press_what_waits()))
        hurting = [
            again_and_again(pace.database, stop_database),
            again_and_again(pace.worker, kill_worker),
            again_and_again(pace.bot, kill_bot),
            again_and_again(pace.cable, cut_cable),
        ]
        time.sleep(seconds)
        over.set()
        for thread in (*hurting, asking):
            thread.join(PEACE)
        healed = _goes_on(world, random, time.monotonic() + PEACE)
    late = () if healed else (f"nothing is done {PEACE:g} s later", *world.story())
    world.stop()
    return Came(
        time.monotonic() - begun,
        blows,
        Counter(str(row.state) for row in world.rows()),
        (*late, *world.broken()),
    )


@contextmanager
def _living(world: ChaosWorld, over: Event, blows: Counter[str]) -> Iterator[None]:
    """A bot that ends is started again, as whatever runs services does."""
    end = Event()

    def keep() -> None:
        while not end.wait(LOOK_AGAIN):
            if world.dead:
                blows["bot started again"] += 1
                try:
                    world.live()
                except NotAlive:
                    blows["bot did not start"] += 1

    thread = Thread(target=keep, daemon=True)
    thread.start()
    yield
    end.set()
    thread.join(PEACE)


def _goes_on(world: ChaosWorld, random: Random, until: float) -> bool:
    """Whether all that is under way comes to its end, and what is asked for then is done."""
    while time.monotonic() < until:
        world.press_what_waits()
        if _settled(world):
            if any(row.state == ChangeState.SUCCEEDED for row in world.rows()[-1:]):
                return True
            world.ask_for_something(random)
        time.sleep(1.0)
    return False


def _settled(world: ChaosWorld) -> bool:
    try:
        return world.settled()
    except Exception:  # a store that is just being written, or away
        return False

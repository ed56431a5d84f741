"""Turns in a channel, by a clock that the test moves."""

from __future__ import annotations

import threading

from bot.messages import MessageRef
from bot.slack.pace import MOST_KEPT, Pace
from tests.support.waiting import DEADLINE


class ClockOfATest:
    """Stands still while anybody but a waiter looks: waiting moves it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "nothing else would end this wait"
        self.time += seconds


class ClockThatIsMoved:
    """Moves only when the test says so."""

    def __init__(self) -> None:
        self.time = 0.0
        self.waiting = threading.Semaphore(0)
        self._condition: threading.Condition | None = None

    def now(self) -> float:
        return self.time

    def wait(self, condition: threading.Condition, seconds: float | None) -> None:
        self._condition = condition
        self.waiting.release()
        condition.wait(DEADLINE)

    def move(self, seconds: float) -> None:
        assert self._condition is not None
        with self._condition:
            self.time += seconds
            self._condition.notify_all()


REF = MessageRef("C1", "1.0")


def test_the_first_few_go_at_once_and_then_one_each_second() -> None:
    clock = ClockOfATest()
    pace = Pace(clock, interval=1.0, burst=3)
    times = []
    for _ in range(6):
        pace.wait("C1")
        times.append(clock.time)
    assert times == [0, 0, 0, 1, 2, 3]


def test_a_channel_that_was_quiet_has_its_burst_back() -> None:
    clock = ClockOfATest()
    pace = Pace(clock, interval=1.0, burst=2)
    for _ in range(3):
        pace.wait("C1")
    clock.time = 100.0
    pace.wait("C1")
    pace.wait("C1")
    assert clock.time == 100.0


def test_one_channel_does_not_hold_up_another() -> None:
    clock = ClockOfATest()
    pace = Pace(clock, interval=1.0, burst=1)
    pace.wait("C1")
    pace.wait("C2")
    assert clock.time == 0


def test_a_newer_update_takes_the_turn_of_the_one_it_replaces() -> None:
    clock = ClockThatIsMoved()
    pace = Pace(clock, interval=1.0, burst=1)
    pace.wait("C1")
    sent: list[tuple[str, float]] = []

    def update(name: str) -> None:
        with pace.newest(REF) as current:
            if current:
                sent.append((name, clock.time))

    threads = []
    for name in ("10 %", "20 %", "30 %"):
        threads.append(threading.Thread(target=update, args=(name,)))
        threads[-1].start()
        assert clock.waiting.acquire(timeout=DEADLINE)
        clock.move(0.25)
    clock.move(0.25)
    for thread in threads:
        thread.join(DEADLINE)
    assert sent == [("30 %", 1.0)], "at the time the first was due, so a stream of updates puts nothing off"


def test_a_message_is_updated_every_three_seconds_after_the_first_few() -> None:
    clock = ClockOfATest()
    pace = Pace(clock, interval=1.0, burst=3)
    times = []
    for _ in range(6):
        with pace.newest(REF) as current:
            assert current
            times.append(clock.time)
    assert times == [0, 0, 0, 3, 6, 9]
    with pace.newest(MessageRef("C1", "2.0")):
        assert clock.time == 9, "another message has its own burst"


def test_messages_of_long_ago_are_forgotten() -> None:
    clock = ClockOfATest()
    pace = Pace(clock)
    for number in range(2 * MOST_KEPT):
        clock.time += 10.0
        with pace.newest(MessageRef("C1", f"{number}.0")):
            pass
    assert len(pace._free_at) <= MOST_KEPT + 2


def test_an_update_waits_for_the_one_that_is_on_its_way() -> None:
    pace = Pace(interval=0.0)
    first_is_out, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with pace.newest(REF):
            first_is_out.set()
            may_end.wait(DEADLINE)
            order.append("first")

    def second() -> None:
        with pace.newest(REF) as current:
            assert current
            order.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert first_is_out.wait(DEADLINE)
    threads[1].start()
    may_end.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert order == ["first", "second"]

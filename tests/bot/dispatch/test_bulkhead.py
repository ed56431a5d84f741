"""A host that hangs keeps those waiting who asked about it, and nobody else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from backends.base import Busy
from bot.dispatch.bulkhead import IN_ALL, Bulkhead
from bot.slack.intake import FOR_PRESSES, WORKERS
from tests.support.waiting import DEADLINE, wait_until


@pytest.fixture
def answered() -> Iterator[threading.Event]:
    """Set when the host answers; it does, at the end."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def ask(answered: threading.Event) -> Callable[..., threading.Thread]:
    """Ask a host that hangs, on a thread; who got to ask is noted."""

    def ask(bulkhead: Bulkhead, host: str | None, who: str, asking: list[str]) -> threading.Thread:
        def work() -> None:
            with bulkhead.at(host, who):
                asking.append(who)
                answered.wait(DEADLINE)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return thread

    return ask


Ask = Callable[..., threading.Thread]


def test_questions_of_all_hosts_together_leave_threads_for_what_needs_none() -> None:
    assert IN_ALL < WORKERS - FOR_PRESSES


def test_a_host_that_hangs_takes_no_turn_from_another(ask: Ask) -> None:
    bulkhead = Bulkhead(at_once=1)
    asking: list[str] = []
    ask(bulkhead, "hv01", "ada", asking)
    wait_until(lambda: asking)

    with bulkhead.at("hv02", "bob"):
        pass


def test_who_finds_no_place_in_the_line_is_told_at_once(ask: Ask) -> None:
    bulkhead = Bulkhead(at_once=1, in_line_each=0)
    asking: list[str] = []
    ask(bulkhead, "hv01", "ada", asking)
    wait_until(lambda: asking)

    with (
        pytest.raises(Busy, match="hv01 is slow to answer: 0 questions wait for it already") as told,
        bulkhead.at("hv01", "ada"),
    ):
        pass
    assert told.value.unchanged


def test_who_waits_too_long_for_a_turn_is_told(ask: Ask) -> None:
    bulkhead = Bulkhead(at_once=1, timeout=0.05)
    asking: list[str] = []
    ask(bulkhead, "hv01", "ada", asking)
    wait_until(lambda: asking)

    for _ in range(2):  # the one that gave up stands in nobody's way
        with pytest.raises(Busy, match="were not answered in"), bulkhead.at("hv01", "bob"):
            pass


def test_people_come_in_turn(ask: Ask, answered: threading.Event) -> None:
    bulkhead = Bulkhead(at_once=1)
    asking: list[str] = []
    threads = [ask(bulkhead, "hv01", "ada", asking)]
    wait_until(lambda: asking)
    for waiting, who in enumerate(["ada", "ada", "bob"], 1):
        threads.append(ask(bulkhead, "hv01", who, asking))
        wait_until(lambda count=waiting: len(bulkhead._lines["hv01"]) == count)  # type: ignore[misc]

    answered.set()
    for thread in threads:
        thread.join(DEADLINE)
    assert asking == ["ada", "ada", "bob", "ada"]


def test_no_more_wait_for_hosts_than_there_is_room_for(ask: Ask) -> None:
    bulkhead = Bulkhead(in_all=2)
    asking: list[str] = []
    ask(bulkhead, "hv01", "ada", asking)
    ask(bulkhead, None, "bob", asking)
    wait_until(lambda: len(asking) == 2)

    with pytest.raises(Busy, match="Too many questions"), bulkhead.at(None, "eve"):
        pass

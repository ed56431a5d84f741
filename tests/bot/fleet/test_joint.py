from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bot.fleet.joint import Joint
from tests.support.waiting import DEADLINE, wait_until


class Doing:
    """What is done when the test lets it."""

    def __init__(self) -> None:
        self.begun = 0
        self.may_end = threading.Semaphore(0)

    def __call__(self) -> int:
        self.begun += 1
        mine = self.begun
        assert self.may_end.acquire(timeout=DEADLINE)
        return mine


def asked(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread


def test_who_asks_meanwhile_shares_one_that_begins_after_they_asked() -> None:
    joint, doing, given = Joint[int](), Doing(), list[int]()
    waiting = threading.Semaphore(0)

    @contextmanager
    def counted() -> Iterator[None]:
        waiting.release()
        yield

    def ask() -> None:
        given.append(joint.of("web01", doing, waiting=counted))

    threads = [asked(ask)]
    wait_until(lambda: doing.begun == 1)
    threads += [asked(ask) for _ in range(5)]
    for _ in range(5):
        assert waiting.acquire(timeout=DEADLINE)
    for _ in range(2):
        doing.may_end.release()
    for thread in threads:
        thread.join(DEADLINE)

    assert sorted(given) == [1, 2, 2, 2, 2, 2]
    assert doing.begun == 2
    doing.may_end.release()
    assert joint.of("web01", doing) == 3


def test_what_it_raises_is_raised_to_all_and_the_next_one_is_made_anew() -> None:
    joint = Joint[int]()

    with pytest.raises(ZeroDivisionError):
        joint.of("web01", lambda: 1 // 0)

    assert joint.of("web01", lambda: 7) == 7


def test_who_may_not_wait_is_told_so_and_stands_in_nobodys_way() -> None:
    joint, doing = Joint[int](), Doing()
    first = asked(lambda: joint.of("web01", doing))
    wait_until(lambda: doing.begun == 1)

    @contextmanager
    def full() -> Iterator[None]:
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError):
        joint.of("web01", doing, waiting=full)
    doing.may_end.release()
    first.join(DEADLINE)
    doing.may_end.release()

    assert joint.of("web01", doing) == 2

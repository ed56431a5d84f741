"""A few shells are lent to one call at a time and closed when nobody needs them."""

from __future__ import annotations

import time
from threading import Event, Thread

import pytest

from backends.hyperv.psrp.pool import AllBusy, Closed, Pool
from tests.support.waiting import DEADLINE


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Shell:
    """Remembers how it ended."""

    def __init__(self, fails: bool = False) -> None:
        self.ended = ""
        self.closed = Event()
        self.fails = fails

    def close(self) -> None:
        self.ended = "closed"
        self.closed.set()
        if self.fails:
            raise OSError("gone")

    def cut(self) -> None:
        self.ended = "cut"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(clock: Clock) -> Pool[Shell]:
    return Pool(Shell, 2, clock, idle_limit=600)


def test_a_shell_that_came_back_is_lent_again(pool: Pool[Shell], clock: Clock) -> None:
    first = pool.lend(1)
    assert first.idle_for is None
    pool.give_back(first.shell)
    clock.now += 7
    again = pool.lend(1)
    assert (again.shell, again.idle_for) == (first.shell, 7)


def test_the_shell_used_last_is_lent_first(pool: Pool[Shell]) -> None:
    one, two = pool.lend(1).shell, pool.lend(1).shell
    pool.give_back(one)
    pool.give_back(two)
    assert pool.lend(1).shell is two


def test_there_are_never_more_than_the_limit(pool: Pool[Shell]) -> None:
    pool.lend(1)
    pool.lend(1)
    with pytest.raises(AllBusy):
        pool.lend(0.01)


def test_who_waits_gets_the_shell_that_comes_back(pool: Pool[Shell]) -> None:
    one = pool.lend(1).shell
    pool.lend(1)
    Thread(target=pool.give_back, args=(one,)).start()
    assert pool.lend(5).shell is one


def test_a_shell_that_is_nearly_free_is_waited_for_rather_than_another_opened(pool: Pool[Shell]) -> None:
    one = pool.lend(1).shell
    pool.finishing(one)
    Thread(target=pool.give_back, args=(one,)).start()
    assert pool.lend(5).shell is one


def test_a_shell_that_does_not_come_back_is_not_waited_for_for_long(pool: Pool[Shell]) -> None:
    one = pool.lend(1).shell
    pool.finishing(one)
    assert pool.lend(5).shell is not one


def test_idle_time_counts_from_the_end_of_the_work(pool: Pool[Shell], clock: Clock) -> None:
    one = pool.lend(1).shell
    pool.finishing(one)
    clock.now += 3
    pool.give_back(one)
    assert pool.lend(1).idle_for == 3


def test_a_shell_that_was_thrown_away_does_not_come_back(pool: Pool[Shell]) -> None:
    hung = pool.lend(1).shell
    pool.discard(hung)
    pool.give_back(hung)
    assert pool.lend(1).shell is not hung


def test_a_broken_shell_is_cut_and_makes_room(pool: Pool[Shell]) -> None:
    broken = pool.lend(1).shell
    pool.lend(1)
    pool.discard(broken)
    assert broken.ended == "cut"
    assert pool.lend(1).shell is not broken


def test_a_retired_shell_makes_room_and_is_closed_while_nobody_waits(pool: Pool[Shell]) -> None:
    retired = pool.lend(1).shell
    pool.lend(1)
    pool.retire(retired)
    assert pool.lend(1).shell is not retired
    assert retired.closed.wait(DEADLINE)
    assert retired.ended == "closed"


def test_a_fresh_shell_is_new_even_if_an_old_one_must_go_for_it(pool: Pool[Shell]) -> None:
    one, two = pool.lend(1).shell, pool.lend(1).shell
    pool.give_back(one)
    pool.give_back(two)
    fresh = pool.lend(1, fresh=True)
    assert fresh.shell not in (one, two)
    assert fresh.idle_for is None
    assert (one.ended, two.ended) == ("cut", "")


def test_a_shell_that_lay_idle_for_too_long_is_closed(pool: Pool[Shell], clock: Clock) -> None:
    old = pool.lend(1).shell
    pool.give_back(old)
    clock.now += 600
    assert pool.lend(1).shell is not old
    assert old.closed.wait(DEADLINE)


def test_closing_ends_idle_shells_and_cuts_those_that_do_not_come_back(pool: Pool[Shell]) -> None:
    idle, busy = pool.lend(1).shell, pool.lend(1).shell
    pool.give_back(idle)
    pool.close(grace=0.01)
    pool.close(grace=0.01)
    assert (idle.ended, busy.ended) == ("closed", "cut")
    with pytest.raises(Closed):
        pool.lend(1)


def test_a_shell_that_comes_back_while_the_pool_closes_is_closed(pool: Pool[Shell]) -> None:
    late = pool.lend(1).shell
    closing = Thread(target=pool.close)
    closing.start()
    while not pool._closed:
        time.sleep(0.001)
    pool.give_back(late)
    closing.join()
    assert late.ended == "closed"


def test_a_shell_that_cannot_be_closed_does_not_stop_the_others(clock: Clock) -> None:
    pool = Pool(lambda: Shell(fails=True), 2, clock)
    shells = [pool.lend(1).shell, pool.lend(1).shell]
    for shell in shells:
        pool.give_back(shell)
    pool.close()
    assert [shell.ended for shell in shells] == ["closed", "closed"]

"""A host that keeps failing is left alone for growing times, and a refused password for long."""

from __future__ import annotations

import pytest

from backends.base import AuthenticationFailed, TimedOut, Unreachable
from backends.hyperv.psrp.breaker import Breaker


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("hv01", clock)


def test_one_failure_is_nothing(breaker: Breaker) -> None:
    _fail(breaker)
    breaker.admit()


def test_the_rests_double_from_one_second_to_five_minutes(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker)
    rests = []
    for _ in range(12):
        _fail(breaker)
        began = clock.now
        while not _admits(breaker):
            clock.now += 0.5
        rests.append(clock.now - began)
        breaker.withdrawn()
    assert rests == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_rest_says_how_long_and_why(breaker: Breaker, clock: Clock) -> None:
    for _ in range(6):
        _fail(breaker)
        clock.now += 1000
    _fail(breaker)
    with pytest.raises(
        Unreachable, match=r"hv01 failed 7 times in a row\. It is left alone for another 32 s"
    ) as caught:
        breaker.admit()
    assert "no route" in caught.value.cause


def test_only_one_call_tries_a_host_again(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker)
    _fail(breaker)
    clock.now += 1
    breaker.admit()
    with pytest.raises(Unreachable, match="being tried again right now"):
        breaker.admit()
    breaker.succeeded()
    breaker.admit()
    breaker.admit()


def test_a_try_that_came_to_nothing_lets_the_next_one_through(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker)
    _fail(breaker)
    clock.now += 1
    breaker.admit()
    breaker.withdrawn()
    breaker.admit()


def test_calls_that_fail_together_count_once(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker)
    for _ in range(20):
        breaker.failed(TimedOut("slow"))
    clock.now += 1
    breaker.admit()


def test_one_success_forgets_the_failures(breaker: Breaker) -> None:
    _fail(breaker)
    _fail(breaker)
    breaker.succeeded()
    _fail(breaker)
    breaker.admit()


def test_a_refused_password_is_not_tried_for_a_quarter_of_an_hour(breaker: Breaker, clock: Clock) -> None:
    breaker.failed(AuthenticationFailed("hv01 refused bot.", "401"))
    clock.now += 899
    with pytest.raises(AuthenticationFailed, match=r"hv01 refused bot\. It is left alone for another 1 s"):
        breaker.admit()
    with pytest.raises(AuthenticationFailed):
        breaker.refuse_if_locked()
    clock.now += 1
    breaker.refuse_if_locked()
    breaker.admit()


def _fail(breaker: Breaker) -> None:
    breaker.failed(Unreachable("hv01 does not answer.", "no route"))


def _admits(breaker: Breaker) -> bool:
    try:
        breaker.admit()
    except Unreachable:
        return False
    return True

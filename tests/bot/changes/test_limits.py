"""Whose turn it is: one change at a time on a VM, a few on a host, in the order of asking."""

from __future__ import annotations

from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.changes.limits import AT_ONCE, Limits, Turn
from tests.support.waiting import DEADLINE


class Begun(list[str]):
    """The VMs whose turn came, in that order."""

    def __call__(self, turn: Turn) -> None:
        self.append(f"{turn.change_id}:{turn.vm_id}")


@pytest.fixture
def begun() -> Begun:
    return Begun()


@pytest.fixture
def limits(begun: Begun) -> Limits:
    return few(begun)


def few(begun: Begun, at_once: int = AT_ONCE) -> Limits:
    """Open, with so many at once on a host."""
    limits = Limits(begun, at_once)
    limits.open()
    return limits


def turn(change_id: str, vm_id: str, host: str = "hv01", index: int = 0) -> Turn:
    return Turn(change_id, index, vm_id, host)


def test_a_turn_comes_at_once_where_nothing_is_before_it(limits: Limits, begun: Begun) -> None:
    limits.queue(turn("a", "web01"))

    assert begun == ["a:web01"]


def test_changes_of_one_vm_come_one_after_the_other_in_the_order_of_asking(limits: Limits, begun: Begun) -> None:
    limits.queue(turn("a", "web01"))
    limits.queue(turn("b", "web01"))
    limits.queue(turn("c", "web01"))
    assert begun == ["a:web01"]

    limits.done(turn("a", "web01"))
    assert begun == ["a:web01", "b:web01"]
    limits.done(turn("b", "web01"))
    assert begun == ["a:web01", "b:web01", "c:web01"]


def test_only_a_few_vms_of_a_host_are_changed_at_the_same_time(begun: Begun) -> None:
    limits = few(begun, at_once=2)
    limits.queue(*(turn("a", f"web{n}", index=n) for n in range(5)))
    assert begun == ["a:web0", "a:web1"]

    limits.done(turn("a", "web1", index=1))
    assert begun == ["a:web0", "a:web1", "a:web2"]


def test_one_host_does_not_hold_up_another(begun: Begun) -> None:
    limits = few(begun, at_once=1)
    limits.queue(turn("a", "web01"), turn("b", "web02"), turn("c", "web03", "hv02"))

    assert sorted(begun) == ["a:web01", "c:web03"]


def test_a_vm_that_waits_for_its_own_earlier_change_does_not_hold_up_others_of_its_host(begun: Begun) -> None:
    limits = few(begun, at_once=2)
    limits.queue(turn("a", "web01"), turn("b", "web01"), turn("c", "web02"))

    assert begun == ["a:web01", "c:web02"]


def test_what_is_queued_twice_has_one_turn(limits: Limits, begun: Begun) -> None:
    limits.queue(turn("a", "web01"))
    limits.queue(turn("a", "web01"))
    limits.done(turn("a", "web01"))

    assert begun == ["a:web01"]


def test_what_was_at_work_when_the_bot_stopped_keeps_its_vm_until_it_is_done(begun: Begun) -> None:
    limits = Limits(begun)
    limits.occupy(turn("a", "web01"))
    limits.queue(turn("b", "web01"))
    limits.open()
    assert begun == []

    limits.done(turn("a", "web01"))
    assert begun == ["b:web01"]


def test_what_is_done_twice_makes_room_once(begun: Begun) -> None:
    limits = few(begun, at_once=1)
    limits.queue(turn("a", "web01"), turn("b", "web02"), turn("c", "web03"))
    limits.done(turn("a", "web01"))
    limits.done(turn("a", "web01"))

    assert begun == ["a:web01", "b:web02"]


def test_who_waits_for_a_lost_host_lets_others_go_ahead_and_goes_on_when_there_is_room(begun: Begun) -> None:
    limits = few(begun, at_once=1)
    limits.queue(turn("a", "web01"), turn("b", "web02"), turn("c", "web03"))
    limits.away(turn("a", "web01"))
    assert begun == ["a:web01", "b:web02"]

    back = Thread(target=limits.back, args=(turn("a", "web01"),))
    back.start()
    while not limits.returning("hv01"):
        pass
    limits.done(turn("b", "web02"))
    back.join(DEADLINE)

    assert begun == ["a:web01", "b:web02"]  # who was there before goes first
    limits.done(turn("a", "web01"))
    assert begun == ["a:web01", "b:web02", "c:web03"]


# ---------------------------------------------------------------- after a restart


def test_no_turn_comes_before_it_is_known_what_was_at_work(begun: Begun) -> None:
    limits = Limits(begun)
    limits.queue(turn("b", "web01"))  # of a workflow that was taken up before the rest was looked at
    limits.occupy(turn("a", "web01"))
    limits.open()
    assert begun == []

    limits.done(turn("a", "web01"))
    assert begun == ["b:web01"]


def test_what_was_at_work_and_is_over_before_turns_come_makes_room_for_one(begun: Begun) -> None:
    limits = Limits(begun, at_once=2)
    limits.queue(turn("b", "web01"), turn("c", "web01"))
    limits.occupy(turn("a", "web01"))
    limits.done(turn("a", "web01"))
    limits.open()
    assert begun == ["b:web01"]

    limits.done(turn("b", "web01"))
    assert begun == ["b:web01", "c:web01"]


def test_what_is_over_before_anybody_has_looked_keeps_no_vm(begun: Begun) -> None:
    limits = Limits(begun, at_once=1)
    limits.done(turn("a", "web01"))
    limits.occupy(turn("a", "web01"))
    limits.queue(turn("b", "web01"))
    limits.open()

    assert begun == ["b:web01"]


def test_what_is_over_is_not_begun_again_where_it_is_asked_for_once_more(begun: Begun) -> None:
    limits = Limits(begun, at_once=1)
    limits.queue(turn("a", "web01"), turn("b", "web01"))
    limits.done(turn("a", "web01"))
    limits.open()
    limits.queue(turn("a", "web01"))
    assert begun == ["b:web01"]

    limits.done(turn("b", "web01"))
    limits.queue(turn("c", "web02"))
    assert begun == ["b:web01", "c:web02"]


def test_what_was_asked_for_before_it_was_found_at_work_takes_one_place_on_its_host(begun: Begun) -> None:
    limits = Limits(begun, at_once=2)
    limits.queue(turn("b", "web01"), turn("a", "web01"))
    limits.occupy(turn("a", "web01"))
    limits.occupy(turn("a", "web01"))
    limits.queue(turn("c", "web02"))
    limits.open()
    assert begun == ["c:web02"]

    limits.done(turn("a", "web01"))
    assert begun == ["c:web02", "b:web01"]


@given(
    was_at_work=st.sets(st.integers(0, 3)),
    before=st.lists(st.tuples(st.sampled_from(("queue", "occupy", "done")), st.integers(0, 7))),
    after=st.lists(st.tuples(st.sampled_from(("queue", "done")), st.integers(0, 7))),
    at_once=st.integers(1, 3),
)
def test_whatever_is_taken_up_in_whatever_order_no_vm_has_two_turns_and_each_turn_comes_once(
    was_at_work: set[int], before: list[tuple[str, int]], after: list[tuple[str, int]], at_once: int
) -> None:
    """Four VMs of two hosts, of each of which the first change may have been at work when the bot stopped."""
    turns = [turn(f"change{number}", f"vm{number % 4}", f"hv{number % 2}") for number in range(8)]
    begun: list[Turn] = []
    limits = Limits(begun.append, at_once)
    at_work = {turns[number] for number in was_at_work}
    over: set[Turn] = set()

    def act(what: str, one: Turn) -> None:
        if what == "queue":
            limits.queue(one)
        elif what == "occupy" and one in at_work:
            limits.occupy(one)
        elif what == "done" and one in at_work | set(begun):
            limits.done(one)
            over.add(one)

    def alone() -> None:
        busy = [one.vm_id for one in (at_work | set(begun)) - over]
        assert len(busy) == len(set(busy))
        assert len(begun) == len(set(begun))
        assert not at_work & set(begun)

    for what, number in before:
        act(what, turns[number])
    for one in at_work - over:
        limits.occupy(one)
    assert not begun
    limits.open()
    alone()
    for what, number in after:
        act(what, turns[number])
        alone()
    limits.queue(*turns)
    while left := (at_work | set(begun)) - over:
        for one in left:
            act("done", one)
            alone()
    assert over == set(turns), "each has had its turn"

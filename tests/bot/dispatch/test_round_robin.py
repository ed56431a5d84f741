"""Everybody's next comes in turn."""

from __future__ import annotations

from bot.dispatch.round_robin import RoundRobin


def test_a_flood_of_one_person_holds_up_nobody_else() -> None:
    line: RoundRobin[str] = RoundRobin(each=90)
    for number in range(90):
        line.add("ada", f"ada {number}")
    line.add("bob", "bob 0")
    assert [line.next() for _ in range(3)] == ["ada 0", "bob 0", "ada 1"]
    assert len(line) == 88


def test_one_person_has_only_so_much_of_it() -> None:
    line: RoundRobin[int] = RoundRobin(each=2)
    assert [line.add("ada", n) for n in range(3)] == [True, True, False]
    assert line.add("bob", 0)


def test_who_is_to_wait_is_passed_over_and_keeps_their_place() -> None:
    line: RoundRobin[str] = RoundRobin(each=2)
    for who in ("ada", "bob", "ada"):
        line.add(who, who)
    assert [line.next({"ada"}), line.next({"ada"}), line.next()] == ["bob", None, "ada"]


def test_what_is_taken_out_before_its_turn_does_not_come() -> None:
    line: RoundRobin[int] = RoundRobin(each=2)
    line.add("ada", 1)
    line.remove("ada", 1)
    line.remove("ada", 1)
    assert line.next() is None
    assert len(line) == 0

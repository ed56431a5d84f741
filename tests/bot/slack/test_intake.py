"""The threads behind the acknowledgements."""

from __future__ import annotations

import threading

import pytest

from bot.slack.intake import Intake
from tests.support.slack import hold
from tests.support.waiting import DEADLINE, wait_until


def test_jobs_run_at_the_same_time() -> None:
    intake = Intake(workers=2, for_presses=0)
    both = threading.Barrier(2, timeout=DEADLINE)

    def meet() -> None:
        both.wait()

    assert all(intake.offer(meet) for _ in range(2))
    intake.close()
    assert intake.drain(10)


def busy(gate: threading.Event, **sizes: int) -> Intake:
    """An intake of which one thread is at a question already."""
    intake = Intake(**sizes)
    begun = threading.Event()

    def work() -> None:
        begun.set()
        hold(gate)

    assert intake.offer(work, person_id="ada")
    assert begun.wait(DEADLINE)
    return intake


def test_who_has_too_many_in_line_is_not_let_in_and_others_are(gate: threading.Event) -> None:
    intake = busy(gate, workers=1, for_presses=0, waiting=1)
    assert intake.offer(lambda: None, person_id="ada")
    assert not intake.offer(lambda: None, person_id="ada")
    assert intake.offer(lambda: None, person_id="bob")


def test_people_come_in_turn(gate: threading.Event) -> None:
    intake = busy(gate, workers=1, for_presses=0)
    done: list[str] = []
    for who in ("ada", "ada", "bob"):
        intake.offer(lambda who=who: done.append(who), person_id=who)  # type: ignore[misc]
    gate.set()
    intake.close()
    assert intake.drain(10)
    assert done == ["ada", "bob", "ada"]


def test_one_person_keeps_only_so_many_threads_and_all_of_theirs_is_done_in_the_end(gate: threading.Event) -> None:
    intake, done, other = Intake(workers=4, for_presses=0, each=2), [], threading.Event()

    def work() -> None:
        hold(gate)
        done.append("ada")

    assert all(intake.offer(work, person_id="ada", press=number % 2 == 0) for number in range(8))
    assert intake.offer(other.set, person_id="bob")
    assert other.wait(DEADLINE)
    gate.set()
    intake.close()
    assert intake.drain(10)
    assert done == ["ada"] * 8


def test_a_press_does_not_wait_behind_questions(gate: threading.Event) -> None:
    intake = busy(gate, workers=2, for_presses=1)
    pressed = threading.Event()
    intake.offer(lambda: None, person_id="ada")
    intake.offer(pressed.set, person_id="ada", press=True)
    assert pressed.wait(DEADLINE)


def test_a_press_goes_before_the_questions_in_line(gate: threading.Event) -> None:
    intake = busy(gate, workers=1, for_presses=0)
    done: list[str] = []
    intake.offer(lambda: done.append("question"))
    intake.offer(lambda: done.append("press"), press=True)
    gate.set()
    intake.close()
    assert intake.drain(10)
    assert done == ["press", "question"]


def test_what_was_taken_is_done_after_the_close_and_nothing_new_is_taken(gate: threading.Event) -> None:
    intake = Intake(workers=1, for_presses=0)
    done: list[int] = []
    intake.offer(lambda: hold(gate))
    intake.offer(lambda: done.append(1))
    intake.close()
    assert not intake.offer(lambda: done.append(2))
    assert not intake.drain(0.01)
    gate.set()
    assert intake.drain(10)
    assert done == [1]


def test_a_job_that_fails_takes_no_thread_with_it(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake(workers=1, for_presses=0)
    done: list[int] = []
    intake.offer(lambda: done.append(1 // 0))
    intake.offer(lambda: done.append(1))
    intake.close()
    assert intake.drain(10)
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text


def test_few_threads_are_begun_for_what_is_soon_done() -> None:
    intake = Intake(few=2, patience=DEADLINE)
    done: list[int] = []
    assert all(intake.offer(lambda: done.append(1), person_id=f"p{number}") for number in range(50))
    assert intake.threads <= 2
    intake.close()
    assert intake.drain(10)
    assert len(done) == 50


def test_where_none_comes_free_another_thread_is_begun(gate: threading.Event) -> None:
    intake, answered = Intake(few=2, patience=0.01), threading.Event()
    assert all(intake.offer(lambda: hold(gate), person_id=f"p{number}") for number in range(10))
    wait_until(lambda: intake.threads == 10)
    assert intake.offer(answered.set, person_id="ada")
    assert answered.wait(DEADLINE)


def test_a_press_has_a_thread_at_once_where_questions_keep_the_few(gate: threading.Event) -> None:
    intake, pressed = Intake(few=2, patience=DEADLINE), threading.Event()
    assert all(intake.offer(lambda: hold(gate), person_id="ada") for _ in range(2))
    assert intake.offer(pressed.set, person_id="ada", press=True)
    assert pressed.wait(DEADLINE)


def test_threads_that_have_nothing_to_do_end(gate: threading.Event) -> None:
    intake = Intake(idle=0.01)
    assert all(intake.offer(gate.set) for _ in range(3))
    wait_until(lambda: intake.threads == 0)
    assert intake.offer(gate.set), "and others come when they are needed"


def test_few_jobs_one_after_the_other_need_few_threads(gate: threading.Event) -> None:
    intake = Intake(idle=0.2)
    busy_ones = [threading.Event() for _ in range(8)]
    assert all(intake.offer(lambda one=one: (one.set(), hold(gate))) for one in busy_ones)  # type: ignore[misc]
    assert all(one.wait(DEADLINE) for one in busy_ones)
    gate.set()
    ended = threading.Event()

    def one_more() -> None:
        if intake.threads < 4:
            ended.set()

    def and_again() -> bool:
        assert intake.offer(one_more)
        return ended.is_set()

    wait_until(and_again)

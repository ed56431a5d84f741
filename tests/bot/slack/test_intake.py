"""The workers behind the acknowledgements."""

from __future__ import annotations

import threading

import pytest

from bot.slack.intake import Intake
from tests.support.slack import hold


def test_jobs_run_at_the_same_time() -> None:
    intake = Intake(workers=2)
    both = threading.Barrier(2, timeout=10)

    def meet() -> None:
        both.wait()

    assert all(intake.offer(meet) for _ in range(2))
    intake.close()
    assert intake.drain(10)


def test_a_full_line_takes_no_more(gate: threading.Event) -> None:
    intake = Intake(workers=1, waiting=1)
    begun = threading.Event()

    def work() -> None:
        begun.set()
        hold(gate)

    assert intake.offer(work)
    assert begun.wait(10)
    assert intake.offer(lambda: None)
    assert not intake.offer(lambda: None)


def test_what_was_taken_is_done_after_the_close_and_nothing_new_is_taken(gate: threading.Event) -> None:
    intake = Intake(workers=1)
    done: list[int] = []
    intake.offer(lambda: hold(gate))
    intake.offer(lambda: done.append(1))
    intake.close()
    assert not intake.offer(lambda: done.append(2))
    assert not intake.drain(0.01)
    gate.set()
    assert intake.drain(10)
    assert done == [1]


def test_a_job_that_fails_takes_no_worker_with_it(caplog: pytest.LogCaptureFixture) -> None:
    intake = Intake(workers=1)
    done: list[int] = []
    intake.offer(lambda: done.append(1 // 0))
    intake.offer(lambda: done.append(1))
    intake.close()
    assert intake.drain(10)
    assert done == [1]
    assert "ZeroDivisionError" in caplog.text

"""Bad times: a clock that jumps. No change is lost or doubled, people are told, and it heals by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta

import pytest

from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeState
from commands.base import Schedule, unmarked
from tests.support.headquarters import ADA, CHANNEL, Headquarters
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Headquarters]:
    with Headquarters(tmp_path_factory.mktemp("headquarters")) as made:
        yield made


@pytest.fixture
def hq(shared: Headquarters) -> Headquarters:
    shared.board.whispers.clear()
    return shared


def names(hq: Headquarters, vm: str) -> list[str]:
    return [one.name for one in hq.look(hq.vm(vm).id).checkpoints]


def test_a_clock_that_is_set_back_keeps_questions_open_and_answers_them_once(hq: Headquarters) -> None:
    hq.add_vm("back", Past("first", DAY))
    hq.type("delete back first")
    row = hq.wait_for(ChangeState.AWAITING)
    hq.clock.forward(hours=-2)
    try:
        hq.press(hq.button(row, "Delete"), row.message)
        hq.wait_for(ChangeState.SUCCEEDED, row)
        hq.type("back y")
        hq.wait_for(ChangeState.SUCCEEDED)
    finally:
        hq.clock.forward(hours=2)

    assert names(hq, "back") == ["y"]
    assert hq.ledger.audit.verify().whole


def test_a_clock_that_jumps_ahead_lets_a_question_expire_and_says_so(hq: Headquarters) -> None:
    hq.add_vm("ahead", Past("first", DAY))
    hq.type("delete ahead first")
    row = hq.wait_for(ChangeState.AWAITING)
    hq.clock.forward(days=1)
    try:
        hq.press(hq.button(row, "Delete"), row.message)
        ended = hq.wait_for(ChangeState.EXPIRED, row)
    finally:
        hq.clock.forward(days=-1)

    assert "nobody answered in time" in unmarked(hq.message(ended).text).casefold()
    assert names(hq, "ahead") == ["first"]


def test_a_schedule_runs_once_for_its_time_whichever_way_the_clock_jumps(hq: Headquarters) -> None:
    hq.add_vm("clock")
    due = hq.clock().replace(hour=2, minute=0) + timedelta(days=1)
    hq.ledger.schedules.put(Schedule("s-clock", "clock", ("clock",), ADA, "ada", CHANNEL, at=time(2)))
    ahead = (due - hq.clock()).total_seconds() + 60
    try:
        hq.clock.forward(seconds=ahead)
        hq.core.recurring.look()
        wait_until(lambda: len(names(hq, "clock")) == 1)
        for jump in (-3600.0, 3600.0, -7200.0, 7200.0):
            hq.clock.forward(seconds=jump)
            hq.core.recurring.look()
        last = hq.ledger.schedules.last_run("s-clock")
        wait_until(lambda: (run := hq.ledger.schedules.last_run("s-clock")) is not None and run.outcome != "")
        assert last is not None and last.due_at == due.replace(second=0, microsecond=0)
        assert len(names(hq, "clock")) == 1
    finally:
        hq.type("schedule remove clock")
        hq.clock.forward(seconds=-ahead)


def test_time_that_the_machine_has_slept_counts_for_the_looks_at_the_fleet(hq: Headquarters) -> None:
    begun = hq.core._scanner.steady()
    hq.clock.forward(hours=8)
    try:
        assert hq.core._scanner.steady() - begun >= 8 * 3600
    finally:
        hq.clock.forward(hours=-8)

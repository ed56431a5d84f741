"""Bad times: a disk that takes no write, at each write there is, and a clock that jumps. No change is lost or doubled,
people are told, and it heals by itself."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from datetime import time, timedelta

import pytest
from sqlalchemy import event

from backends.simulator.fleets.seed import DAY, Past
from bot.changes.card import SIGNS
from bot.ledger import ChangeRow, ChangeState
from commands.base import Schedule, unmarked
from tests.support.headquarters import ADA, CHANNEL, Headquarters
from tests.support.waiting import wait_until

EVERY = os.environ.get("BAD_WRITES") == "all"
"""Let the disk fail at each write of a change, not only at some of them."""
FEW = 3
FAILING = 2
"""Writes in a row that meet the bad disk, tries of the same one included."""


class BadDisk:
    """From the n-th transaction on, of either database, the kernel refuses every write of this process to a file."""

    def __init__(self, hq: Headquarters) -> None:
        self._lock = threading.Lock()
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        self._first: int | None = None
        self.begun = 0
        """Transactions so far."""
        writer = hq.ledger._store._writer
        assert writer is not None
        writer.conn.set_trace_callback(lambda sql: self._counted() if sql.startswith("BEGIN") else None)
        self._jobs = hq.core._durable._dbos._sys_db.engine
        event.listen(self._jobs, "before_cursor_execute", self._job)

    def fail_at(self, number: int) -> None:
        with self._lock:
            self.begun, self._first = 0, number

    def mend(self) -> None:
        with self._lock:
            self._first = None
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def close(self) -> None:
        self.mend()
        event.remove(self._jobs, "before_cursor_execute", self._job)

    def _job(self, _conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            self._counted()

    def _counted(self) -> None:
        with self._lock:
            self.begun += 1
            if self._first is None:
                return
            if self._first <= self.begun < self._first + FAILING:
                resource.setrlimit(resource.RLIMIT_FSIZE, (1, self._limits[1]))
            else:
                resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


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


def asked(hq: Headquarters, vm: str) -> ChangeRow | None:
    """The change that was asked for, with a plan; None where it could not even be recorded."""
    found = hq.ledger.history.find(vms=[hq.vm(vm).id])
    row = hq.ledger.changes.get(found[0].change_id) if found else None
    return row if row and row.plan else None


def test_a_disk_that_fails_at_any_write_loses_and_doubles_nothing(hq: Headquarters) -> None:
    hq.add_vm("disk")
    disk = BadDisk(hq)
    try:
        hq.type("disk x")
        hq.wait_for(ChangeState.SUCCEEDED)
        writes = disk.begun
        assert writes > FEW
        for number in range(1, writes + 1) if EVERY else range(2, writes + 1, writes // FEW):
            vm = f"disk{number}"
            hq.add_vm(vm)
            hq.board.whispers.clear()
            disk.fail_at(number)

            hq.type(f"{vm} x")
            told = [one.text for one in hq.board.whispers]
            row = asked(hq, vm)
            if row is None:
                disk.mend()
                assert any("The disk with the ledger" in one for one in told), number
                assert names(hq, vm) == [], number
            else:
                ended = hq.wait_for(ChangeState.SUCCEEDED, row)
                assert names(hq, vm) == ["x"], number
                assert f"{SIGNS[ChangeState.SUCCEEDED]} " in hq.message(ended).text
            disk.mend()
    finally:
        disk.close()
    assert hq.ledger.audit.verify().whole


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

"""A disk that is full or has errors, at each write there is of each thing that the bot does: no change is lost or
doubled, people are told, and it heals by itself."""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import time, timedelta
from pathlib import Path
from random import Random

import pytest
from dbos import DBOS

from backends.base import VMState
from backends.simulator.fleets.seed import DAY, Past
from bot.ledger import ChangeRow, ChangeState
from bot.settings import ApprovalSettings
from commands.base import Schedule, unmarked
from commands.kit.words import short_id
from tests.support.bad_disk import BadDisk, Trouble
from tests.support.headquarters import Headquarters
from tests.support.people import ADA, BOB, CHANNEL
from tests.support.waiting import wait_until

EVERY = os.environ.get("BAD_WRITES") == "all"
"""Let the disk fail at each write, in each way, and not only at some of them."""
FEW = 3
TOLD = "The disk with the ledger"


class Story(ABC):
    """One thing that the bot does, from its beginning to its end, on a VM of its own each time."""

    def __init__(self, hq: Headquarters) -> None:
        self.hq = hq

    @abstractmethod
    def prepare(self, vm: str) -> None:
        """While all is well."""

    @abstractmethod
    def happen(self, vm: str) -> None:
        """While the disk fails. It ends when all is done that is to be done."""

    @abstractmethod
    def holds(self, vm: str) -> None:
        """What must be so afterwards."""

    # ------------------------------------------------------------ what people do

    def names(self, vm: str) -> list[str]:
        return self.hq.checkpoints(vm)

    def told(self, words: str) -> list[str]:
        """What was posted anywhere with these words."""
        return [said for text in self.hq.board.texts if words in (said := unmarked(text))]

    def ask(self, vm: str, text: str) -> ChangeRow:
        """Type it until it is taken, as somebody does who is told each time that it was not."""
        for _ in range(5):
            self.hq.board.whispers.clear()
            self.hq.type(text)
            found = self.hq.ledger.history.find(vms=[self.hq.vm(vm).id])
            row = self.hq.ledger.changes.get(found[0].change_id) if found else None
            if row is not None and row.plan is not None:
                return row
            assert [one for one in self.hq.board.whispers if TOLD in one.text], "nothing was asked for, and nobody told"
        raise AssertionError("it is never taken")

    def press(self, row: ChangeRow, label: str, who: str = ADA) -> None:
        """Press it until it is taken, in the same way."""
        button = self.hq.button(row, label)
        for _ in range(5):
            self.hq.board.whispers.clear()
            self.hq.press(button, row.message, who=who)
            if not [one for one in self.hq.board.whispers if TOLD in one.text]:
                return
            self.hq.clock.forward(seconds=5)
        raise AssertionError("it is never taken")

    def ended(self, row: ChangeRow) -> ChangeRow:
        """Carried out, and its one message says so."""
        row = self.hq.wait_for(ChangeState.SUCCEEDED, row)
        about = self.told(f"change {short_id(row.id)}")
        assert len(about) == 1, about
        return row


class Creating(Story):
    def prepare(self, vm: str) -> None:
        self.hq.add_vm(vm)

    def happen(self, vm: str) -> None:
        self.ended(self.ask(vm, f"{vm} x"))

    def holds(self, vm: str) -> None:
        assert self.names(vm) == ["x"]


class Applying(Story):
    def prepare(self, vm: str) -> None:
        self.hq.add_vm(vm, Past("first", DAY))

    def happen(self, vm: str) -> None:
        row = self.hq.wait_for(ChangeState.AWAITING, self.ask(vm, f"apply {vm} first"))
        self.press(row, "Apply")
        self.ended(row)

    def holds(self, vm: str) -> None:
        first, _safety = self.names(vm)
        assert first == "first"
        assert self.hq.vm(vm).state is VMState.RUNNING


class DeletingWithApproval(Story):
    def prepare(self, vm: str) -> None:
        self.hq.add_vm(vm, Past("first", DAY), Past("second", DAY / 2))

    def happen(self, vm: str) -> None:
        row = self.hq.wait_for(ChangeState.AWAITING, self.ask(vm, f"delete {vm} first"))
        self.press(row, "Approve", BOB)
        self.ended(row)

    def holds(self, vm: str) -> None:
        assert self.names(vm) == ["second"]


class RunningASchedule(Story):
    def prepare(self, vm: str) -> None:
        hq = self.hq
        hq.add_vm(vm)
        hq.ledger.schedules.put(Schedule(f"s-{vm}", f"of-{vm}", (vm,), ADA, "ada", CHANNEL, at=time(2)))
        due = hq.clock().replace(hour=2, minute=0, second=0, microsecond=0) + timedelta(days=1)
        hq.clock.forward(seconds=(due - hq.clock()).total_seconds() + 60)

    def happen(self, vm: str) -> None:
        self.begin()
        wait_until(lambda: (run := self.hq.ledger.schedules.last_run(f"s-{vm}")) is not None and run.outcome)
        wait_until(lambda: self.told(f"of-{vm}"))

    def begin(self) -> None:
        recurring = self.hq.core.recurring
        number = next(_numbers)
        self.hq.core._durable.start_apart(f"schedules-of-a-test-{number}", recurring._look, "")

    def holds(self, vm: str) -> None:
        assert len(self.names(vm)) == 1
        assert len(self.told(f"of-{vm}")) == 1, self.told(f"of-{vm}")
        assert f"of {vm}" in self.told(f"of-{vm}")[0]
        self.hq.ledger.schedules.pause(f"s-{vm}", "a test", "its story is over")


class Expiring(Story):
    def prepare(self, vm: str) -> None:
        self.hq.add_vm(vm)
        self.hq.type(f"{vm} x --keep 3d")
        self.hq.wait_for(ChangeState.SUCCEEDED)
        self.hq.clock.forward(days=1, hours=1)

    def happen(self, vm: str) -> None:
        self.look()
        wait_until(lambda: self.told(f"{vm}: x"))
        self.hq.clock.forward(days=3)
        self.look()
        wait_until(lambda: self.names(vm) == [])
        wait_until(lambda: self.hq.ledger.notices.waiting() or self.told(f"x of {vm} is deleted"))
        self.look()
        wait_until(lambda: self.told(f"x of {vm} is deleted"))

    def look(self) -> None:
        expiry = self.hq.core.expiry
        number = f"expiry-of-a-test-{next(_numbers)}"
        self.hq.core._durable.start_apart(number, expiry._workflow, self.hq.clock(), None)
        wait_until(lambda: self.hq.core._durable.stands(number) == "SUCCESS")

    def holds(self, vm: str) -> None:
        self.look()
        assert len(self.told(f"{vm}: x")) == 1
        assert len(self.told(f"x of {vm} is deleted")) == 1


STORIES = (Creating, Applying, DeletingWithApproval, RunningASchedule, Expiring)
_numbers = itertools.count()


def points(writes: int, story: type[Story]) -> Iterator[tuple[int, Trouble]]:
    """At which write the disk fails, and how."""
    every = list(itertools.product(range(1, writes + 1), Trouble))
    yield from every if EVERY else sorted(Random(story.__name__).sample(every, FEW))


@pytest.mark.sqlite
@pytest.mark.parametrize("story", STORIES)
def test_a_disk_that_fails_at_any_write_loses_and_doubles_nothing_and_heals_by_itself(
    story: type[Story], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hq = Headquarters(tmp_path)
    needs_bob = ApprovalSettings(vms=("deleting*",), actions=("delete",), by=(BOB,))
    access = hq.settings.access.model_copy(update={"approvals": (needs_bob,)})
    hq.settings = hq.settings.model_copy(update={"access": access})
    with hq:
        told, disk = story(hq), BadDisk(hq.core, monkeypatch)
        try:
            told.prepare(vm := story.__name__.lower())
            disk.mend()
            told.happen(vm)
            writes = disk.begun
            told.holds(vm)
            for number, trouble in points(writes, story):
                vm = f"{story.__name__.lower()}{number}{trouble[0]}"
                told.prepare(vm)
                disk.fail_at(number, trouble)
                try:
                    told.happen(vm)
                    disk.mend()
                    told.holds(vm)
                except AssertionError as error:
                    raise AssertionError(f"the disk is {trouble} at write {number} of {writes}: {error}") from error
        finally:
            disk.close()
        wait_until(lambda: not DBOS.list_workflows(status="PENDING"))
        assert hq.ledger.audit.verify().whole

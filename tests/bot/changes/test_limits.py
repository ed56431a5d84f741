"""Many changes on one host at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from bot.changes.limits import AT_ONCE, Turns
from bot.ledger import ChangeState
from commands.base import Create
from tests.support.workbench import PlainJournal, Workbench

T = TypeVar("T")


@dataclass
class Crowd:
    """Counts who is in a step at the same time."""

    inside: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def journal(self) -> CountedJournal:
        return CountedJournal(self, PlainJournal())


@dataclass
class CountedJournal:
    crowd: Crowd
    journal: PlainJournal

    def step(self, name: str, act: Callable[[], T]) -> T:
        with self.crowd.lock:
            self.crowd.inside += 1
            self.crowd.most = max(self.crowd.most, self.crowd.inside)
        try:
            return self.journal.step(name, act)
        finally:
            with self.crowd.lock:
                self.crowd.inside -= 1

    def sleep(self, seconds: float) -> None:
        self.journal.sleep(seconds)


def test_only_a_few_vms_of_a_group_are_changed_at_the_same_time(bench: Workbench) -> None:
    targets = [bench.target(bench.add_vm(f"web{n:02}")) for n in range(5 * AT_ONCE)]
    change_id = bench.ask(Create("fresh"), *targets)
    crowd = Crowd()

    with ThreadPoolExecutor(len(targets)) as vms:
        done = list(vms.map(lambda target: bench.performer.perform(crowd.journal(), change_id, target), targets))

    assert {outcome.state for outcome in done} == {ChangeState.SUCCEEDED}
    assert 1 <= crowd.most <= AT_ONCE


def test_one_host_does_not_hold_up_another() -> None:
    turns = Turns(most=1)
    with turns.on("hv01", PlainJournal()), turns.on("hv02", PlainJournal()):
        pass


def test_who_waits_for_a_lost_host_lets_others_go_ahead() -> None:
    turns = Turns(most=1)
    passed: list[str] = []

    def another() -> None:
        with turns.on("hv01", PlainJournal()):
            passed.append("another")

    def overtaken(_seconds: float) -> None:
        other = threading.Thread(target=another)
        other.start()
        other.join(10)

    with turns.on("hv01", PlainJournal(on_sleep=overtaken)) as journal:
        journal.sleep(300.0)
        passed.append("first")

    assert passed == ["another", "first"]

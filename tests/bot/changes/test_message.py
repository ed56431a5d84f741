"""The one message of a change, also when several want to show it at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from bot.changes.message import PROGRESS_EVERY, ChangeMessages
from bot.ledger import ChangeState
from bot.messages import MessageRef, Origin
from commands.base import Create, Reply
from tests.support.headquarters import wait_until
from tests.support.workbench import Board, Workbench


class SlowBoard(Board):
    """Takes as long for a post as a service far away."""

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        time.sleep(0.05)
        return super().post(origin, message)


def test_vms_that_end_at_the_same_moment_post_one_message(bench: Workbench) -> None:
    board = SlowBoard()
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    with ThreadPoolExecutor(4) as vms:
        list(vms.map(showing.show, [change_id] * 4))
    assert len(board.shown) == 1


def test_a_message_that_cannot_be_shown_leaves_a_note_and_the_change_goes_on(bench: Workbench) -> None:
    board = Board(out_of_order=True)
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))

    assert not showing.show(change_id)
    assert [e.event for e in bench.ledger.events.of(change_id)][-1] == "not shown"

    board.out_of_order = False
    assert showing.show(change_id)
    assert len(board.texts) == 1


class BusyBoard(Board):
    """While it takes a message, the change goes on to its end."""

    def __init__(self, go_on: Callable[[], object]) -> None:
        super().__init__()
        self.go_on = go_on

    def update(self, ref: MessageRef, message: Reply) -> None:
        super().update(ref, message)
        self.go_on()


def test_what_happens_while_a_message_is_shown_is_shown_too(bench: Workbench) -> None:
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    steps = iter((ChangeState.RUNNING, ChangeState.SUCCEEDED))

    def go_on() -> None:
        for step in islice(steps, 1):
            bench.ledger.changes.move(change_id, step, by="bot", result="Took fresh of web01.")

    board = BusyBoard(go_on)
    ChangeMessages(bench.ledger, board, bench.clock).show(change_id)

    assert ["Took fresh of web01." in text for text in board.texts] == [True]


class CountingBoard(Board):
    """Keeps every update."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[str] = []

    def update(self, ref: MessageRef, message: Reply) -> None:
        if ref in self.shown:
            self.updates.append(message.text)
        super().update(ref, message)


def test_progress_is_shown_every_three_seconds_at_most(bench: Workbench) -> None:
    board = CountingBoard()
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("fresh"), bench.target(seen), state=ChangeState.RUNNING)
    showing.show(change_id)

    for percent in range(90):
        showing.progressed(change_id, seen.vm.id, percent)
        bench.clock.forward(seconds=PROGRESS_EVERY.total_seconds() / 10)
        wait_until(lambda shown=percent // 10: len(board.updates) >= shown)

    assert len(board.updates) == 9 - 1
    assert "web01 ████████░░ 80 %" in board.updates[-1]


def test_a_host_that_tells_its_progress_does_not_wait_for_slack(bench: Workbench) -> None:
    board = Board()
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    seen = bench.add_vm("web01")
    change_id = bench.ask(Create("fresh"), bench.target(seen), state=ChangeState.RUNNING)
    showing.show(change_id)

    with board.jammed():
        for percent in (10, 50):
            showing.progressed(change_id, seen.vm.id, percent)
            bench.clock.forward(seconds=4)
        assert "%" not in board.texts[0]

    wait_until(lambda: "50 %" in board.texts[0])

"""The one message of a change, also when several want to show it at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from bot.announcer import MessageRef, Origin
from bot.showing import Showing
from commands.base import Create, Reply
from tests.bot.workbench import Board, Workbench


class SlowBoard(Board):
    """Takes as long for a post as a service far away."""

    def post(self, origin: Origin, message: Reply) -> MessageRef | None:
        time.sleep(0.05)
        return super().post(origin, message)


def test_vms_that_end_at_the_same_moment_post_one_message(bench: Workbench) -> None:
    board = SlowBoard()
    showing = Showing(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    with ThreadPoolExecutor(4) as vms:
        list(vms.map(showing.show, [change_id] * 4))
    assert len(board.shown) == 1


def test_a_message_that_cannot_be_shown_leaves_a_note_and_the_change_goes_on(bench: Workbench) -> None:
    board = Board(out_of_order=True)
    showing = Showing(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))

    assert not showing.show(change_id)
    assert [e.event for e in bench.ledger.events(change_id)][-1] == "not shown"

    board.out_of_order = False
    assert showing.show(change_id)
    assert len(board.texts) == 1

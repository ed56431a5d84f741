"""The one message of a change, also when several want to show it at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from threading import Lock

from bot.changes.message import PROGRESS_EVERY, SOON, ChangeMessages, soon
from bot.changes.outcome import OUTCOME, Outcome
from bot.ledger import ChangeState
from bot.messages import AnnouncerError, MessageRef, Origin
from commands.base import Create, Keep, Plan, Reply
from tests.support.board import Board
from tests.support.waiting import wait_until
from tests.support.workbench import ADA, ORIGIN, Workbench


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


class CrowdedBoard(Board):
    """Sees whether it is told to update a message while it is at it."""

    def __init__(self) -> None:
        super().__init__()
        self.alone = Lock()
        self.crowded = False

    def update(self, ref: MessageRef, message: Reply) -> None:
        if not self.alone.acquire(blocking=False):
            self.crowded = True
            return
        time.sleep(0.02)
        super().update(ref, message)
        self.alone.release()


def test_nobody_updates_a_message_while_another_does(bench: Workbench) -> None:
    """Who was first could be the last to be shown, and what is kept of the message be the other's."""
    board = CrowdedBoard()
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    showing.show(change_id)
    bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
    with ThreadPoolExecutor(4) as threads:
        shown = [threads.submit(showing.show, change_id)]
        bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")
        shown += [threads.submit(showing.show, change_id) for _ in range(3)]
        assert all(one.result() for one in shown)

    assert not board.crowded
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


def test_who_waited_while_another_updated_a_message_does_not_say_what_is_no_longer_so(bench: Workbench) -> None:
    board = CountingBoard()
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    showing.show(change_id)
    bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
    with ThreadPoolExecutor(2) as threads:
        with board.jammed():
            first = threads.submit(showing.show, change_id)
            wait_until(lambda: board.updates)
            bench.ledger.changes.move(change_id, ChangeState.UNKNOWN, by="bot", why="no answer about web01")
            second = threads.submit(showing.show, change_id)
            wait_until(lambda: showing._known[change_id].row.state == ChangeState.UNKNOWN)
            bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")
        assert first.result() and second.result()

    assert not any("unknown" in text for text in board.updates)
    assert "Took fresh of web01." in board.updates[-1]


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


def test_the_larger_a_group_under_way_the_less_often_it_is_shown(bench: Workbench) -> None:
    def pause(vms: int, state: ChangeState) -> float:
        targets = [bench.target(seen)] * vms
        return soon(bench.ledger.changes.load(bench.ask(Create("fresh"), *targets, state=state)))

    seen = bench.add_vm("web01")
    assert soon(None) == pause(1, ChangeState.RUNNING) == SOON
    assert pause(500, ChangeState.QUEUED) == SOON, "that it has begun is shown at once"
    assert pause(500, ChangeState.RUNNING) / 500 == pause(50, ChangeState.RUNNING) / 50


def test_the_way_back_to_who_asked_is_kept_until_the_change_is_over(bench: Workbench) -> None:
    messages = ChangeMessages(bench.ledger, Board(), bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")), state=ChangeState.RUNNING)
    messages.asked_from(change_id, ORIGIN)
    messages.show(change_id)
    assert change_id in messages._origins

    bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")
    messages.show(change_id)

    assert change_id not in messages._origins


def test_of_a_change_that_goes_on_only_what_is_new_is_read(bench: Workbench) -> None:
    board = Board()
    messages = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")), state=ChangeState.RUNNING)
    messages.show(change_id)

    with bench.ledger._store.read() as db:
        asked: list[str] = []
        db.conn.set_trace_callback(asked.append)
    bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")
    messages.show(change_id)
    with bench.ledger._store.read() as db:
        db.conn.set_trace_callback(None)

    assert "Took fresh of web01." in board.texts[0]
    assert not [sql for sql in asked if "FROM changes c" in sql]


class TestAMessageThatSomebodyDeleted:
    def test_is_posted_anew_once_with_what_became_of_the_change(self, bench: Workbench) -> None:
        board = Board()
        messages = ChangeMessages(bench.ledger, board, bench.clock)
        change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
        messages.show(change_id)
        (first,) = board.shown
        board.take_away(first)
        bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
        bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(messages.show, [change_id] * 4))

        (ref,) = board.shown
        assert "Took fresh of web01." in board.texts[0]
        row = bench.ledger.changes.get(change_id)
        assert row is not None and row.message == ref, "its buttons count from now on"


class ClosedBoard(Board):
    """No message can be edited any more."""

    def update(self, ref: MessageRef, message: Reply) -> None:
        if ref in self.shown:
            raise AnnouncerError("edit_window_closed", lasting=True)
        super().update(ref, message)


def test_the_end_of_a_change_whose_message_cannot_be_edited_is_told_to_who_asked_once(bench: Workbench) -> None:
    board = ClosedBoard()
    messages = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
    messages.show(change_id)
    bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
    bench.ledger.changes.move(change_id, ChangeState.SUCCEEDED, by="bot", result="Took fresh of web01.")

    assert all(messages.show(change_id) for _ in range(3))

    assert ["Took fresh of web01." in one.text for one in board.whispers] == [True]


def test_what_cannot_heal_is_not_tried_again_and_noted_once(bench: Workbench) -> None:
    class Closed(Board):
        def post(self, origin: Origin, message: Reply) -> MessageRef | None:
            raise AnnouncerError("is_archived", lasting=True)

    messages = ChangeMessages(bench.ledger, Closed(), bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))

    assert all(messages.show(change_id) for _ in range(3)), "there is nothing to try again"
    assert [e.event for e in bench.ledger.events.of(change_id)].count("not shown") == 1


class TestWhoLooksElsewhere:
    def addressed(self, bench: Workbench, state: ChangeState, *, after: float) -> list[str]:
        board = Board()
        messages = ChangeMessages(bench.ledger, board, bench.clock)
        change_id = bench.ask(Create("fresh"), bench.target(bench.add_vm("web01")))
        bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
        messages.show(change_id)
        bench.clock.forward(seconds=after)
        bench.ledger.changes.move(change_id, state, by="bot", result="…")
        for _ in range(3):
            messages.show(change_id)
        return [sentence for _, _, sentence in board.addressed]

    def test_is_addressed_once_when_it_is_over(self, bench: Workbench) -> None:
        (sentence,) = self.addressed(bench, ChangeState.SUCCEEDED, after=31)
        assert sentence.startswith("This is over: ")

    def test_is_left_alone_when_it_was_quick(self, bench: Workbench) -> None:
        assert self.addressed(bench, ChangeState.SUCCEEDED, after=5) == []

    def test_is_addressed_when_it_failed_however_quick_that_was(self, bench: Workbench) -> None:
        (sentence,) = self.addressed(bench, ChangeState.FAILED, after=1)
        assert sentence.startswith("This did not go well: ")


class TestWhoWantedToKeepIt:
    def asked(self, bench: Workbench) -> str:
        target = bench.target(bench.add_vm("web01"))
        plan = Plan(Keep(bench.clock()), (target,), "keep golden of web01 until today", keepers=("U0GRACE",))
        bench.ledger.changes.request("c1", plan, ADA, ORIGIN)
        for state in (ChangeState.QUEUED, ChangeState.RUNNING):
            bench.ledger.changes.move("c1", state, by="bot")
        return target.vm_id

    def ended(self, bench: Workbench, board: Board, state: ChangeState) -> list[str]:
        vm_id = self.asked(bench)
        messages = ChangeMessages(bench.ledger, board, bench.clock)
        messages.show("c1")
        assert len(board.texts) == 1
        outcome = Outcome(vm_id, "web01", state, "golden of web01 is kept until today.")
        bench.ledger.changes.note("c1", OUTCOME, by="bot", detail=asdict(outcome))
        bench.ledger.changes.move("c1", state, by="bot", result=outcome.sentence)
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(messages.show, ["c1"] * 4))
        return [text for text in board.texts if "wanted to keep" in text]

    def test_is_told_once_what_became_of_it(self, bench: Workbench) -> None:
        board = Board()
        assert self.ended(bench, board, ChangeState.SUCCEEDED) == [
            f"{ADA.name} has changed what you wanted to keep. golden of web01 is kept until today."
        ]
        assert [ref.channel for ref in board.shown] == [ORIGIN.channel, ""], "to the person, and not to the channel"

    def test_is_told_also_where_the_card_can_be_shown_no_more(self, bench: Workbench) -> None:
        class Closed(Board):
            """Cards cannot be edited, and whispers reach nobody."""

            def update(self, ref: MessageRef, message: Reply) -> None:
                if ref in self.shown:
                    raise AnnouncerError("edit_window_closed", lasting=True)
                super().update(ref, message)

            def whisper(self, origin: Origin, message: Reply) -> None:
                raise AnnouncerError("user_not_found", lasting=True)

        assert len(self.ended(bench, Closed(), ChangeState.SUCCEEDED)) == 1

    def test_hears_nothing_of_what_did_not_happen(self, bench: Workbench) -> None:
        assert self.ended(bench, Board(), ChangeState.FAILED) == []

    def test_is_told_in_the_thread_where_no_direct_message_reaches_them(self, bench: Workbench) -> None:
        class NoDirectMessages(Board):
            def post(self, origin: Origin, message: Reply) -> MessageRef | None:
                if not origin.channel:
                    raise AnnouncerError("cannot_dm_bot", lasting=True)
                return super().post(origin, message)

        board = NoDirectMessages()
        assert self.ended(bench, board, ChangeState.SUCCEEDED) == []
        ((_, person, sentence),) = board.addressed
        assert person == "U0GRACE"
        assert "golden of web01 is kept until today." in sentence


def test_a_wait_is_shown_while_it_lasts_and_no_longer(bench: Workbench) -> None:
    board, vm = Board(), bench.add_vm("web01").vm
    showing = ChangeMessages(bench.ledger, board, bench.clock)
    change_id = bench.ask(Create("fresh"), bench.target(bench.backends[vm.host].vm(vm.id)))
    bench.ledger.changes.move(change_id, ChangeState.RUNNING, by="bot")
    showing.show(change_id)
    showing.waits(vm.id, "web01 waits: it was on its way.")
    wait_until(lambda: "web01 waits: it was on its way." in board.texts[-1])
    showing.waits(vm.id, "")
    wait_until(lambda: "waits" not in board.texts[-1])

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from bot.ledger import ChangeState, IllegalMove, Ledger
from bot.ledger.store import READERS
from tests.support.clock import StoppedClock
from tests.support.ledger import ADA, BOB, ORIGIN, carry, checkpoint, creation, inventory, plan, vm

THREADS = 16


def at_once(count: int, act: object) -> list[object]:
    """What `act(n)` gave on each of many threads that were let go together; an IllegalMove counts as an answer."""
    ready = Barrier(count)

    def run(n: int) -> object:
        ready.wait()
        try:
            return act(n)  # type: ignore[operator]
        except IllegalMove as refused:
            return refused.state

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_of_many_deliveries_of_one_request_one_is_recorded(ledger: Ledger) -> None:
    said = at_once(THREADS, lambda _: ledger.changes.request("c1", plan(), ADA, ORIGIN))
    assert Counter(said) == {True: 1, False: THREADS - 1}
    assert len(ledger.events.of("c1")) == 1


def test_of_many_that_make_one_move_one_makes_it(ledger: Ledger) -> None:
    ledger.changes.request("c1", plan(), ADA, ORIGIN)
    said = at_once(THREADS, lambda _: ledger.changes.move("c1", ChangeState.AWAITING, by="bot"))
    assert Counter(said) == {True: 1, False: THREADS - 1}
    assert len(ledger.events.of("c1")) == 2


def test_of_cancel_and_expiry_at_once_one_wins_and_the_other_is_told(ledger: Ledger) -> None:
    for n in range(20):
        id = f"c{n}"
        ledger.changes.request(id, plan(), ADA, ORIGIN)
        ledger.changes.move(id, ChangeState.AWAITING, by="bot")
        ways = (ChangeState.CANCELLED, ChangeState.EXPIRED)
        said = at_once(2, lambda one, id=id, ways=ways: ledger.changes.move(id, ways[one], by=(ADA, BOB)[one].id))
        row = ledger.changes.get(id)
        assert row is not None
        assert said.count(True) == 1
        assert set(said) - {True} == {row.state}


def test_many_threads_that_write_and_read_leave_a_whole_ledger(ledger: Ledger) -> None:
    def work(n: int) -> None:
        for turn in range(5):
            carry(ledger, f"c{n}-{turn}", creation(f"name {n}", f"web{n}"))
            ledger.checkpoints.seen(inventory(vm(f"web{n}", checkpoint(f"cp-{n}-{turn}")), at=ledger.changes._clock()))
            ledger.samples.add(inventory(vm(f"web{n}", growth=turn), at=ledger.changes._clock()))
            assert ledger.history.find(vms=[f"id-web{n}"], text="name")[0].state == "succeeded"
            assert len(ledger.events.of(f"c{n}-{turn}")) == 6
            assert ledger.audit.verify().whole

    at_once(THREADS, work)
    assert ledger.audit.head().seq == THREADS * 5 * 6
    assert len(ledger.history.find(limit=1000)) == THREADS * 5
    assert ledger.audit.verify().whole


def test_more_readers_than_connections_wait_for_each_other(ledger: Ledger) -> None:
    carry(ledger, "c1")
    at_once(3 * READERS, lambda _: [ledger.events.of("c1") for _ in range(5)])
    assert len(ledger._store._idle) <= READERS


def test_two_programs_can_have_the_ledger_open(ledger: Ledger) -> None:
    with Ledger(ledger._store.path, clock=ledger.changes._clock) as other:
        pair = (ledger, other)
        at_once(8, lambda n: [carry(pair[n % 2], f"c{n}-{turn}") for turn in range(5)])
        assert ledger.audit.verify() == other.audit.verify()
        assert ledger.audit.head().seq == 240


def test_of_many_that_open_a_new_ledger_at_once_one_makes_its_tables(tmp_path: Path, clock: StoppedClock) -> None:
    def begin(n: int) -> None:
        with Ledger(tmp_path / "new.db", clock=clock) as ledger:
            carry(ledger, f"c{n}")

    at_once(8, begin)
    with Ledger(tmp_path / "new.db", clock=clock) as ledger:
        assert ledger.audit.verify().whole
        assert ledger.audit.head().seq == 48

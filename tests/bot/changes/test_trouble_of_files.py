"""Trouble of the bot's own files in mid-change: no outcome of it, and no VM is left worse than it was found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from backends.base import VMState
from backends.simulator.fleets.seed import DAY, Past
from backends.simulator.model.faults import Fault, FaultKind
from bot.ledger import ChangeRow, ChangeState, LedgerError
from tests.support.headquarters import Headquarters
from tests.support.waiting import wait_until

QUICK = 200
"""Milliseconds that the ledger waits for another program before it gives up; it is 15 seconds else."""


@pytest.fixture
def hq(tmp_path: Path) -> Iterator[Headquarters]:
    with Headquarters(tmp_path) as made:
        writer = made.ledger._store._writer
        assert writer is not None
        writer.execute(f"PRAGMA busy_timeout = {QUICK}")
        yield made


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes to it, and takes its time."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def full(path: Path) -> Iterator[None]:
    """There is no room for another event."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        (pages,) = other.execute("PRAGMA page_count").fetchone()
        other.execute(f"PRAGMA max_page_count = {pages}")
        yield


def under_way(hq: Headquarters, vm: str, cmdlet: str, *, go: Callable[[], object]) -> ChangeRow:
    """An apply whose `cmdlet` has been sent; `go` is done before it comes to its end on the host."""
    faults = hq.hosts["hv01"].faults
    hq.type(f"apply {vm} first")
    row = hq.wait_for(ChangeState.AWAITING)
    faults.arm(Fault(FaultKind.HANG, cmdlet))
    hq.press(hq.button(row, "Apply"), row.message)
    wait_until(lambda: any(e.detail.get("step") in (cmdlet, STEPS[cmdlet]) for e in hq.ledger.events.of(row.id)))
    go()
    faults.disarm(FaultKind.HANG)
    faults.release()
    return row


STEPS = {"Restore-VMSnapshot": "apply", "Checkpoint-VM": "safety"}


@pytest.mark.parametrize("cmdlet", ["Restore-VMSnapshot", "Checkpoint-VM"])
def test_a_ledger_that_another_program_locks_is_waited_for_and_the_vm_is_started(
    hq: Headquarters, tmp_path: Path, cmdlet: str
) -> None:
    seen = hq.add_vm("app01", Past("first", DAY))
    lock = locked(tmp_path / "ledger.db")

    row = under_way(hq, "app01", cmdlet, go=lock.__enter__)
    log_of_trouble = hq.ledger.events.of(row.id)
    wait_until(lambda: len(hq.shells["hv01"].log.seen(cmdlet)) == 1)
    assert hq.ledger.events.of(row.id) == log_of_trouble
    lock.__exit__(None, None, None)

    done = hq.wait_for(ChangeState.SUCCEEDED, row)
    assert "is kept as" in hq.message(done).text
    assert hq.look(seen.vm.id).vm.state is VMState.RUNNING
    assert len(hq.shells["hv01"].log.seen("Restore-VMSnapshot")) == 1
    assert len(hq.shells["hv01"].log.seen("Checkpoint-VM")) == 1


def test_a_request_is_carried_out_once_though_the_ledger_was_locked_right_after_it_was_kept(
    hq: Headquarters, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = hq.add_vm("app02")
    moves = type(hq.ledger.changes).move
    refused: list[object] = []

    def locked_once(*given: object, **named: object) -> bool:
        if not refused:
            refused.append(given)
            raise LedgerError("Another program holds the ledger locked.", transient=True)
        return moves(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(hq.ledger.changes), "move", locked_once)
    hq.type("app02 before-upgrade")

    assert hq.wait_for(ChangeState.SUCCEEDED)
    assert [one.name for one in hq.look(seen.vm.id).checkpoints] == ["before-upgrade"]

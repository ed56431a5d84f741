"""What years of a ledger cost: its size, a walk over it, a page of history, and to archive most of it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.ledger import Ledger
from bot.operations.audit import archived
from tests.bench.test_bench_ledger import PER_CHANGE, START, carry, one_transaction, seconds

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
"""Of ten a minute, so a million are ten weeks of a very busy team."""
STAY = 20
"""One in so many stays."""

pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ticks = count()
    path = tmp_path_factory.mktemp("bench") / "ledger.db"
    with Ledger(path, clock=lambda: START + timedelta(seconds=6 * next(ticks)), draft=True) as made:

        def fill() -> None:
            with one_transaction(made):
                for n in range(EVENTS // PER_CHANGE):
                    carry(made, n)

        told("fill, in one transaction", seconds(fill))
        made._store.vacuum()
        print(f"{made.audit.head().seq:,} events: {size(path):.0f} MB")
        yield made


def told(what: str, spent: float) -> None:
    print(f"\n{what}: {spent:.1f} s", flush=True)


def size(path: Path) -> float:
    return path.stat().st_size / 1e6


def best(act: Callable[[], object]) -> float:
    return min(seconds(act) for _ in range(5)) * 1000


def test_years_of_a_ledger(ledger: Ledger, tmp_path: Path) -> None:
    last = ledger.audit.head().seq
    told("verify", seconds(ledger.audit.verify))
    for when in ("before", "after"):
        newest, one, words = (
            best(lambda more=more: ledger.history.find(**more))  # type: ignore[misc]
            for more in ({}, {"vms": [f"vm-{7:033d}"]}, {"text": "web7 before-upgrade-5"})
        )
        print(f"history {when}: newest {newest:.1f} ms, one VM {one:.1f} ms, two words {words:.1f} ms", flush=True)
        if when == "before":
            at = ledger.streams.after(last - last // STAY, 1)[0].at
            began = time.perf_counter()
            print(archived(ledger, tmp_path / "old.db", datetime.fromisoformat(at)))
            told("archive", time.perf_counter() - began)
    print(f"ledger {size(ledger._store.path):.0f} MB, archive {size(tmp_path / 'old.db'):.0f} MB")
    told("verify what stayed", seconds(ledger.audit.verify))
    with Ledger(tmp_path / "old.db", clock=lambda: datetime.now(UTC), read_only=True) as old:
        told("verify the archive", seconds(old.audit.verify))
        assert old.audit.head() == ledger.audit.base()

"""What years of a ledger cost: its size, a walk over it, a page of history, a backup, and to archive most of it.

`BENCH_EVENTS=5000000` makes it a ledger of five million events, which takes some 20 GB while it is worked on.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from bot.ledger import Ledger
from bot.ledger.chain import hash_of
from bot.ledger.writing import iso
from bot.operations.audit import archived
from bot.operations.backup import back_up
from tests.bench.test_bench_ledger import PER_CHANGE, START, carry, one_transaction, seconds

EVENTS = int(os.environ.get("BENCH_EVENTS", "1000000"))
"""Of ten a minute, so a million are ten weeks of a very busy team."""
STAY = 20
"""One in so many stays."""

pytestmark = pytest.mark.bench


SHAPES = 2000
"""Of changes that the ledger itself writes; the others are like them, with ids, times and hashes of their own."""


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    ticks = count()
    path = tmp_path_factory.mktemp("bench") / "ledger.db"
    with Ledger(path, clock=lambda: moment(next(ticks)), draft=True) as made:

        def fill() -> None:
            with one_transaction(made):
                for n in range(SHAPES):
                    carry(made, n)
            multiply(made, EVENTS // PER_CHANGE)

        told("fill", fill)
        print(f"{made.audit.head().seq:,} events: {size(path):.0f} MB")
        yield made


def moment(tick: int) -> datetime:
    return START + timedelta(seconds=6 * tick)


def multiply(ledger: Ledger, changes: int) -> None:
    """Write changes like those that are there, up to so many, through the chain's own hash."""
    db = sqlite3.connect(ledger._store.path, isolation_level=None)
    shown = [row[1] for row in db.execute("PRAGMA table_info(changes)")]  # without those that are computed
    columns = ", ".join(shown)
    shapes = db.execute(f"SELECT {columns} FROM changes ORDER BY number").fetchall()
    vms = db.execute("SELECT * FROM change_vms ORDER BY change").fetchall()
    texts = db.execute("SELECT event, state, done_by, why, result, detail FROM events ORDER BY seq").fetchall()
    seq, digest = db.execute("SELECT seq, hash FROM chain_head").fetchone()
    triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    db.executescript("PRAGMA synchronous = off; PRAGMA foreign_keys = off; BEGIN")
    for name, _ in triggers:
        db.execute(f"DROP TRIGGER {name}")
    events: list[tuple[object, ...]] = []
    rows: list[list[object]] = []
    refs: list[tuple[object, ...]] = []
    number_at, id_at, created_at = (shown.index(name) for name in ("number", "id", "created_at"))
    for n in range(SHAPES, changes):
        shape, id, at = n % SHAPES, f"change-{n}", iso(moment(seq))
        row = list(shapes[shape])
        row[number_at], row[id_at], row[created_at] = n + 1, id, at
        rows.append(row)
        refs.append((n + 1, *vms[shape][1:]))
        for text in texts[shape * PER_CHANGE : (shape + 1) * PER_CHANGE]:
            before, seq = digest, seq + 1
            digest = hash_of(before, seq, id, at, *text)
            events.append((seq, id, at, *text, before, digest))
        if len(rows) >= 5000 or n == changes - 1:
            marks = ", ".join("?" * len(shown))
            db.executemany(f"INSERT INTO changes ({columns}) VALUES ({marks})", rows)
            db.executemany("INSERT INTO change_vms VALUES (?, ?, ?, ?, ?)", refs)
            db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", events)
            rows, refs, events = [], [], []
    db.execute("UPDATE chain_head SET seq = ?, hash = ?", [seq, digest])
    for table in ("changes_fts", "changes_trigrams"):
        db.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
    for _, sql in triggers:
        db.execute(sql)
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def told(what: str, act: Callable[[], object]) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    act()
    spent, used = time.perf_counter() - began, time.process_time() - cpu
    print(f"\n{what}: {spent:.1f} s, of which {used:.1f} s of CPU", flush=True)


def size(path: Path) -> float:
    return path.stat().st_size / 1e6


def best(act: Callable[[], object]) -> float:
    return min(seconds(act) for _ in range(5)) * 1000


def test_years_of_a_ledger(ledger: Ledger, tmp_path: Path) -> None:
    last = ledger.audit.head().seq
    told("verify", ledger.audit.verify)
    told("backup, with its proof", lambda: back_up(ledger._store.path.parent, tmp_path / "backups"))
    shutil.rmtree(tmp_path / "backups")
    for when in ("before", "after"):
        newest, one, words = (
            best(lambda more=more: ledger.history.find(**more))  # type: ignore[misc]
            for more in ({}, {"vms": [f"vm-{7:033d}"]}, {"text": "web7 before-upgrade-5"})
        )
        print(f"history {when}: newest {newest:.1f} ms, one VM {one:.1f} ms, two words {words:.1f} ms", flush=True)
        if when == "before":
            at = ledger.streams.after(last - last // STAY, 1)[0].at
            told("archive", lambda at=at: archived(ledger, tmp_path / "old.db", datetime.fromisoformat(at)))  # type: ignore[misc]
    print(f"ledger {size(ledger._store.path):.0f} MB, archive {size(tmp_path / 'old.db'):.0f} MB")
    told("verify what stayed", ledger.audit.verify)
    with Ledger(tmp_path / "old.db", clock=lambda: datetime.now(UTC), read_only=True) as old:
        told("verify the archive", old.audit.verify)
        assert old.audit.head() == ledger.audit.base()
